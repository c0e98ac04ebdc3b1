package dev.tandem.files;

import dev.tandem.api.ModelException;
import dev.tandem.convert.Conversion;
import dev.tandem.convert.ConversionOptions;
import dev.tandem.formats.ModelWriters;
import dev.tandem.model.Checkpoint;
import dev.tandem.model.ModelPart;
import dev.tandem.random.RandomModels;
import dev.tandem.runtime.Models;
import dev.tandem.settings.InvalidSettingException;
import dev.tandem.settings.LoadListener;
import dev.tandem.settings.ModelSource;
import dev.tandem.settings.Note;
import dev.tandem.settings.Output;
import dev.tandem.stage.Span;
import dev.tandem.tensor.DType;
import dev.tandem.tokenizer.Tokenizer;
import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * The open files of a model, or of a part of one: what they hold, and how they are written in other
 * formats, types and parts. Safe for use by many threads.
 *
 * <pre>{@code
 * try (ModelFiles files = ModelFiles.open("gpt2-shakespeare")) {
 *   System.out.println(files.describe().parameters());
 *   files.convert(Path.of("small.gguf"), WriteOptions.defaults().withType(WeightType.Q8_0)).write();
 * }
 * }</pre>
 */
public final class ModelFiles implements AutoCloseable {
  private static final String PARTS_FORMAT = "gguf";

  private final Checkpoint checkpoint;

  private ModelFiles(Checkpoint checkpoint) {
    this.checkpoint = checkpoint;
  }

  /**
   * Opens a model, and checks everything in its files but the tokenizer.
   *
   * @param name the path of a file or directory, or the name of an embedded or a pulled model
   * @throws ModelException if there is no such model, or its files are damaged or not supported
   */
  public static ModelFiles open(String name) {
    return open(ModelSource.of(name));
  }

  /** As {@link #open(String)}, with more said about the model. */
  public static ModelFiles open(ModelSource source) {
    try {
      return new ModelFiles(Models.open(source, LoadListener.NONE));
    } catch (IOException e) {
      throw new ModelException(e);
    }
  }

  /**
   * A model with random weights in the shape of a known one, for measurements and tests. Its
   * weights are drawn when they are read, so it needs no memory and can be of any size.
   *
   * @param shape one of {@link #shapes}
   * @param seed equal seeds give equal weights on every machine
   * @throws IllegalArgumentException if there is no such shape
   */
  public static ModelFiles random(String shape, long seed) {
    return new ModelFiles(RandomModels.drawn(shape, DType.F32, seed));
  }

  /** The shapes of {@link #random}. */
  public static List<String> shapes() {
    return RandomModels.shapeNames();
  }

  /** The formats that can be written. */
  public static List<String> formats() {
    return ModelWriters.formats();
  }

  /** What was assumed because no file says it, for the user. */
  public List<Note> notes() {
    return checkpoint.notes();
  }

  /** What the files hold. */
  public ModelDescription describe() {
    return ModelDescription.of(checkpoint);
  }

  /**
   * The tokenizer; empty for a part without the embedding.
   *
   * @throws ModelException if its files are missing, damaged or do not fit the model
   */
  public Optional<Tokenizer> tokenizer() {
    if (!checkpoint.part().embedding()) {
      return Optional.empty();
    }
    try {
      return Optional.of(checkpoint.tokenizer());
    } catch (IOException e) {
      throw new ModelException(e);
    }
  }

  /**
   * The model hash, 64 hexadecimal digits: SHA-256 over the configuration and all weights. Reads
   * all tensors unless the files state their hashes. Empty for a part that does not state its
   * model.
   *
   * @throws ModelException if a file cannot be read, or its tensors are not those that it states
   */
  public Optional<String> hash() {
    try {
      return checkpoint.knowsHash() ? Optional.of(checkpoint.hash().hex()) : Optional.empty();
    } catch (IOException e) {
      throw new ModelException(e);
    }
  }

  /**
   * Plans the model in another format or type.
   *
   * @throws IllegalArgumentException if the format is unknown or cannot hold the type
   * @throws ModelException if the output exists and may not be replaced (the cause is a {@link
   *     FileAlreadyExistsException}), its directory does not exist, its disk is too small, or its
   *     format cannot hold the model
   */
  public ModelOutput convert(Path out, WriteOptions options) {
    ConversionOptions converted =
        new ConversionOptions(
            options.type().map(type -> DType.valueOf(type.name())),
            options.format(),
            options.overwrite());
    return planned(() -> List.of(Conversion.of(checkpoint, out, converted))).get(0);
  }

  /**
   * Plans a client's and a server's part of the model, as two GGUF files that run with each other
   * only. The client's has the tokenizer, the embedding and the first layers.
   *
   * @param clientLayers layers of the client's part; the server's has the others
   * @param reply whether the server sends rows of {@link Output#HIDDEN}, so that the client's part
   *     has the head, or {@link Output#LOGITS}, so that the server's has it. A tied head, which is
   *     the token embedding, is then in both
   * @param overwrite whether existing files are replaced
   * @return the client's and the server's part
   * @throws InvalidSettingException if there are not that many layers
   * @throws IllegalArgumentException if both paths are one
   * @throws ModelException if this is itself a part, or as {@link #convert} says
   */
  public List<ModelOutput> split(
      int clientLayers, Path client, Path server, Output reply, boolean overwrite) {
    int nLayers = checkpoint.config().nLayers();
    InvalidSettingException.require(
        clientLayers >= 0 && clientLayers <= nLayers,
        "clientLayers",
        "must be in 0.." + nLayers,
        clientLayers);
    if (client.toAbsolutePath().normalize().equals(server.toAbsolutePath().normalize())) {
      throw new IllegalArgumentException("the client's and the server's part must be two files");
    }
    if (!checkpoint.isWhole()) {
      throw new ModelException(
          checkpoint.name() + " is itself a part of a model (" + checkpoint.part() + ")", null);
    }
    boolean clientHead = reply == Output.HIDDEN;
    ModelPart first = new ModelPart(true, Span.layers(0, clientLayers), clientHead);
    ModelPart second = new ModelPart(false, Span.layers(clientLayers, nLayers), !clientHead);
    ConversionOptions options =
        new ConversionOptions(Optional.empty(), Optional.of(PARTS_FORMAT), overwrite);
    return planned(
        () ->
            List.of(
                Conversion.of(checkpoint.cut(first), client, options),
                Conversion.of(checkpoint.cut(second), server, options)));
  }

  private interface Planning {
    List<Conversion> plan() throws IOException;
  }

  private static List<ModelOutput> planned(Planning planning) {
    try {
      List<Conversion> conversions = planning.plan();
      Conversion.checkSpace(conversions);
      return conversions.stream().map(ModelOutput::new).toList();
    } catch (IOException e) {
      throw failure(e);
    }
  }

  /** The failure to write a model. */
  static ModelException failure(IOException e) {
    return e instanceof FileAlreadyExistsException exists
        ? new ModelException(exists.getFile() + " exists already", e)
        : new ModelException(e);
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
