package dev.tandem.hub;

import dev.tandem.hub.cache.HubCache;
import dev.tandem.hub.cache.HubException;
import dev.tandem.hub.cache.HubModel;
import java.net.URI;
import java.nio.file.Path;
import java.util.Optional;

/** {@code ENDPOINT CACHE MODEL}: a pull in a process of its own, in small parts. */
public final class PullMain {
  private PullMain() {}

  /** Prints where the model is, or why there is none. */
  public static void main(String[] args) throws Exception {
    HubAccess access = new HubAccess(URI.create(args[0]), Optional.empty());
    HubCache cache = new HubCache(Path.of(args[1]));
    try (Pull pull =
        new Pull(access, cache, PullListener.NONE, PullFixture.LIMITS.withConnections(2))) {
      System.out.println(pull.run(HubModel.of(args[2]), false));
    } catch (HubException e) {
      System.out.println(e.getMessage());
      System.exit(1);
    }
  }
}
