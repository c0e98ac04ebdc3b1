package dev.tandem.convert;

import dev.tandem.formats.Checkpoints;
import dev.tandem.formats.files.ConversionProgress;
import dev.tandem.formats.files.OpenOptions;
import dev.tandem.formats.files.TypePlan;
import dev.tandem.formats.gguf.GgufWriter;
import dev.tandem.model.Checkpoint;
import dev.tandem.model.ModelFormatException;
import dev.tandem.random.NumberedPieces;
import dev.tandem.tensor.DType;
import dev.tandem.tensor.Tensor;
import java.io.Closeable;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Models that are converted when they are loaded. The converted tensors lie in a temporary file, so
 * that memory is bounded whatever the model's size, as it is when a model has been converted
 * before.
 */
public final class ConvertedModels {
  private static final String FILE_NAME = "model.gguf";

  private ConvertedModels() {}

  /**
   * A model whose tensors have the types that {@code convert --type} gives them; see {@link
   * TypePlan}. Its hash is that of the converted model. Closing it deletes the temporary file, and
   * closes the model that it was made of.
   *
   * @param model closed if this fails; the very result if its tensors have these types already
   * @param progress receives the progress every few MiB; may stop the work by throwing
   * @throws ModelFormatException if the model is only a part of one, or the type cannot hold a
   *     value
   * @throws IOException if the model cannot be read, or the temporary file cannot be written
   */
  public static Checkpoint convert(Checkpoint model, DType type, ConversionProgress progress)
      throws IOException {
    return convert(model, type, progress, Path.of(System.getProperty("java.io.tmpdir", "")));
  }

  static Checkpoint convert(
      Checkpoint model, DType type, ConversionProgress progress, Path temporary)
      throws IOException {
    List<Closeable> opened = new ArrayList<>(List.of(model::close));
    try {
      GgufWriter writer = new GgufWriter();
      TypePlan plan = TypePlan.of(model, Optional.of(type), writer.types());
      if (plan.choices().stream().noneMatch(ConvertedModels::changes)) {
        return model;
      }
      if (!model.isWhole()) {
        throw new ModelFormatException(
            model.name(), "a part keeps the types of its whole; convert that, and split it again");
      }
      TemporaryFile file = new TemporaryFile(temporary);
      opened.add(0, file);
      file.checkSpace(plan.bytes());
      writer.write(withoutTokenizer(model), plan, file.path, progress);
      Checkpoint converted = Checkpoints.open(file.path.toString(), OpenOptions.defaults());
      opened.add(0, converted::close);
      return new Checkpoint(
          model.name(),
          model.format() + " as " + TypePlan.name(type),
          model.config(),
          converted.tensors(),
          model::tokenizer,
          opened,
          model.notes(),
          converted::statedDigests,
          model.part(),
          List.of());
    } catch (IOException | RuntimeException e) {
      closeAll(opened, e);
      throw e;
    }
  }

  /** Vectors count as f32 whatever they are stored as. */
  private static boolean changes(TypePlan.Choice choice) {
    return choice.tensor().rows() > 1 && choice.type() != choice.tensor().dtype();
  }

  /** The tokenizer stays the model's own; it may be in files that are not there. */
  private static Checkpoint withoutTokenizer(Checkpoint model) {
    Map<String, Tensor> tensors = model.tensors();
    int vocabSize = model.config().vocabSize();
    return new Checkpoint(
        model.name(),
        model.format(),
        model.config(),
        tensors,
        () -> NumberedPieces.ofSize(vocabSize),
        List.of());
  }

  private static void closeAll(List<Closeable> opened, Exception cause) {
    for (Closeable each : opened) {
      try {
        each.close();
      } catch (IOException e) {
        cause.addSuppressed(e);
      }
    }
  }

  /** A file that does not outlive the process, in a directory that only its user can enter. */
  private static final class TemporaryFile implements Closeable {
    private final Path directory;
    private final Path path;

    TemporaryFile(Path parent) throws IOException {
      directory = Files.createTempDirectory(parent, "tandem-");
      path = directory.resolve(FILE_NAME);
      directory.toFile().deleteOnExit();
      path.toFile().deleteOnExit(); // deletes this before its directory
    }

    void checkSpace(long bytes) throws IOException {
      long usable = Files.getFileStore(directory).getUsableSpace();
      if (bytes > usable) {
        throw new IOException(
            directory.getParent()
                + ": "
                + bytes
                + " B are needed for the converted model, and there are "
                + usable
                + "; -Djava.io.tmpdir=DIR names another directory");
      }
    }

    @Override
    public void close() throws IOException {
      Files.deleteIfExists(path);
      Files.deleteIfExists(directory);
    }
  }
}
