package dev.tandem.hub;

import dev.tandem.hub.cache.HubException;
import dev.tandem.hub.cache.Storage;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Set;

/** Lets one process, and one thread of it, pull from a repository at a time; the others wait. */
final class RepoLock implements AutoCloseable {
  private static final long POLL_MILLIS = 100;

  private final FileChannel channel;

  private RepoLock(FileChannel channel) {
    this.channel = channel;
  }

  /**
   * Waits until no other process or thread pulls.
   *
   * @param directory the repository's directory
   */
  static RepoLock take(Path directory, PullListener listener)
      throws HubException, InterruptedException {
    Path file = directory.resolve("lock");
    try {
      FileChannel channel =
          FileChannel.open(
              file,
              Set.of(
                  StandardOpenOption.CREATE, StandardOpenOption.WRITE, LinkOption.NOFOLLOW_LINKS));
      try {
        for (boolean first = true; !locked(channel); first = false) {
          if (first) {
            listener.note("another process is pulling this model; waiting for it");
          }
          Thread.sleep(POLL_MILLIS);
        }
        return new RepoLock(channel);
      } catch (IOException | InterruptedException | RuntimeException e) {
        channel.close();
        throw e;
      }
    } catch (IOException e) {
      throw Storage.unwritable(file, e);
    }
  }

  private static boolean locked(FileChannel channel) throws IOException {
    try {
      FileLock lock = channel.tryLock();
      return lock != null;
    } catch (OverlappingFileLockException e) {
      return false; // another thread of this process holds the lock
    }
  }

  @Override
  public void close() throws HubException {
    try {
      channel.close(); // releases it
    } catch (IOException e) {
      throw new HubException("cannot release the lock of a repository: " + e.getMessage(), e);
    }
  }
}
