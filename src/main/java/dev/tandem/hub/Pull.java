package dev.tandem.hub;

import dev.tandem.hub.cache.FileNames;
import dev.tandem.hub.cache.HubCache;
import dev.tandem.hub.cache.HubException;
import dev.tandem.hub.cache.HubModel;
import dev.tandem.hub.cache.Storage;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Pulls models from a hub into a cache. The parts that an interrupted pull downloaded are kept, and
 * the next pull continues from there. A model's directory appears when it is complete and checked.
 */
public final class Pull implements AutoCloseable {
  private static final String PARTIAL = "partial";
  private static final int MAX_INDEX_BYTES = 32 << 20;

  private final HubAccess access;
  private final HubCache cache;
  private final TransferLimits limits;
  private final PullListener listener;
  private final HubClient client;
  private final ExecutorService pool;
  private volatile boolean cancelled;
  private Optional<Thread> running = Optional.empty();

  /** Prepares to pull from a hub into a cache. */
  public Pull(HubAccess access, HubCache cache, PullListener listener) {
    this(access, cache, listener, TransferLimits.DEFAULT);
  }

  Pull(HubAccess access, HubCache cache, PullListener listener, TransferLimits limits) {
    this.access = access;
    this.cache = cache;
    this.limits = limits;
    this.listener = listener;
    this.client = new HubClient(access, limits, listener);
    this.pool =
        Executors.newFixedThreadPool(
            limits.connections(), task -> HubClient.daemon(task, "pull-range"));
  }

  /**
   * Pulls a model, unless the cache has it.
   *
   * @param again whether to download it even if the cache has it
   * @return the path that {@link HubCache#find} now finds by the model's name
   * @throws HubException if the model cannot be pulled; the message says what to do
   * @throws IOException if something else fails
   */
  public Path run(HubModel model, boolean again) throws IOException {
    running(Optional.of(Thread.currentThread()));
    try {
      return pull(model, again);
    } catch (InterruptedException e) {
      throw interrupted();
    } catch (IOException | RejectedExecutionException e) {
      if (cancelled) {
        throw interrupted();
      }
      throw e;
    } finally {
      running(Optional.empty());
    }
  }

  /** Sets the thread that {@link #close} may interrupt; null for none. */
  private synchronized void running(Optional<Thread> thread) {
    running = thread;
    if (cancelled) {
      boolean unused = Thread.interrupted(); // the interrupt was meant for the pull only
    }
  }

  private static HubException interrupted() {
    return new HubException(
        "interrupted; the downloaded parts are kept: the same command continues from there");
  }

  @SuppressWarnings("try") // the lock counts as long as the block lasts
  private Path pull(HubModel model, boolean again) throws IOException, InterruptedException {
    RepoListing listing = listing(model);
    FileSelection selection = FileSelection.of(listing, model.file());
    Path repository = cache.repository(model);
    try (RepoLock lock = RepoLock.take(repository, listener)) {
      Path place = repository.resolve(listing.commit()).resolve(model.directoryName());
      boolean complete = Files.isDirectory(place, LinkOption.NOFOLLOW_LINKS) && holds(place, model);
      if (complete && !again) {
        listener.note(model + " is already in the cache");
      } else {
        download(model, listing, selection, repository, place);
      }
      HubCache.setRef(repository, model, listing.commit());
    }
    return cache
        .find(model)
        .orElseThrow(() -> new HubException(model + " vanished from " + repository));
  }

  /** The files of a repository. */
  private RepoListing listing(HubModel model) throws IOException, InterruptedException {
    String[] name = model.repositoryParts();
    URI uri =
        URI.create(
            access.uri("/api/models", name[0], name[1], "revision", model.revision())
                + "?blobs=true");
    RequestTarget target =
        new RequestTarget(model.repository(), Optional.of(model.revision()), Optional.empty());
    return RepoListing.parse(model.repository(), client.small(uri, target));
  }

  private static boolean holds(Path place, HubModel model) {
    return model.file().isEmpty()
        || Files.isRegularFile(place.resolve(FileNames.last(model.file().get())));
  }

  private void download(
      HubModel model, RepoListing listing, FileSelection selection, Path repository, Path place)
      throws IOException, InterruptedException {
    String[] names = {PARTIAL, listing.commit(), model.directoryName()};
    Path partial = Storage.directory(repository, names);
    Path ready = Storage.directory(partial, "ready");
    List<RepoFile> files = new ArrayList<>(selection.files());
    if (selection.lacksTokenizer() && model.tokenizerSource().isPresent()) {
      HubModel source = model.tokenizerSource().get();
      listener.note(listing.repository() + " has no tokenizer; taking " + source + "'s");
      files.add(FileSelection.sentencePiece(listing(source)));
    }
    Fetch fetch = new Fetch(partial, ready);
    if (selection.index().isPresent()) {
      RepoFile index = selection.index().get();
      fetch.all(List.of(index));
      files.addAll(FileSelection.shards(listing, index, indexContent(ready, index)));
    }
    fetch.all(files);
    Storage.directory(repository, listing.commit());
    moveIntoPlace(ready, place, partial);
    deletePartials(repository.resolve(PARTIAL), model.directoryName());
  }

  private static byte[] indexContent(Path ready, RepoFile index) throws IOException {
    Path file = ready.resolve(index.name());
    if (Files.size(file) > MAX_INDEX_BYTES) {
      throw new HubException(index + " is too long for an index: " + Files.size(file) + " B");
    }
    return Files.readAllBytes(file);
  }

  /**
   * Moves the new directory to its place in one step. An existing directory was complete, so it is
   * exchanged.
   */
  private static void moveIntoPlace(Path ready, Path place, Path partial) throws HubException {
    try {
      if (Files.exists(place, LinkOption.NOFOLLOW_LINKS)) {
        Path old = partial.resolve("old");
        Storage.deleteTree(old);
        Files.move(place, old, StandardCopyOption.ATOMIC_MOVE);
      }
      Files.move(ready, place, StandardCopyOption.ATOMIC_MOVE);
    } catch (IOException e) {
      throw Storage.unwritable(place, e);
    }
  }

  /** Also deletes the partial files of earlier commits, which no pull will complete. */
  private static void deletePartials(Path partials, String directoryName) throws HubException {
    for (Path commit : HubCache.entries(partials)) {
      Storage.deleteTree(commit.resolve(directoryName));
      if (HubCache.entries(commit).isEmpty()) {
        Storage.deleteTree(commit);
      }
    }
  }

  /** Downloads the files of one model, one after the other. */
  private final class Fetch {
    private final Path partial;
    private final Path ready;
    private final AtomicLong here = new AtomicLong();
    private long total;

    Fetch(Path partial, Path ready) {
      this.partial = partial;
      this.ready = ready;
    }

    /** Downloads the missing files. */
    void all(List<RepoFile> listed) throws IOException, InterruptedException {
      List<RepoFile> files = new ArrayList<>();
      for (RepoFile file : listed) {
        boolean known = file.bytes().isPresent() && file.hash().isPresent();
        files.add(checked(known ? file : client.described(file)));
      }
      List<RepoFile> missing = new ArrayList<>();
      long missingBytes = 0;
      total = 0;
      for (RepoFile file : files) {
        long bytes = file.bytes().orElseThrow();
        total = Math.addExact(total, bytes);
        if (!isReady(file)) {
          missing.add(file);
          missingBytes += bytes - doneBytes(file);
        }
      }
      Storage.requireSpace(partial, missingBytes);
      here.set(0);
      for (RepoFile file : files) {
        here.addAndGet(isReady(file) ? file.bytes().orElseThrow() : 0);
      }
      report(0);
      for (RepoFile file : missing) {
        try (PartialFile content = content(file)) {
          report(content.doneBytes());
          new FileDownload(client, access, limits, file, content, this::report)
              .to(ready.resolve(file.name()), pool);
        }
      }
    }

    private RepoFile checked(RepoFile file) throws HubException {
      if (file.bytes().isEmpty()) {
        throw new HubException(file + ": the hub does not state its length");
      }
      if (file.hash().isEmpty()) {
        listener.note(file + ": the hub states no checksum; only the length is checked");
      }
      return file;
    }

    private void report(long bytes) {
      listener.downloaded(here.addAndGet(bytes), total);
    }

    /** An existing file was checked before it was moved there. */
    private boolean isReady(RepoFile file) throws IOException {
      Path path = ready.resolve(file.name());
      return Files.isRegularFile(path, LinkOption.NOFOLLOW_LINKS)
          && Files.size(path) == file.bytes().orElseThrow();
    }

    private long doneBytes(RepoFile file) throws HubException {
      try (PartialFile content = content(file)) {
        return content.doneBytes();
      }
    }

    private PartialFile content(RepoFile file) throws HubException {
      return new PartialFile(partial.resolve(file.name()), file, limits.partBytes());
    }
  }

  /** Ends {@link #run}, from any thread. It then fails, and the downloaded parts are kept. */
  public synchronized void cancel() {
    cancelled = true;
    pool.shutdownNow();
    client.close();
    running.ifPresent(Thread::interrupt);
  }

  /** Releases the threads and connections. */
  @Override
  public void close() {
    pool.shutdownNow();
    client.close();
  }
}
