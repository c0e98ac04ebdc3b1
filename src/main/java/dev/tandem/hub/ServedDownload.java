package dev.tandem.hub;

import dev.tandem.hub.cache.HubException;
import dev.tandem.hub.cache.Storage;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Downloads one file of a server into a directory of its own. What an interrupted download got is
 * kept, and the next one continues from there. Only one process and thread at a time works in a
 * directory.
 */
public final class ServedDownload implements AutoCloseable {
  /** One connection, because a server counts them; an interruption costs one of these pieces. */
  private static final TransferLimits LIMITS =
      new TransferLimits(
          1,
          1 << 18,
          1 << 20,
          6,
          Duration.ofSeconds(1),
          Duration.ofSeconds(20),
          Duration.ofMinutes(2),
          Duration.ofSeconds(60));

  private final ServedFile file;
  private final PullListener listener;
  private final HubClient client;
  private final ExecutorService pool =
      Executors.newSingleThreadExecutor(task -> HubClient.daemon(task, "part-download"));

  /** Checks a complete file before it gets its name. */
  @FunctionalInterface
  public interface Check {
    /**
     * Looks at a file.
     *
     * @throws IOException if it is not what it must be
     */
    void check(Path complete) throws IOException;
  }

  /**
   * What the server says of the file.
   *
   * @param etag its strong ETag, without the quotes
   * @param bytes its length
   */
  public record Described(String etag, long bytes) {}

  /** Prepares to download; nothing happens yet. */
  public ServedDownload(ServedFile file, PullListener listener) {
    this.file = file;
    this.listener = listener;
    this.client = new HubClient(file, LIMITS, listener);
  }

  /**
   * Asks the server about the file.
   *
   * @throws HubException if it cannot be downloaded; the message says what to do
   */
  public Described describe() throws IOException {
    RepoFile asked = repoFile(OptionalLong.empty());
    RetryPolicy retries = client.retryPolicy(asked.toString());
    while (true) {
      try (HubAnswer answer = client.send("HEAD", file.uri(), Map.of())) {
        answer.check(RequestTarget.of(asked), file);
        OptionalLong bytes = answer.contentLength();
        Optional<String> etag = answer.strongEtag();
        if (bytes.isEmpty() || etag.isEmpty()) {
          throw new HubException(asked + ": the server states no length, or no ETag");
        }
        return new Described(etag.get().replace("\"", ""), bytes.getAsLong());
      } catch (InterruptedException e) {
        throw interrupted();
      } catch (IOException e) {
        try {
          retries.failed(e);
        } catch (InterruptedException interrupt) {
          throw interrupted();
        }
      }
    }
  }

  /**
   * Downloads the file, unless it is there and passes the check.
   *
   * @param described what {@link #describe} returned
   * @param directory exists, and holds nothing else
   * @param name the file's name
   * @param check for a file that was there: if it fails, the file is downloaded again; for one that
   *     was downloaded: if it fails, so does this, and the file is deleted
   * @return its path
   */
  @SuppressWarnings("try") // the lock counts as long as the block lasts
  public Path run(Described described, Path directory, String name, Check check)
      throws IOException {
    Path target = directory.resolve(name);
    try (RepoLock lock = RepoLock.take(directory, listener)) {
      if (Files.isRegularFile(target)) {
        try {
          check.check(target);
          return target;
        } catch (IOException e) {
          listener.note(target + " is damaged and is downloaded again: " + e.getMessage());
        }
      }
      Path complete = directory.resolve(name + ".complete");
      download(described, directory, complete);
      try {
        check.check(complete);
      } catch (IOException e) {
        Files.deleteIfExists(complete);
        throw e;
      }
      Files.move(complete, target, StandardCopyOption.ATOMIC_MOVE);
      return target;
    } catch (InterruptedException e) {
      throw interrupted();
    }
  }

  private void download(Described described, Path directory, Path complete)
      throws IOException, InterruptedException {
    RepoFile repoFile = repoFile(OptionalLong.of(described.bytes()));
    AtomicLong here = new AtomicLong();
    try (PartialFile partial =
        new PartialFile(directory.resolve("partial"), repoFile, LIMITS.partBytes())) {
      Storage.requireSpace(directory, described.bytes() - partial.doneBytes());
      here.set(partial.doneBytes());
      listener.downloaded(here.get(), described.bytes());
      new FileDownload(
              client,
              file,
              LIMITS,
              repoFile,
              partial,
              bytes -> listener.downloaded(here.addAndGet(bytes), described.bytes()))
          .to(complete, pool);
    }
  }

  private RepoFile repoFile(OptionalLong bytes) {
    return new RepoFile(file.uri().getAuthority(), "", file.name(), bytes, Optional.empty());
  }

  private static InterruptedIOException interrupted() {
    Thread.currentThread().interrupt();
    return new InterruptedIOException(
        "interrupted; what was downloaded is kept: the same download continues from there");
  }

  /** Ends {@link #run}, from any thread, and releases the thread and the connection. */
  @Override
  public void close() {
    pool.shutdownNow();
    client.close();
  }
}
