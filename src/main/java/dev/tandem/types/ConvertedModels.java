package dev.tandem.types;

import dev.tandem.model.Checkpoint;
import dev.tandem.model.ModelFormatException;
import dev.tandem.model.TensorBytes;
import dev.tandem.model.TensorDigest;
import dev.tandem.tensor.DType;
import dev.tandem.tensor.OutputFile;
import dev.tandem.tensor.Tensor;
import dev.tandem.tensor.TensorData.FileRegion;
import dev.tandem.tensor.TensorFile;
import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Models that are converted when they are loaded. The converted tensors lie in a temporary file, so
 * that memory is bounded whatever the model's size, as it is when a model has been converted
 * before.
 */
public final class ConvertedModels {
  /** Tensors begin at multiples of this in the file, as in a GGUF file. */
  private static final int ALIGNMENT = 32;

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
      TypePlan plan = TypePlan.of(model, Optional.of(type), EnumSet.allOf(DType.class));
      if (plan.choices().stream().noneMatch(TypePlan.Choice::changes)) {
        return model;
      }
      if (!model.isWhole()) {
        throw new ModelFormatException(
            model.name(), "a part keeps the types of its whole; convert that, and split it again");
      }
      TemporaryFile file = new TemporaryFile(temporary);
      opened.add(0, file);
      file.checkSpace(plan.choices().stream().mapToLong(choice -> padded(choice.bytes())).sum());
      Map<String, String> digests = write(plan, file.path, progress);
      TensorFile converted = TensorFile.open(file.path);
      opened.add(0, converted);
      return Checkpoint.builder(model.name(), model.config())
          .format(model.format() + " as " + TypePlan.name(type))
          .tensors(tensors(plan, converted))
          .tokenizer(model::tokenizer)
          .files(opened)
          .notes(model.notes())
          .digests(() -> digests)
          .part(model.part())
          .build();
    } catch (IOException | RuntimeException e) {
      closeAll(opened, e);
      throw e;
    }
  }

  /**
   * Writes all tensors in the plan's order, each at a multiple of {@link #ALIGNMENT}.
   *
   * @return the SHA-256 of each tensor's bytes, by name
   */
  private static Map<String, String> write(TypePlan plan, Path path, ConversionProgress progress)
      throws IOException {
    Map<String, String> digests = new HashMap<>();
    progress.begin(plan.bytes());
    TensorBytes source = new TensorBytes();
    try (OutputFile file = OutputFile.create(path)) {
      for (TypePlan.Choice choice : plan.choices()) {
        String name = choice.tensor().name();
        MessageDigest digest = TensorDigest.sha256();
        source.forEach(
            choice.tensor(),
            choice.type(),
            bytes -> {
              int n = bytes.remaining();
              digest.update(bytes.duplicate());
              file.write(bytes);
              progress.advance(name, n);
            });
        file.write(ByteBuffer.allocate((int) (padded(choice.bytes()) - choice.bytes())));
        digests.put(name, TensorDigest.hex(digest.digest()));
      }
    }
    return digests;
  }

  private static Map<String, Tensor> tensors(TypePlan plan, TensorFile file) {
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    long offset = 0;
    for (TypePlan.Choice choice : plan.choices()) {
      Tensor t = choice.tensor();
      FileRegion data = new FileRegion(file, offset, choice.bytes());
      tensors.put(t.name(), new Tensor(t.name(), choice.type(), t.rows(), t.cols(), false, data));
      offset += padded(choice.bytes());
    }
    return tensors;
  }

  private static long padded(long bytes) {
    return Math.addExact(bytes, ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
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
      path = directory.resolve("tensors");
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
