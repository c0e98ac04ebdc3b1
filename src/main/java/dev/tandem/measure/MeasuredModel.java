package dev.tandem.measure;

import dev.tandem.api.ModelException;
import dev.tandem.api.RequestException;
import dev.tandem.decoding.GenerationException;
import dev.tandem.engine.NativeException;
import dev.tandem.model.Checkpoint;
import dev.tandem.random.RandomModels;
import dev.tandem.runtime.Models;
import dev.tandem.settings.LoadListener;
import dev.tandem.settings.ModelSource;
import dev.tandem.settings.Note;
import dev.tandem.settings.WeightType;
import dev.tandem.tensor.DType;
import dev.tandem.tokenizer.Tokenizer;
import dev.tandem.types.ConversionProgress;
import dev.tandem.types.ConvertedModels;
import java.io.IOException;
import java.util.List;
import java.util.Optional;

/**
 * A model to be measured, by any number of measurements, one after another. It owns its files, and
 * is closed after the last one.
 */
public final class MeasuredModel implements AutoCloseable {
  private static final long SEED = 1;

  private final Checkpoint checkpoint;

  MeasuredModel(Checkpoint checkpoint) {
    this.checkpoint = checkpoint;
  }

  /**
   * Opens a model.
   *
   * @param name the path of a file or directory, or the name of an embedded or a pulled model
   * @throws ModelException if there is no such model, or its files are damaged or not supported
   */
  public static MeasuredModel open(String name) {
    return open(ModelSource.of(name), LoadListener.NONE);
  }

  /**
   * As {@link #open(String)}, with more said about the model.
   *
   * @param progress follows the conversion that the source may ask for, and may stop it
   */
  public static MeasuredModel open(ModelSource source, LoadListener progress) {
    return opened(() -> Models.open(source, progress));
  }

  /**
   * A model with random weights, always the same ones, in the shape of a known one.
   *
   * @param shape one of {@link dev.tandem.files.ModelFiles#shapes}
   * @param type what the f32 weights are converted to; without it they are kept in memory
   * @param progress follows the conversion, and may stop it
   * @throws IllegalArgumentException if there is no such shape, or it has a matrix of 2 GiB in
   *     memory
   * @throws ModelException if memory is short, or the conversion fails
   */
  public static MeasuredModel random(
      String shape, Optional<WeightType> type, LoadListener progress) {
    return opened(
        () ->
            type.isEmpty()
                ? RandomModels.of(shape, DType.F32, SEED)
                : ConvertedModels.convert(
                    RandomModels.drawn(shape, DType.F32, SEED),
                    DType.valueOf(type.get().name()),
                    ConversionProgress.of(progress)));
  }

  private interface Opener {
    Checkpoint open() throws IOException;
  }

  private static MeasuredModel opened(Opener opener) {
    try {
      return new MeasuredModel(opener.open());
    } catch (IOException e) {
      throw new ModelException(e);
    }
  }

  /** The embedded name, the name of a shape, or the file's or directory's own name. */
  public String name() {
    return checkpoint.name();
  }

  /** What was assumed because no file says it, for the user. */
  public List<Note> notes() {
    return checkpoint.notes();
  }

  /** The positions that a sequence can have at most. */
  public int maxSeq() {
    return checkpoint.config().maxSeq();
  }

  /**
   * The model's tokenizer.
   *
   * @throws ModelException if its files are missing, damaged or do not fit the model
   */
  public Tokenizer tokenizer() {
    return measure(Checkpoint::tokenizer);
  }

  /** What is done with the files of a model. */
  interface Work<T> {
    T with(Checkpoint checkpoint) throws IOException, GenerationException;
  }

  /** Does it; what goes wrong below becomes an exception for the user. */
  <T> T measure(Work<T> work) {
    try {
      return work.with(checkpoint);
    } catch (GenerationException e) {
      throw new RequestException(String.valueOf(e.getMessage()), e);
    } catch (IOException | LinkageError | NativeException e) {
      throw new ModelException(e);
    }
  }

  /**
   * Closes the files; idempotent.
   *
   * @throws ModelException if a file cannot be closed
   */
  @Override
  public void close() {
    try {
      checkpoint.close();
    } catch (IOException e) {
      throw new ModelException(e);
    }
  }
}
