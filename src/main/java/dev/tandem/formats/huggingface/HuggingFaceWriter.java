package dev.tandem.formats.huggingface;

import com.fasterxml.jackson.core.JsonGenerator;
import dev.tandem.formats.families.ForeignViews;
import dev.tandem.formats.families.Gpt2Family;
import dev.tandem.formats.families.LlamaFamily;
import dev.tandem.formats.files.JsonObject;
import dev.tandem.formats.files.ModelWriter;
import dev.tandem.model.Architecture;
import dev.tandem.model.Checkpoint;
import dev.tandem.model.ModelConfig;
import dev.tandem.model.ModelFormatException;
import dev.tandem.model.RopePairing;
import dev.tandem.model.TensorPlan;
import dev.tandem.model.TensorPlan.Spec;
import dev.tandem.settings.Note;
import dev.tandem.tensor.DType;
import dev.tandem.tensor.OutputFile;
import dev.tandem.tensor.Tensor;
import dev.tandem.types.ConversionProgress;
import dev.tandem.types.TypePlan;
import java.io.ByteArrayOutputStream;
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
import java.util.Optional;
import java.util.Set;

/**
 * Writes a Hugging Face directory in the form of transformers: GPT-2 with linear layers {@code [in,
 * out]}, Llama with its rotary pairs in halves; the weights in {@code model.safetensors}, or in
 * several such files with an index.
 */
public final class HuggingFaceWriter implements ModelWriter {
  private static final long MAX_SHARD_BYTES = 4_000_000_000L;

  private final long maxShardBytes;

  public HuggingFaceWriter() {
    this(MAX_SHARD_BYTES);
  }

  /**
   * A writer of smaller files.
   *
   * @param maxShardBytes the bytes of tensors in one shard; a larger tensor gets its own shard
   */
  public HuggingFaceWriter(long maxShardBytes) {
    this.maxShardBytes = maxShardBytes;
  }

  /** A tensor in the form of the file. */
  private record Stored(String name, Tensor view, DType type, boolean vector) {
    long bytes() {
      return type.bytes(view.elements());
    }
  }

  @Override
  public String format() {
    return "hf";
  }

  @Override
  public String writes() {
    return "hf (a Hugging Face directory with config.json and model.safetensors)";
  }

  @Override
  public Set<DType> types() {
    return Set.of(DType.F32, DType.F16, DType.BF16);
  }

  @Override
  public List<Note> notes(Checkpoint checkpoint) throws IOException {
    checkHolds(checkpoint);
    return HuggingFaceConfig.notes(checkpoint);
  }

  private static void checkHolds(Checkpoint checkpoint) throws IOException {
    ModelConfig config = checkpoint.config();
    boolean gpt2 = config.architecture() == Architecture.GPT2;
    boolean fits =
        gpt2
            ? config.nHeads() * config.headDim() == config.dModel()
            : config.rope() == RopePairing.INTERLEAVED;
    if (!fits || !checkpoint.isWhole()) {
      throw new ModelFormatException(
          checkpoint.name(),
          "model",
          "a whole GPT-2 or Llama as transformers has them",
          config.architecture() + " with " + checkpoint.part() + ", headDim " + config.headDim());
    }
    Optional<RopeScalingExport> unused = RopeScalingExport.of(checkpoint);
  }

  @Override
  public void write(
      Checkpoint checkpoint, TypePlan plan, Path temporary, ConversionProgress progress)
      throws IOException {
    checkHolds(checkpoint);
    Files.createDirectory(temporary);
    List<List<Stored>> shards = shards(checkpoint, plan);
    progress.begin(shards.stream().flatMap(List::stream).mapToLong(Stored::bytes).sum());
    Map<String, String> weightMap = new LinkedHashMap<>();
    for (int i = 0; i < shards.size(); i++) {
      String name =
          shards.size() == 1
              ? HuggingFaceReader.FILE
              : String.format(Locale.ROOT, "model-%05d-of-%05d.safetensors", i + 1, shards.size());
      shards.get(i).forEach(stored -> weightMap.put(stored.name(), name));
      writeShard(temporary.resolve(name), shards.get(i), progress);
    }
    if (shards.size() > 1) {
      ForeignViews.write(temporary.resolve(HuggingFaceReader.INDEX), index(shards, weightMap));
    }
    HuggingFaceConfig.writeFiles(checkpoint, plan, temporary);
  }

  private List<List<Stored>> shards(Checkpoint checkpoint, TypePlan plan) {
    List<List<Stored>> shards = new ArrayList<>();
    long bytes = 0;
    for (Spec spec : TensorPlan.of(checkpoint.config()).specs()) {
      if (spec.use() == TensorPlan.Use.FACTORS) {
        continue; // the config states them
      }
      Stored stored = stored(checkpoint, spec, plan.type(spec.name()));
      if (shards.isEmpty() || bytes + stored.bytes() > maxShardBytes) {
        shards.add(new ArrayList<>());
        bytes = 0;
      }
      shards.get(shards.size() - 1).add(stored);
      bytes += stored.bytes();
    }
    return shards;
  }

  private static Stored stored(Checkpoint checkpoint, Spec spec, DType type) {
    ModelConfig config = checkpoint.config();
    Tensor tensor = checkpoint.tensor(spec.name());
    boolean head = spec.name().equals(TensorPlan.OUTPUT);
    boolean vector = spec.use() == TensorPlan.Use.GAIN || spec.use() == TensorPlan.Use.BIAS;
    if (config.architecture() == Architecture.GPT2) {
      String name = Gpt2Family.foreignName(spec.name());
      Tensor view = Gpt2Family.isLinear(spec) ? ForeignViews.turned(tensor) : tensor;
      return new Stored(head ? name : "transformer." + name, view, type, vector);
    }
    String name = LlamaFamily.foreignName(spec.name());
    int heads =
        spec.name().contains(".attn_q.")
            ? config.nHeads()
            : spec.name().contains(".attn_k.") ? config.nKvHeads() : 0;
    Tensor view = heads == 0 ? tensor : ForeignViews.inHalves(tensor, heads, config.headDim());
    return new Stored(head ? name : "model." + name, view, type, vector);
  }

  private static void writeShard(Path path, List<Stored> tensors, ConversionProgress progress)
      throws IOException {
    try (OutputFile file = OutputFile.create(path)) {
      byte[] header = header(tensors);
      file.write(
          ByteBuffer.allocate(Long.BYTES).order(ByteOrder.LITTLE_ENDIAN).putLong(0, header.length));
      file.write(ByteBuffer.wrap(header));
      for (Stored stored : tensors) {
        ForeignViews.write(file, stored.view(), stored.type(), progress);
      }
      file.sync();
    }
  }

  /** Filled up with spaces, so that the data begins at a multiple of eight. */
  private static byte[] header(List<Stored> tensors) throws IOException {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    try (JsonGenerator json = JsonObject.JSON.factory().createGenerator(out)) {
      json.writeStartObject();
      json.writeObjectFieldStart("__metadata__");
      json.writeStringField("format", "pt");
      json.writeEndObject();
      long offset = 0;
      for (Stored stored : tensors) {
        json.writeObjectFieldStart(stored.name());
        json.writeStringField("dtype", stored.type().name());
        long[] shape =
            stored.vector()
                ? new long[] {stored.view().cols()}
                : new long[] {stored.view().rows(), stored.view().cols()};
        json.writeFieldName("shape");
        json.writeArray(shape, 0, shape.length);
        long end = offset + stored.bytes();
        json.writeFieldName("data_offsets");
        json.writeArray(new long[] {offset, end}, 0, 2);
        json.writeEndObject();
        offset = end;
      }
      json.writeEndObject();
    }
    while (out.size() % Long.BYTES != 0) {
      out.write(' ');
    }
    return out.toByteArray();
  }

  private static byte[] index(List<List<Stored>> shards, Map<String, String> weightMap)
      throws IOException {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    try (JsonGenerator json = JsonObject.JSON.factory().createGenerator(out)) {
      json.useDefaultPrettyPrinter();
      json.writeStartObject();
      json.writeObjectFieldStart("metadata");
      json.writeNumberField(
          "total_size", shards.stream().flatMap(List::stream).mapToLong(Stored::bytes).sum());
      json.writeEndObject();
      json.writeObjectFieldStart("weight_map");
      for (Map.Entry<String, String> entry : weightMap.entrySet()) {
        json.writeStringField(entry.getKey(), entry.getValue());
      }
      json.writeEndObject();
      json.writeEndObject();
    }
    out.writeBytes("\n".getBytes(StandardCharsets.US_ASCII));
    return out.toByteArray();
  }
}
