package dev.tandem.weights;

import dev.tandem.config.Activation;
import dev.tandem.config.LinearBias;
import dev.tandem.config.ModelConfig;
import dev.tandem.config.NormKind;
import dev.tandem.config.RopePairing;
import dev.tandem.tensor.DType;
import dev.tandem.tensor.Tensor;
import dev.tandem.tensor.TensorData;
import dev.tandem.weights.Folder.OpenFile;
import dev.tandem.weights.TensorPlan.Spec;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * llama2.c checkpoints, version 0: seven i32, then f32 tensors of fixed order, each kind grouped
 * over all layers, matrices {@code [out, in]}; the file ends where they end.
 */
final class Llama2cReader implements ModelReader {
  private static final String SUFFIX = ".bin";
  private static final int HEADER_BYTES = 7 * Integer.BYTES;

  /** The first bytes of versions 1 and 2, "ak42" backwards. */
  private static final int LATER_MAGIC = 0x616b3432;

  /** Not stored: constants of llama2.c's run.c. */
  private static final float NORM_EPS = 1e-5f;

  private static final double ROPE_THETA = 10_000;

  /** In file order; llama2.c calls the last three w1, w2 and w3. */
  private static final List<String> BLOCK_KINDS =
      List.of(
          "attn_norm",
          "attn_q",
          "attn_k",
          "attn_v",
          "attn_output",
          "ffn_norm",
          "ffn_gate",
          "ffn_down",
          "ffn_up");

  @Override
  public String reads() {
    return "a llama2.c checkpoint of version 0 (a .bin file, or a directory NAME with NAME.bin)";
  }

  @Override
  public boolean accepts(ModelLocation location) {
    return location.file().isPresent()
        ? location.file().get().endsWith(SUFFIX)
        : location.folder().contains(location.name() + SUFFIX);
  }

  @Override
  public Checkpoint read(ModelLocation location, OpenOptions options) throws IOException {
    Folder folder = location.folder();
    OpenFile file = folder.open(location.file().orElse(location.name() + SUFFIX));
    try {
      ModelConfig config = config(file);
      return new Checkpoint(
          location.name(),
          "llama2.c version 0",
          config,
          tensors(config, file),
          () -> TokenizerFiles.ofLlama2c(folder, options.tokenizer(), config.vocabSize()),
          file.closeables());
    } catch (IOException | RuntimeException e) {
      file.close();
      throw e;
    }
  }

  private static ModelConfig config(OpenFile file) throws IOException {
    if (file.data().bytes() < HEADER_BYTES) {
      throw new ModelFormatException(
          file.path(),
          "file length",
          "at least " + HEADER_BYTES + " B of header",
          file.data().bytes() + " B");
    }
    ByteBuffer header = file.data().slice(0, HEADER_BYTES);
    int dModel = header.getInt();
    if (dModel == LATER_MAGIC) {
      throw new ModelFormatException(
          file.path(), "llama2.c version", "0 (export with --version 0)", "" + header.getInt());
    }
    int dFf = header.getInt();
    int nLayers = header.getInt();
    int nHeads = header.getInt();
    int nKvHeads = header.getInt();
    int signedVocabSize = header.getInt();
    int maxSeq = header.getInt();
    if (dModel < 1) {
      throw new ModelFormatException(file.path(), "dim", "a positive integer", "" + dModel);
    }
    if (nHeads < 1 || dModel % nHeads != 0) {
      throw new ModelFormatException(
          file.path(), "n_heads", "a divisor of dim " + dModel, "" + nHeads);
    }
    try {
      return new ModelConfig(
          "llama",
          nLayers,
          nHeads,
          nKvHeads,
          dModel / nHeads,
          dModel,
          dFf,
          signedVocabSize < 0 ? Math.negateExact(signedVocabSize) : signedVocabSize,
          maxSeq,
          NormKind.RMS,
          NORM_EPS,
          Activation.SILU,
          true,
          LinearBias.NONE,
          RopePairing.INTERLEAVED,
          ROPE_THETA,
          false,
          signedVocabSize > 0);
    } catch (IllegalArgumentException | ArithmeticException e) {
      throw new ModelFormatException(file.path(), "header: " + e.getMessage());
    }
  }

  private static Map<String, Tensor> tensors(ModelConfig config, OpenFile file)
      throws ModelFormatException {
    TensorPlan plan = TensorPlan.of(config);
    Layout layout = new Layout(config, plan);
    TensorData data = file.data();
    if (layout.end != data.bytes()) {
      throw new ModelFormatException(
          file.path(), "file length", layout.end + " B for its header", data.bytes() + " B");
    }
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    for (Spec spec : plan.specs()) {
      long offset = layout.offsets.getOrDefault(spec.name(), data.bytes()); // each is there
      TensorData region = data.region(offset, DType.F32.bytes(spec.elements()));
      tensors.put(spec.name(), spec.tensor(DType.F32, false, region));
    }
    return tensors;
  }

  /** Where each tensor begins, and where the file must end. */
  private static final class Layout {
    private final Map<String, Long> offsets = new HashMap<>();
    private long end = HEADER_BYTES;

    Layout(ModelConfig config, TensorPlan plan) {
      place(plan.spec(TensorPlan.TOKEN_EMBEDDING));
      for (String kind : BLOCK_KINDS) {
        for (int layer = 0; layer < config.nLayers(); layer++) {
          place(plan.spec("blk." + layer + "." + kind + ".weight"));
        }
      }
      place(plan.spec("output_norm.weight"));
      long rotations = Math.multiplyExact((long) config.maxSeq(), config.headDim() / 2);
      skip(Math.multiplyExact(2, rotations)); // cosines and sines, which we compute ourselves
      if (!config.tiedHead()) {
        place(plan.spec(TensorPlan.OUTPUT));
      }
    }

    private void place(Spec spec) {
      offsets.put(spec.name(), end);
      skip(spec.elements());
    }

    private void skip(long elements) {
      end = Math.addExact(end, DType.F32.bytes(elements));
    }
  }
}
