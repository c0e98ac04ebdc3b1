package dev.tandem.hub;

import dev.tandem.hub.cache.HubException;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Queue;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.LongConsumer;
import org.jspecify.annotations.Nullable;

/**
 * Downloads one file to its place. Large files come in ranges over several connections and continue
 * where an earlier process stopped. Small files, and files of servers without ranges, come in one
 * piece.
 */
final class FileDownload {
  private static final int BUFFER_BYTES = 1 << 16;
  private static final int MAX_RESTARTS = 3;

  /**
   * This many bytes count as progress, so that a server that sends one byte and hangs up is not
   * tried forever.
   */
  private static final long PROGRESS_BYTES = 1 << 16;

  private static final int PARTIAL = 206;
  private static final int RANGE_NOT_SATISFIABLE = 416;

  /** The content on the hub is not the content of the parts on disk. */
  private static final class Changed extends IOException {
    private static final long serialVersionUID = 1;

    Changed() {
      super("the file has changed");
    }
  }

  /** The server ignores ranges and sends the whole file. */
  private static final class NoRanges extends IOException {
    private static final long serialVersionUID = 1;
  }

  private final HubClient client;
  private final Source source;
  private final TransferLimits limits;
  private final RepoFile file;
  private final PartialFile partial;
  private final LongConsumer progress;

  /**
   * The address of the content. A signed address of another host serves many ranges, but expires.
   */
  private volatile URI location;

  /**
   * @param progress receives the number of bytes that arrived; negative if they must be downloaded
   *     again
   */
  FileDownload(
      HubClient client,
      Source source,
      TransferLimits limits,
      RepoFile file,
      PartialFile partial,
      LongConsumer progress) {
    this.client = client;
    this.source = source;
    this.limits = limits;
    this.file = file;
    this.partial = partial;
    this.progress = progress;
    this.location = source.uri(file);
  }

  /**
   * Downloads what is missing, checks the whole file and moves it to its place.
   *
   * @throws HubException if the file cannot be downloaded, or does not match the hub's listing
   */
  void to(Path target, ExecutorService pool) throws IOException, InterruptedException {
    for (int restarts = 0; ; restarts++) {
      try {
        if (partial.parts() > 1) {
          ranges(pool);
        } else {
          whole();
        }
        break;
      } catch (NoRanges e) {
        forget();
        whole();
        break;
      } catch (Changed e) {
        if (restarts == MAX_RESTARTS) {
          throw new HubException(
              file
                  + ": it changed on "
                  + source.called()
                  + " during the download; try again later");
        }
        forget();
      }
    }
    partial.complete(target);
  }

  private void forget() throws HubException {
    progress.accept(-partial.doneBytes());
    partial.restart();
  }

  /** Every worker takes the next missing range, until none is left or one has failed. */
  private void ranges(ExecutorService pool) throws IOException, InterruptedException {
    Queue<Range> missing = new ConcurrentLinkedQueue<>(missingRanges());
    AtomicBoolean failed = new AtomicBoolean();
    Callable<Void> worker =
        () -> {
          try {
            for (Range range = missing.poll();
                range != null && !failed.get();
                range = missing.poll()) {
              get(range, failed);
            }
            return null;
          } catch (IOException | InterruptedException | RuntimeException e) {
            failed.set(true);
            throw e;
          }
        };
    List<Future<Void>> workers = new ArrayList<>();
    for (int i = Math.min(limits.connections(), missing.size()); i > 0; i--) {
      workers.add(pool.submit(worker));
    }
    IOException failure = null;
    for (Future<Void> ended : workers) { // wait for all of them, so that no thread still writes
      try {
        ended.get();
      } catch (ExecutionException e) {
        failure = worse(failure, e);
      }
    }
    if (failure != null) {
      throw failure;
    }
  }

  /** Parts of one request: {@code first .. last}. */
  private record Range(int first, int last) {}

  private List<Range> missingRanges() {
    BitSet missing = partial.missing();
    List<Range> ranges = new ArrayList<>();
    for (int first = missing.nextSetBit(0); first >= 0; ) {
      int end = Math.min(missing.nextClearBit(first), first + limits.partsPerRange());
      ranges.add(new Range(first, end - 1));
      first = missing.nextSetBit(end);
    }
    return ranges;
  }

  /** The failure, among those of several workers, that decides what happens next. */
  private static IOException worse(@Nullable IOException known, ExecutionException e) {
    IOException failure =
        e.getCause() instanceof IOException io
            ? io
            : new HubException("failed: " + HubException.reason(e), e);
    return known == null || failure instanceof HubException ? failure : known;
  }

  /** Downloads a range; stops early if another range has failed. */
  private void get(Range range, AtomicBoolean failed) throws IOException, InterruptedException {
    RetryPolicy retries = client.retryPolicy(file.toString());
    byte[] buffer = new byte[BUFFER_BYTES];
    int part = range.first(); // the part of the next byte
    long end = partial.end(range.last());
    long at = partial.start(part);
    long mark = at;
    try {
      while (at < end && !failed.get()) {
        URI asked = location;
        try (HubAnswer answer = client.send("GET", asked, rangeHeaders(at, end))) {
          requireRange(answer, asked, at);
          while (at < end && !failed.get()) {
            int n = answer.read(buffer);
            if (n < 0) {
              throw new IOException("the connection ended early");
            }
            n = (int) Math.min(n, end - at); // bytes beyond the requested range do not count
            partial.write(buffer, n, at);
            at += n;
            progress.accept(n);
            for (; part <= range.last() && at >= partial.end(part); part++) {
              partial.finish(part);
            }
          }
        } catch (Changed | NoRanges e) {
          throw e;
        } catch (IOException e) {
          if (at - mark >= Math.min(PROGRESS_BYTES, end - mark)) {
            retries.progressed();
            mark = at;
          }
          retries.failed(e);
        }
      }
    } finally {
      if (part <= range.last()) {
        progress.accept(partial.start(part) - at); // bytes of an unfinished part are lost
      }
    }
  }

  private Map<String, String> rangeHeaders(long start, long end) {
    String range = "bytes=" + start + "-" + (end - 1);
    Optional<String> etag = partial.etag();
    return etag.isPresent()
        ? Map.of("Range", range, "If-Range", etag.get())
        : Map.of("Range", range);
  }

  private void requireRange(HubAnswer answer, URI asked, long start) throws IOException {
    if (answer.status() == RANGE_NOT_SATISFIABLE) {
      throw new Changed();
    }
    require(answer, asked);
    if (!partial.accepts(answer.strongEtag())) {
      throw new Changed();
    }
    if (answer.status() != PARTIAL) {
      requireLength(answer.contentLength());
      throw new NoRanges();
    }
    Optional<long[]> range = answer.range();
    if (range.isEmpty() || range.get()[0] != start) {
      throw new NoRanges(); // it sends another range than the requested one
    }
    requireLength(OptionalLong.of(range.get()[1]));
  }

  /** Downloads over one connection; every try starts from the beginning. */
  private void whole() throws IOException, InterruptedException {
    RetryPolicy retries = client.retryPolicy(file.toString());
    byte[] buffer = new byte[BUFFER_BYTES];
    while (true) {
      long at = 0;
      URI asked = location;
      try (HubAnswer answer = client.send("GET", asked, Map.of())) {
        require(answer, asked);
        requireLength(answer.contentLength());
        long bytes = file.bytes().orElseThrow();
        for (int n = answer.read(buffer); n >= 0; n = answer.read(buffer)) {
          if (n > bytes - at) {
            throw wrongLength("more");
          }
          partial.write(buffer, n, at);
          at += n;
          progress.accept(n);
        }
        if (at < bytes) {
          throw new IOException("the connection ended after " + at + " of " + bytes + " B");
        }
        for (int part = 0; part < partial.parts(); part++) {
          partial.finish(part);
        }
        return;
      } catch (IOException e) {
        progress.accept(-at);
        retries.failed(e);
      }
    }
  }

  /** Checks, by the headers, that the answer is content of this file. */
  private void require(HubAnswer answer, URI asked) throws IOException {
    if (!source.isOwn(answer.uri())
        && answer.status() >= 400
        && answer.status() < 500
        && answer.status() != 408
        && answer.status() != 429) {
      location = source.uri(file); // its signature has expired: ask the hub for a new address
      throw new IOException(answer.uri().getHost() + " answers " + answer.status());
    }
    answer.check(RequestTarget.of(file), source);
    requireLength(answer.stated().bytes());
    Optional<ContentHash> stated = answer.stated().hash();
    if (stated.isPresent()
        && file.hash().isPresent()
        && stated.get().kind() == file.hash().get().kind()
        && !stated.equals(file.hash())) {
      throw new HubException(
          file
              + ": "
              + source.called()
              + " contradicts itself: it lists "
              + file.hash().get()
              + " and sends "
              + stated.get()
              + "; try again later");
    }
    // The hub just gave this address. The previous one may have expired for another worker.
    if (source.isOwn(asked) && !source.isOwn(answer.uri())) {
      location = answer.uri();
    }
  }

  private void requireLength(OptionalLong got) throws HubException {
    if (got.isPresent() && got.getAsLong() != file.bytes().orElseThrow()) {
      throw wrongLength(got.getAsLong() + " B");
    }
  }

  private HubException wrongLength(String got) {
    return new HubException(
        file
            + ": wrong length: "
            + source.called()
            + " states "
            + file.bytes().orElseThrow()
            + " B and sends "
            + got
            + "; try again later");
  }
}
