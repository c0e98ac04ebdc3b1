package dev.tandem.formats.dumps;

import dev.tandem.formats.families.ForeignViews;
import dev.tandem.formats.files.ModelWriter;
import dev.tandem.formats.huggingface.HuggingFaceConfig;
import dev.tandem.model.Architecture;
import dev.tandem.model.Checkpoint;
import dev.tandem.model.ModelConfig;
import dev.tandem.model.ModelFormatException;
import dev.tandem.model.TensorPlan;
import dev.tandem.settings.Note;
import dev.tandem.tensor.DType;
import dev.tandem.tensor.OutputFile;
import dev.tandem.tensor.Tensor;
import dev.tandem.types.ConversionProgress;
import dev.tandem.types.TypePlan;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/**
 * Writes a GPT-2's embeddings as {@code wte.npy} and {@code wpe.npy}, with the config and the
 * tokenizer as in a Hugging Face directory: everything that a client needs if its layers and head
 * are on a server.
 */
public final class NpyWriter implements ModelWriter {
  private static final Map<String, String> FILES = new LinkedHashMap<>();

  static {
    FILES.put(TensorPlan.TOKEN_EMBEDDING, "wte.npy");
    FILES.put(TensorPlan.POSITION_EMBEDDING, "wpe.npy");
  }

  /** The alignment of the data. */
  private static final int ALIGNMENT = 64;

  /** Magic, version, and the length of the header in two bytes. */
  private static final int PREFIX_BYTES = 10;

  @Override
  public String format() {
    return "npy";
  }

  @Override
  public String writes() {
    return "npy (a directory with embeddings only: wte.npy and wpe.npy)";
  }

  @Override
  public Set<DType> types() {
    return Set.of(DType.F32, DType.F16);
  }

  @Override
  public List<Note> notes(Checkpoint checkpoint) throws IOException {
    checkHolds(checkpoint);
    List<Note> notes = new ArrayList<>();
    notes.add(new Note("only the embeddings are written; a client with them needs a server"));
    HuggingFaceConfig.tokenizerNote(checkpoint).ifPresent(notes::add);
    return notes;
  }

  private static void checkHolds(Checkpoint checkpoint) throws ModelFormatException {
    ModelConfig config = checkpoint.config();
    if (config.architecture() != Architecture.GPT2 || !checkpoint.part().embedding()) {
      throw new ModelFormatException(
          checkpoint.name(),
          "model",
          "a GPT-2 with its embedding",
          config.architecture() + " with " + checkpoint.part());
    }
  }

  @Override
  public void write(
      Checkpoint checkpoint, TypePlan plan, Path temporary, ConversionProgress progress)
      throws IOException {
    checkHolds(checkpoint);
    Files.createDirectory(temporary);
    long total = 0;
    for (String name : FILES.keySet()) {
      total += plan.type(name).bytes(checkpoint.tensor(name).elements());
    }
    progress.begin(total);
    for (Map.Entry<String, String> entry : FILES.entrySet()) {
      Tensor tensor = checkpoint.tensor(entry.getKey());
      DType type = plan.type(tensor.name());
      try (OutputFile file = OutputFile.create(temporary.resolve(entry.getValue()))) {
        file.write(ByteBuffer.wrap(header(tensor, type)));
        ForeignViews.write(file, tensor, type, progress);
        file.sync();
      }
    }
    HuggingFaceConfig.writeFiles(checkpoint, plan, temporary);
  }

  /** Version 1.0, as {@code numpy.save} writes it. */
  private static byte[] header(Tensor tensor, DType type) {
    String dictionary =
        String.format(
            Locale.ROOT,
            "{'descr': '%s', 'fortran_order': False, 'shape': (%d, %d), }",
            type == DType.F16 ? "<f2" : "<f4",
            tensor.rows(),
            tensor.cols());
    int unpadded = PREFIX_BYTES + dictionary.length() + 1;
    int padding = (ALIGNMENT - unpadded % ALIGNMENT) % ALIGNMENT;
    byte[] text = (dictionary + " ".repeat(padding) + "\n").getBytes(StandardCharsets.US_ASCII);
    return ByteBuffer.allocate(PREFIX_BYTES + text.length)
        .order(ByteOrder.LITTLE_ENDIAN)
        .put((byte) 0x93)
        .put("NUMPY".getBytes(StandardCharsets.US_ASCII))
        .put((byte) 1)
        .put((byte) 0)
        .putShort((short) text.length)
        .put(text)
        .array();
  }
}
