package dev.tandem.peers;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tandem.formats.ModelWriters;
import dev.tandem.formats.files.ModelWriter;
import dev.tandem.model.Checkpoint;
import dev.tandem.random.RandomModels;
import dev.tandem.tensor.DType;
import dev.tandem.types.ConversionProgress;
import dev.tandem.types.TypePlan;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/** One random model, in the files that each engine reads. */
final class PeerModels {
  private static final long SEED = 1;

  private final String shape;
  private final Path directory;

  PeerModels(String shape, Path directory) {
    this.shape = shape;
    this.directory = directory;
  }

  /** A GGUF file of it, for llama.cpp and for us. */
  Path gguf(DType type) throws IOException {
    Path out = directory.resolve(shape + "-" + type + ".gguf");
    write(Optional.empty(), type, out);
    return out;
  }

  /** A Hugging Face directory of it in f32, with the {@code tokenizer.json} that Jlama needs. */
  Path huggingFace() throws IOException {
    Path out = directory.resolve(shape);
    if (Files.exists(out)) {
      return out;
    }
    write(Optional.of("hf"), DType.F32, out);
    nameContext(out.resolve("config.json"));
    writeTokenizerJson(out);
    dropPrefix(out.resolve("model.safetensors"));
    return out;
  }

  /** Jlama asks for the context's length by the name that GPT-2's first files used. */
  private static void nameContext(Path config) throws IOException {
    ObjectMapper json = new ObjectMapper();
    ObjectNode fields = (ObjectNode) json.readTree(config.toFile());
    json.writeValue(config.toFile(), fields.set("n_ctx", fields.path("n_positions")));
  }

  /** Jlama knows GPT-2's tensors as OpenAI's files name them, {@code wte.weight}. */
  private static void dropPrefix(Path safetensors) throws IOException {
    try (RandomAccessFile file = new RandomAccessFile(safetensors.toFile(), "rw")) {
      byte[] header = new byte[(int) Long.reverseBytes(file.readLong())];
      file.readFully(header);
      String names = new String(header, StandardCharsets.UTF_8).replace("\"transformer.", "\"");
      byte[] shorter = names.getBytes(StandardCharsets.UTF_8);
      Arrays.fill(header, (byte) ' '); // which may follow the header's JSON
      System.arraycopy(shorter, 0, header, 0, shorter.length);
      file.seek(Long.BYTES);
      file.write(header);
    }
  }

  private void write(Optional<String> format, DType type, Path out) throws IOException {
    ModelWriter writer = ModelWriters.of(format, out);
    try (Checkpoint model = RandomModels.drawn(shape, DType.F32, SEED)) {
      TypePlan plan = TypePlan.of(model, Optional.of(type), writer.types());
      writer.write(model, plan, out, ConversionProgress.NONE);
    }
  }

  private static void writeTokenizerJson(Path model) throws IOException {
    ObjectMapper json = new ObjectMapper();
    List<String> merges =
        Files.readAllLines(model.resolve("merges.txt")).stream()
            .filter(line -> !line.startsWith("#version"))
            .toList();
    ObjectNode tokenizer = json.createObjectNode();
    ObjectNode bpe = tokenizer.putObject("model").put("type", "BPE");
    bpe.set("vocab", json.readTree(model.resolve("vocab.json").toFile()));
    bpe.set("merges", json.valueToTree(merges));
    tokenizer.putArray("added_tokens");
    json.writeValue(model.resolve("tokenizer.json").toFile(), tokenizer);
  }
}
