package dev.tandem.api;

import dev.tandem.engine.NativeException;
import dev.tandem.model.Checkpoint;
import dev.tandem.runtime.DraftRuntime;
import dev.tandem.runtime.Models;
import dev.tandem.settings.ActivationEval;
import dev.tandem.settings.Backend;
import dev.tandem.settings.Draft;
import dev.tandem.settings.EngineSettings;
import dev.tandem.settings.KvType;
import dev.tandem.settings.LoadListener;
import dev.tandem.settings.ModelSource;
import dev.tandem.settings.WeightType;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;

/**
 * Which model, and how it computes here: what {@link ModelBuilder}, {@link SplitBuilder} and {@link
 * ServerBuilder} have in common. One thread uses a builder.
 *
 * @param <B> the builder itself
 */
public abstract sealed class EngineBuilder<B extends EngineBuilder<B>>
    permits ModelBuilder, SplitBuilder, ServerBuilder {
  private ModelSource source;
  private EngineSettings settings = EngineSettings.defaults();
  private LoadListener progress = LoadListener.NONE;
  private Optional<Draft> draft = Optional.empty();

  EngineBuilder(ModelSource source) {
    this.source = source;
  }

  abstract B self();

  /** Tokenizer files in place of the model's own. */
  public B tokenizer(Path files) {
    source = source.withTokenizer(files);
    return self();
  }

  /**
   * Adds to what the model's files say; see {@link ModelSource#config}.
   *
   * @param entry the path of a JSON file, or {@code KEY=VALUE}
   */
  public B config(String entry) {
    source = source.withConfig(entry);
    return self();
  }

  /** Converts the model's matrices when it is loaded. */
  public B type(WeightType type) {
    source = source.withType(type);
    return self();
  }

  /** Follows the conversion that {@link #type} asks for, or the download of a server's part. */
  public B progress(LoadListener listener) {
    progress = listener;
    return self();
  }

  /**
   * Threads that compute; 0, the default, for all cores.
   *
   * @throws IllegalArgumentException if there are too many or fewer than 0
   */
  public B threads(int n) {
    return settings(settings.withThreads(n));
  }

  /** The type of the KV caches; else the model's default, or for a client the server's. */
  public B kvType(KvType type) {
    return settings(settings.withKvType(type));
  }

  /** How activations are evaluated; else the model's default, or for a client the server's. */
  public B activation(ActivationEval eval) {
    return settings(settings.withActivationEval(eval));
  }

  /** Whether the bits must be equal on every CPU. */
  public B reproducible(boolean value) {
    return settings(settings.withReproducible(value));
  }

  /** What computes. */
  public B backend(Backend backend) {
    return settings(settings.withBackend(backend));
  }

  /** All of the arithmetic's settings at once. */
  public B settings(EngineSettings value) {
    settings = value;
    return self();
  }

  ModelSource source() {
    return source;
  }

  LoadListener progress() {
    return progress;
  }

  EngineSettings settings() {
    return settings;
  }

  void setDraft(Draft value) {
    draft = Optional.of(value);
  }

  /** What guesses tokens of the model with these files. */
  DraftRuntime drafts(Checkpoint files) throws IOException {
    return DraftRuntime.open(draft, files, settings);
  }

  /** What is made of a model's open files, and owns them from then on. */
  interface Loading<T> {
    T load(Checkpoint files) throws IOException;
  }

  /** Opens the model's files and makes something of them; they are closed again if that fails. */
  <T> T load(Loading<T> loading) {
    Checkpoint files;
    try {
      files = Models.open(source, progress);
    } catch (IOException e) {
      throw Failures.ofModel(e);
    }
    return load(files, loading);
  }

  /** Makes something of a model's open files; they are closed again if that fails. */
  static <T> T load(Checkpoint files, Loading<T> loading) {
    boolean loaded = false;
    try {
      T result = loading.load(files);
      loaded = true;
      return result;
    } catch (IOException | LinkageError | NativeException e) {
      throw Failures.ofModel(e);
    } finally {
      if (!loaded) {
        Failures.close(files);
      }
    }
  }
}
