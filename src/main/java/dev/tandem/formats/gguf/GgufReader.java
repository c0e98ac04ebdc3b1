package dev.tandem.formats.gguf;

import dev.tandem.formats.files.Folder.OpenFile;
import dev.tandem.formats.files.ModelLocation;
import dev.tandem.formats.files.ModelReader;
import dev.tandem.formats.files.OpenOptions;
import dev.tandem.formats.files.TokenizerFolder;
import dev.tandem.model.Approximation;
import dev.tandem.model.Checkpoint;
import dev.tandem.model.ModelConfig;
import dev.tandem.model.ModelFormatException;
import dev.tandem.model.ModelPart;
import dev.tandem.model.TensorPlan;
import dev.tandem.model.TensorPlan.Spec;
import dev.tandem.settings.Remedy;
import dev.tandem.tensor.DType;
import dev.tandem.tensor.Tensor;
import dev.tandem.tensor.TensorData;
import dev.tandem.tensor.TensorData.MemoryRegion;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;

/** GGUF, versions 2 and 3, architectures gpt2 and llama: a whole model in one file. */
public final class GgufReader implements ModelReader {
  private static final String SUFFIX = ".gguf";

  /** The pattern of GGUF files in a directory. */
  public static final Pattern FILES = Pattern.compile(".*\\.gguf");

  @Override
  public String reads() {
    return "a GGUF file (gpt2 or llama), or a directory with one";
  }

  @Override
  public boolean accepts(ModelLocation location) throws IOException {
    if (location.file().isEmpty()) {
      return !location.folder().matching(FILES).isEmpty();
    }
    ByteBuffer head = location.head(Integer.BYTES);
    return location.file().get().endsWith(SUFFIX)
        || (head.remaining() == Integer.BYTES && head.getInt() == GgufFile.MAGIC);
  }

  @Override
  public Checkpoint read(ModelLocation location, OpenOptions options) throws IOException {
    if (!options.config().isEmpty()) {
      throw new ModelFormatException(
          location.path(), "a GGUF file states its config itself", Remedy.leaveOut("config", ""));
    }
    OpenFile open = location.folder().open(file(location));
    try {
      GgufFile file = GgufFile.read(open.path(), open.data());
      GgufConfig config = GgufConfig.of(file);
      ModelPart part = config.part();
      Optional<Approximation> approximation = GgufApproximation.read(file.metadata());
      boolean whole = part.isWhole(config.model()) && approximation.isEmpty();
      Map<String, Tensor> tensors = tensors(file, config);
      return Checkpoint.builder(location.name(), config.model())
          .format(whole ? "GGUF" : "GGUF, part of a model")
          .tensors(tensors)
          .tokenizer(
              part.embedding()
                  ? () ->
                      TokenizerFolder.fitted(GgufTokenizer.read(file), config.model().vocabSize())
                  : Checkpoint.noTokenizer(location.name(), part))
          .files(open.closeables())
          .digests(() -> GgufHashes.read(file.metadata(), tensors.values(), !whole))
          .part(part)
          .approximation(approximation)
          .modelTensors(whole ? List.of() : GgufHashes.entries(file.metadata()))
          .build();
    } catch (IOException | RuntimeException e) {
      open.close();
      throw e;
    }
  }

  private static String file(ModelLocation location) throws IOException {
    if (location.file().isPresent()) {
      return location.file().get();
    }
    List<String> files = location.folder().matching(FILES);
    if (files.size() > 1) {
      throw new ModelFormatException(
          location.path(), "several GGUF files; name one of them: " + String.join(", ", files));
    }
    return files.get(0);
  }

  private static Map<String, Tensor> tensors(GgufFile file, GgufConfig config) throws IOException {
    Map<String, GgufFile.Entry> unread = new LinkedHashMap<>(file.tensors());
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    for (Spec spec : TensorPlan.of(config.model()).specs()) {
      if (!config.part().holds(spec.name(), config.model())) {
        continue;
      }
      GgufFile.Entry entry = unread.remove(spec.name());
      boolean embedding = spec.name().equals(TensorPlan.TOKEN_EMBEDDING);
      if (embedding && entry == null && config.model().tiedHead()) {
        entry = unread.get(TensorPlan.OUTPUT); // a tied matrix under the head's name only
      }
      if (spec.name().equals(TensorPlan.ROPE_FACTORS) && config.ropeScale() != 1) {
        Tensor factors = scaledFactors(file, spec, Optional.ofNullable(entry), config.ropeScale());
        tensors.put(spec.name(), factors);
        continue;
      }
      if (entry == null) {
        throw new ModelFormatException(
            file.path(), spec.name(), "a tensor of extents " + extents(spec), "none");
      }
      tensors.put(spec.name(), tensor(file.path(), spec, entry));
    }
    for (String name : unread.keySet()) {
      if (!isHarmless(name, config.model())) {
        throw new ModelFormatException(
            file.path(), name, "no such tensor in a " + config.model().architecture(), "one");
      }
    }
    return tensors;
  }

  private static Tensor tensor(String path, Spec spec, GgufFile.Entry entry)
      throws ModelFormatException {
    List<Long> expected = extents(spec);
    if (!entry.extents().equals(expected)) {
      throw new ModelFormatException(
          path, entry.name(), "extents " + expected, entry.extents().toString());
    }
    if (spec.rows() == 1 && entry.dtype().isQuantized()) {
      throw new ModelFormatException(
          path, entry.name(), "F32, F16 or BF16 for a vector", entry.dtype().name());
    }
    return spec.tensor(entry.dtype(), false, entry.data());
  }

  /** The extents that the file must state: columns first, and no rows if there is only one row. */
  private static List<Long> extents(Spec spec) {
    return spec.rows() == 1 ? List.of(spec.cols()) : List.of(spec.cols(), spec.rows());
  }

  /** Linear scaling divides all frequencies by one number; stored factors also apply. */
  private static Tensor scaledFactors(
      GgufFile file, Spec spec, Optional<GgufFile.Entry> stored, float scale) throws IOException {
    float[] factors = new float[Math.toIntExact(spec.cols())];
    Arrays.fill(factors, 1);
    if (stored.isPresent()) {
      tensor(file.path(), spec, stored.get()).read(0, factors.length, factors, 0);
    }
    ByteBuffer memory = MemoryRegion.allocate((int) DType.F32.bytes(factors.length));
    for (int i = 0; i < factors.length; i++) {
      memory.putFloat(i * Float.BYTES, factors[i] * scale);
    }
    TensorData data = new MemoryRegion(memory);
    return spec.tensor(DType.F32, false, data);
  }

  /**
   * Tensors that may be ignored: the copy of a tied head, and rotary frequencies of old
   * conversions.
   */
  private static boolean isHarmless(String name, ModelConfig config) {
    return (config.tiedHead() && name.equals(TensorPlan.OUTPUT))
        || (!config.hasPositionEmbedding()
            && name.matches("blk\\.[0-9]{1,5}\\.attn_rot_embd\\.weight"));
  }
}
