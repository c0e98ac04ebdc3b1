package dev.tandem.directory;

import java.io.IOException;

/**
 * Knows the servers that hold layers of a model. A list of addresses is one implementation; a group
 * of servers that know each other can be another.
 */
public interface Directory {

  /**
   * The servers that can take part in a chain at the moment. Callers compare every holder with what
   * they want, because a directory may also return others.
   *
   * @param wanted what the caller will choose from the answer. Once the known holders can give it,
   *     a directory need not wait for others
   * @throws IOException if nothing can be known; a server that cannot be reached is no such failure
   */
  Listing find(Wanted wanted) throws IOException;
}
