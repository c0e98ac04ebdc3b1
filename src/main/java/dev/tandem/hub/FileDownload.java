package dev.tandem.hub;

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
 * One file, from the hub to its place. Large files come in ranges over several connections, and go
 * on where an earlier process stopped; small ones, and those of servers that know no ranges, in one
 * piece.
 */
final class FileDownload {
  private static final int BUFFER_BYTES = 1 << 16;
  private static final int MAX_RESTARTS = 3;

  /** So much is progress: a server that gives a byte and hangs up is not tried for ever. */
  private static final long PROGRESS_BYTES = 1 << 16;

  private static final int PARTIAL = 206;
  private static final int RANGE_NOT_SATISFIABLE = 416;

  /** The content is not what the parts that are here are of. */
  private static final class Changed extends IOException {
    private static final long serialVersionUID = 1;

    Changed() {
      super("the file has changed");
    }
  }

  /** The server sends all of it whatever is asked for. */
  private static final class NoRanges extends IOException {
    private static final long serialVersionUID = 1;
  }

  private final HubClient client;
  private final HubAccess access;
  private final TransferLimits limits;
  private final RepoFile file;
  private final PartialFile partial;
  private final LongConsumer progress;

  /**
   * Where the content lies; signed addresses of other hosts serve for many ranges, but not ever.
   */
  private volatile URI location;

  /**
   * @param progress told how many bytes came; negative where they must come again
   */
  FileDownload(
      HubClient client,
      HubAccess access,
      TransferLimits limits,
      RepoFile file,
      PartialFile partial,
      LongConsumer progress) {
    this.client = client;
    this.access = access;
    this.limits = limits;
    this.file = file;
    this.partial = partial;
    this.progress = progress;
    this.location = client.uri(file);
  }

  /**
   * Downloads what is missing, checks all of it and moves it to its place.
   *
   * @throws HubException if it cannot be had, or is not what the hub promised
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
          throw new HubException(file + ": changes on the hub while it is downloaded; pull later");
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

  /** Every worker takes the next range that is missing, until there is none or one has failed. */
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
    for (Future<Void> ended : workers) { // all of them, so that nobody writes any more
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

  /** Parts that are asked for together: {@code first .. last}. */
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

  /** Of what several workers met, what decides how it goes on. */
  private static IOException worse(@Nullable IOException known, ExecutionException e) {
    IOException failure =
        e.getCause() instanceof IOException io
            ? io
            : new HubException("failed: " + HubException.reason(e), e);
    return known == null || failure instanceof HubException ? failure : known;
  }

  /** Gets a range; stops early if another one has failed. */
  private void get(Range range, AtomicBoolean failed) throws IOException, InterruptedException {
    Patience patience = client.patience(file.toString());
    byte[] buffer = new byte[BUFFER_BYTES];
    int part = range.first(); // which the next byte belongs to
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
            n = (int) Math.min(n, end - at); // more than was asked for does not count
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
            patience.progressed();
            mark = at;
          }
          patience.failed(e);
        }
      }
    } finally {
      if (part <= range.last()) {
        progress.accept(partial.start(part) - at); // what is of no finished part is lost
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
      throw new NoRanges(); // it has its own idea of them
    }
    requireLength(OptionalLong.of(range.get()[1]));
  }

  /** One connection, from the beginning each time. */
  private void whole() throws IOException, InterruptedException {
    Patience patience = client.patience(file.toString());
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
        patience.failed(e);
      }
    }
  }

  /** That this is content of this file, as far as the headers tell. */
  private void require(HubAnswer answer, URI asked) throws IOException {
    if (!access.isHub(answer.uri())
        && answer.status() >= 400
        && answer.status() < 500
        && answer.status() != 408
        && answer.status() != 429) {
      location = client.uri(file); // its signature has expired: the hub gives another one
      throw new IOException(answer.uri().getHost() + " answers " + answer.status());
    }
    answer.check(Subject.of(file), access);
    requireLength(answer.stated().bytes());
    Optional<ContentHash> stated = answer.stated().hash();
    if (stated.isPresent()
        && file.hash().isPresent()
        && stated.get().kind() == file.hash().get().kind()
        && !stated.equals(file.hash())) {
      throw new HubException(
          file
              + ": the hub contradicts itself: it lists "
              + file.hash().get()
              + " and sends "
              + stated.get()
              + "; pull again, later");
    }
    // From the hub just now; what served until now may have expired for another worker meanwhile.
    if (access.isHub(asked) && !access.isHub(answer.uri())) {
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
            + ": wrong length: the hub states "
            + file.bytes().orElseThrow()
            + " B and sends "
            + got
            + "; pull again, later");
  }
}
