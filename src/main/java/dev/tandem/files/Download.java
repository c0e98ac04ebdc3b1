package dev.tandem.files;

import dev.tandem.api.ModelException;
import dev.tandem.hub.HubAccess;
import dev.tandem.hub.Pull;
import dev.tandem.hub.PullListener;
import dev.tandem.hub.cache.HubCache;
import dev.tandem.hub.cache.HubModel;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;

/**
 * The download of one model. {@link Downloads#of} returns it. One thread prepares and runs it; any
 * thread may cancel it.
 */
public final class Download {
  private final HubCache cache;
  private final Map<String, String> environment;
  private HubModel model;
  private DownloadListener listener = DownloadListener.NONE;
  private boolean again;
  private boolean cancelled;
  private Optional<Pull> running = Optional.empty();

  Download(HubCache cache, Map<String, String> environment, String name) {
    this.cache = cache;
    this.environment = environment;
    model = HubModel.of(name);
  }

  /** The model's name as a user writes it, with its revision unless that is {@code main}. */
  public String name() {
    return model.toString();
  }

  /**
   * Downloads another revision of the repository.
   *
   * @param name a branch, tag or commit
   * @throws IllegalArgumentException if it cannot be one
   */
  public Download revision(String name) {
    model = model.atRevision(name);
    return this;
  }

  /**
   * Downloads these weights where a repository has several, as repositories of GGUF files do.
   *
   * @param path a file of the repository
   * @throws IllegalArgumentException if it cannot be one
   */
  public Download file(String path) {
    model = model.withFile(path);
    return this;
  }

  /** Whether to download again what is there already. */
  public Download again(boolean value) {
    again = value;
    return this;
  }

  /** Follows the download. */
  public Download listener(DownloadListener value) {
    listener = value;
    return this;
  }

  /**
   * Downloads the model, unless it is there already, and waits until it is complete and checked.
   * What an earlier try has downloaded is kept and continued.
   *
   * @return its file or directory, which its name now finds
   * @throws ModelException if it cannot be downloaded, or is cancelled
   */
  public Path run() {
    try (Pull pull = new Pull(HubAccess.of(environment), cache, told())) {
      running(Optional.of(pull));
      return pull.run(model, again);
    } catch (IOException e) {
      throw new ModelException(e);
    } finally {
      running(Optional.empty());
    }
  }

  private synchronized void running(Optional<Pull> pull) {
    running = pull;
    if (cancelled) {
      pull.ifPresent(Pull::cancel);
    }
  }

  private PullListener told() {
    return new PullListener() {
      @Override
      public void downloaded(long bytes, long total) {
        listener.downloaded(bytes, total);
      }

      @Override
      public void note(String line) {
        listener.note(line);
      }
    };
  }

  /** Ends {@link #run}, which then fails; the downloaded pieces are kept. Idempotent. */
  public synchronized void cancel() {
    cancelled = true;
    running.ifPresent(Pull::cancel);
  }

  /** Whether {@link #cancel} was called. */
  public synchronized boolean isCancelled() {
    return cancelled;
  }
}
