package dev.tandem.formats.gguf;

import static dev.tandem.formats.gguf.GgufKeys.ACTIVATION;
import static dev.tandem.formats.gguf.GgufKeys.ARCHITECTURE;
import static dev.tandem.formats.gguf.GgufKeys.BLOCK_COUNT;
import static dev.tandem.formats.gguf.GgufKeys.CONTEXT_LENGTH;
import static dev.tandem.formats.gguf.GgufKeys.EMBEDDING_LENGTH;
import static dev.tandem.formats.gguf.GgufKeys.FEED_FORWARD_LENGTH;
import static dev.tandem.formats.gguf.GgufKeys.HEAD_COUNT;
import static dev.tandem.formats.gguf.GgufKeys.HEAD_COUNT_KV;
import static dev.tandem.formats.gguf.GgufKeys.KEY_LENGTH;
import static dev.tandem.formats.gguf.GgufKeys.LAYER_NORM_EPS;
import static dev.tandem.formats.gguf.GgufKeys.RMS_NORM_EPS;
import static dev.tandem.formats.gguf.GgufKeys.ROPE_BASE;
import static dev.tandem.formats.gguf.GgufKeys.ROPE_DIMENSIONS;
import static dev.tandem.formats.gguf.GgufKeys.ROPE_SCALE_LINEAR;
import static dev.tandem.formats.gguf.GgufKeys.ROPE_SCALING_FACTOR;
import static dev.tandem.formats.gguf.GgufKeys.ROPE_SCALING_TYPE;
import static dev.tandem.formats.gguf.GgufKeys.ROPE_THETA;
import static dev.tandem.formats.gguf.GgufKeys.SLIDING_WINDOW;
import static dev.tandem.formats.gguf.GgufKeys.TIED_HEAD;
import static dev.tandem.formats.gguf.GgufKeys.VALUE_LENGTH;
import static dev.tandem.formats.gguf.GgufKeys.VOCAB_SIZE;

import dev.tandem.model.Activation;
import dev.tandem.model.Architecture;
import dev.tandem.model.LinearBias;
import dev.tandem.model.ModelConfig;
import dev.tandem.model.ModelFormatException;
import dev.tandem.model.ModelPart;
import dev.tandem.model.NormKind;
import dev.tandem.model.RopePairing;
import dev.tandem.model.TensorPlan;
import java.io.IOException;
import java.util.Locale;
import java.util.Optional;

/**
 * The config from a GGUF file's keys and tensors; defaults are llama.cpp's.
 *
 * @param model the model's configuration
 * @param ropeScale the divisor of all rotary frequencies (linear scaling); 1 for none
 * @param part the part of the model in the file
 */
record GgufConfig(ModelConfig model, float ropeScale, ModelPart part) {
  private static final double DEFAULT_ROPE_BASE = 10_000;

  /** Reads the keys of one file. */
  private record Reader(
      GgufFile file, GgufMetadata keys, Architecture architecture, Optional<GgufPart> part) {

    String key(String suffix) {
      return architecture + "." + suffix;
    }

    int integer(String suffix) throws IOException {
      return keys.integer(key(suffix));
    }

    int integer(String suffix, int absent) throws IOException {
      return keys.integer(key(suffix), absent);
    }

    ModelFormatException wrong(String suffix, String expected) {
      return keys.wrong(key(suffix), expected);
    }

    boolean hasTensor(String name) {
      return file.tensors().containsKey(name);
    }
  }

  /**
   * Reads the config of a file.
   *
   * @throws ModelFormatException naming the key that is missing, wrong or not supported
   */
  static GgufConfig of(GgufFile file) throws IOException {
    GgufMetadata keys = file.metadata();
    if (keys.integer("split.count", 1) > 1) {
      throw keys.wrong(
          "split.count", "1: a whole model; llama-gguf-split --merge joins the shards");
    }
    if (!keys.text("general.type", "model").equals("model")) {
      throw keys.wrong("general.type", "model");
    }
    String stated = keys.text(ARCHITECTURE);
    Optional<Architecture> known = Architecture.of(stated);
    if (known.isEmpty()) {
      throw keys.wrong(ARCHITECTURE, "gpt2 or llama");
    }
    Architecture architecture = known.get();
    GgufKeys.check(keys, architecture);
    Reader reader = new Reader(file, keys, architecture, GgufPart.read(keys));
    ModelConfig model = model(reader);
    ModelPart part = reader.part.map(GgufPart::part).orElse(ModelPart.whole(model));
    if (part.layers().end() > model.nLayers()) {
      throw reader.wrong(BLOCK_COUNT, "at least " + part.layers().end() + ", the end of the part");
    }
    return new GgufConfig(model, ropeScale(reader), part);
  }

  private static ModelConfig model(Reader in) throws IOException {
    boolean gpt2 = in.architecture == Architecture.GPT2;
    int maxSeq = in.integer(CONTEXT_LENGTH);
    int window = in.integer(SLIDING_WINDOW, 0);
    if (window != 0 && window < maxSeq) {
      throw in.wrong(
          SLIDING_WINDOW, "none below the context of " + maxSeq + ", because it is not supported");
    }
    int nHeads = in.integer(HEAD_COUNT);
    boolean rope = !gpt2;
    int headDim = headDim(in, nHeads);
    if (rope && in.integer(ROPE_DIMENSIONS, headDim) != headDim) {
      throw in.wrong(ROPE_DIMENSIONS, headDim + ", a whole head");
    }
    try {
      return ModelConfig.builder(in.architecture)
          .nLayers(in.integer(BLOCK_COUNT))
          .nHeads(nHeads)
          .nKvHeads(in.integer(HEAD_COUNT_KV, nHeads))
          .headDim(headDim)
          .dModel(in.integer(EMBEDDING_LENGTH))
          .dFf(in.integer(FEED_FORWARD_LENGTH))
          .vocabSize(vocabSize(in))
          .maxSeq(maxSeq)
          .norm(gpt2 ? NormKind.LAYER : NormKind.RMS)
          .normEps(normEps(in, gpt2 ? LAYER_NORM_EPS : RMS_NORM_EPS))
          .activation(activation(in, gpt2 ? Activation.GELU_TANH : Activation.SILU))
          .gatedFfn(!gpt2)
          .bias(gpt2 ? LinearBias.ALL : in.part.isPresent() ? in.part.get().bias() : bias(in))
          .rope(rope ? RopePairing.INTERLEAVED : RopePairing.NONE)
          .ropeTheta(rope ? ropeTheta(in) : 0)
          .ropeFactors(rope && hasRopeFactors(in))
          .tiedHead(in.part.isPresent() ? in.part.get().tiedHead() : hasTiedHead(in))
          .build();
    } catch (IllegalArgumentException e) {
      throw new ModelFormatException(in.file.path(), String.valueOf(e.getMessage()));
    }
  }

  private static boolean hasRopeFactors(Reader in) throws IOException {
    return in.part.map(GgufPart::ropeFactors).orElse(in.hasTensor(TensorPlan.ROPE_FACTORS))
        || ropeScale(in) != 1;
  }

  /** Whether there is only one matrix, or the head is an unchanged copy that our writer made. */
  private static boolean hasTiedHead(Reader in) throws IOException {
    GgufFile.Entry head = in.file.tensors().get(TensorPlan.OUTPUT);
    if (head == null) {
      return true;
    }
    GgufFile.Entry embedding = in.file.tensors().get(TensorPlan.TOKEN_EMBEDDING);
    if (embedding == null) {
      return true; // the matrix is stored under the head's name only
    }
    return in.keys.flag(TIED_HEAD, false)
        && embedding.dtype() == head.dtype()
        && embedding.extents().equals(head.extents())
        && GgufHashes.sample(head.data()).equals(GgufHashes.sample(embedding.data()));
  }

  private static int headDim(Reader in, int nHeads) throws IOException {
    int headDim = in.integer(KEY_LENGTH, 0);
    if (headDim == 0) {
      int dModel = in.integer(EMBEDDING_LENGTH);
      if (nHeads < 1 || dModel % nHeads != 0) {
        throw in.wrong(HEAD_COUNT, "a divisor of the embedding length " + dModel);
      }
      headDim = dModel / nHeads;
    }
    if (in.integer(VALUE_LENGTH, headDim) != headDim) {
      throw in.wrong(VALUE_LENGTH, headDim + ", the length of a key");
    }
    return headDim;
  }

  private static int vocabSize(Reader in) throws IOException {
    GgufFile.Entry embedding = in.file.tensors().get(TensorPlan.TOKEN_EMBEDDING);
    if (embedding == null && in.part.isPresent()) {
      return in.integer(VOCAB_SIZE);
    }
    if (embedding == null) {
      embedding = in.file.tensors().get(TensorPlan.OUTPUT);
    }
    if (embedding == null) {
      throw new ModelFormatException(in.file.path(), TensorPlan.TOKEN_EMBEDDING, "one", "none");
    }
    long rows = embedding.extents().size() > 1 ? embedding.extents().get(1) : 1;
    int vocabSize = (int) Math.min(rows, Integer.MAX_VALUE);
    if (in.integer(VOCAB_SIZE, vocabSize) != vocabSize) {
      throw in.wrong(VOCAB_SIZE, rows + ", the rows of " + TensorPlan.TOKEN_EMBEDDING);
    }
    return vocabSize;
  }

  private static float normEps(Reader in, String suffix) throws IOException {
    if (!in.keys.has(in.key(suffix))) {
      throw in.wrong(suffix, "a number");
    }
    return (float) in.keys.real(in.key(suffix), 0);
  }

  private static Activation activation(Reader in, Activation usual) throws IOException {
    String name = in.keys.text(ACTIVATION, name(usual));
    for (Activation activation : Activation.values()) {
      if (name(activation).equals(name)) {
        return activation;
      }
    }
    throw in.keys.wrong(ACTIVATION, "gelu_tanh, gelu_erf or silu");
  }

  /** The activation from our own key. */
  static String name(Activation activation) {
    return activation.name().toLowerCase(Locale.ROOT);
  }

  private static LinearBias bias(Reader in) throws ModelFormatException {
    boolean qkv = in.hasTensor("blk.0.attn_q.bias");
    boolean output = in.hasTensor("blk.0.attn_output.bias");
    if (output && !qkv) {
      throw new ModelFormatException(
          in.file.path(), "blk.0.attn_output.bias", "none without blk.0.attn_q.bias", "one");
    }
    return output ? LinearBias.ATTENTION : qkv ? LinearBias.QKV : LinearBias.NONE;
  }

  private static double ropeTheta(Reader in) throws IOException {
    return in.keys.real(ROPE_THETA, in.keys.real(in.key(ROPE_BASE), DEFAULT_ROPE_BASE));
  }

  private static float ropeScale(Reader in) throws IOException {
    if (in.architecture == Architecture.GPT2) {
      return 1;
    }
    double factor =
        in.keys.real(in.key(ROPE_SCALING_FACTOR), in.keys.real(in.key(ROPE_SCALE_LINEAR), 1));
    return switch (in.keys.text(in.key(ROPE_SCALING_TYPE), "linear")) {
      case "none" -> 1;
      case "linear" -> {
        if (!(factor >= 0 && factor < 1e6)) {
          throw in.wrong(ROPE_SCALING_FACTOR, "a positive number");
        }
        yield factor == 0 ? 1 : (float) factor; // llama.cpp writes 0 for no factor
      }
      default -> throw in.wrong(ROPE_SCALING_TYPE, "linear or none; the others are not supported");
    };
  }
}
