package dev.tandem.directory;

import java.util.List;

/**
 * An answer of a directory.
 *
 * @param holders in the order of preference where nothing else decides
 * @param absent servers that should be there and are not
 */
public record Listing(List<Holder> holders, List<Absent> absent) {

  /** Copies the lists. */
  public Listing {
    holders = List.copyOf(holders);
    absent = List.copyOf(absent);
  }
}
