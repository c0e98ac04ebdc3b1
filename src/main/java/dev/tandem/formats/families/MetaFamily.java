package dev.tandem.formats.families;

import dev.tandem.formats.files.Folder;
import dev.tandem.formats.files.JsonObject;
import dev.tandem.formats.files.TokenizerFolder;
import dev.tandem.model.Architecture;
import dev.tandem.model.ModelConfig;
import dev.tandem.model.ModelFormatException;
import dev.tandem.model.TensorPlan;
import dev.tandem.model.TensorPlan.Spec;
import dev.tandem.settings.Note;
import dev.tandem.settings.Remedy;
import dev.tandem.tensor.Tensor;
import dev.tandem.tokenizer.Tokenizer;
import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;

/**
 * Llama by Meta's own names ({@code tok_embeddings}, {@code wq}, {@code w1}), which llama2.c's
 * training shares: {@code consolidated.00.pth} with {@code params.json}, or {@code ckpt.pt} with
 * its {@code model_args}. Rotary pairs are {@code (2i, 2i + 1)}, as ours.
 *
 * <p>Sources: {@code llama/model.py} of Meta's llama and llama3, {@code model.py} of llama2.c.
 */
final class MetaFamily implements ForeignFamily {
  private static final String EMBEDDING = "tok_embeddings.weight";
  private static final String HEAD = "output.weight";
  private static final String FIRST_UP = "layers.0.feed_forward.w3.weight";

  /** Frequencies and causal masks, which we compute ourselves. */
  private static final Pattern BUFFERS =
      Pattern.compile("rope\\.freqs|freqs_(cos|sin|cis)|layers\\.\\d+\\.attention\\.mask");

  private static final double DEFAULT_NORM_EPS = 1e-5;
  private static final double DEFAULT_THETA = 10_000;

  /** {@code ModelArgs.max_seq_len} of both programs. */
  private static final int DEFAULT_MAX_SEQ = 2048;

  /** What {@code use_scaled_rope} means in {@code llama3/model.py}. */
  private static final double SCALE = 8;

  private static final double LOW_FACTOR = 1;
  private static final double HIGH_FACTOR = 4;
  private static final double OLD_CONTEXT = 8192;

  /** They state how the width of the feed-forward network was found, which the tensors show. */
  private static final List<String> FEED_FORWARD = List.of("multiple_of", "ffn_dim_multiplier");

  private static final Map<String, String> BLOCK_NAMES =
      Map.of(
          "attn_norm", "attention_norm",
          "attn_q", "attention.wq",
          "attn_k", "attention.wk",
          "attn_v", "attention.wv",
          "attn_output", "attention.wo",
          "ffn_norm", "ffn_norm",
          "ffn_gate", "feed_forward.w1",
          "ffn_up", "feed_forward.w3",
          "ffn_down", "feed_forward.w2");

  @Override
  public boolean recognises(NamedTensors stored) {
    return stored.contains(EMBEDDING) || stored.contains("layers.0.attention.wq.weight");
  }

  @Override
  public Model read(NamedTensors stored, JsonObject json) throws IOException {
    if (!json.has("n_heads")) {
      throw new ModelFormatException(
          stored.path(),
          "no params.json beside it; a Llama's heads are in no other file",
          Remedy.configFile(),
          Remedy.config("n_heads", "NUMBER"));
    }
    boolean headOnly = stored.tieToHead(EMBEDDING, HEAD, json);
    int headDim = headDim(json, stored);
    double theta = json.number("rope_theta", DEFAULT_THETA);
    float[] factors = ropeFactors(json, theta, headDim);
    ModelConfig config = config(json, stored, headDim, theta, factors.length > 0, headOnly);
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    for (Spec spec : TensorPlan.of(config).specs()) {
      boolean computed = spec.use() == TensorPlan.Use.FACTORS;
      tensors.put(
          spec.name(),
          computed
              ? LlamaFamily.factors(spec, factors)
              : stored
                  .require(foreignName(spec.name()), ForeignTensor.shapeOf(spec, false))
                  .as(spec, false));
    }
    if (config.tiedHead()) {
      stored.find(HEAD);
    }
    stored.requireAllUsed(BUFFERS);
    List<Note> notes =
        json.has("max_seq_len")
            ? List.of()
            : List.of(
                new Note(
                    "assumed a context of "
                        + DEFAULT_MAX_SEQ
                        + " tokens, because nothing says how many",
                    Remedy.config("max_seq_len", "NUMBER", "for another context")));
    return new Model("Meta's Llama", config, tensors, notes);
  }

  private static int headDim(JsonObject json, NamedTensors stored) throws ModelFormatException {
    int nHeads = json.integer("n_heads");
    int width = json.integer("dim", stored.extent(EMBEDDING, 1).orElse(0));
    int headDim = json.integer("head_dim", nHeads < 1 ? 0 : width / nHeads);
    boolean whole = json.has("head_dim") || (nHeads > 0 && width % nHeads == 0);
    if (!whole || headDim < 2 || headDim % 2 != 0 || headDim > LlamaConfig.MAX_HEAD_DIM) {
      throw json.wrong("n_heads", "a number that makes even heads of the width " + width);
    }
    return headDim;
  }

  private static float[] ropeFactors(JsonObject json, double theta, int headDim)
      throws ModelFormatException {
    if (!(theta > 0 && theta < 1e12)) {
      throw json.wrong("rope_theta", "a positive number");
    }
    double scale = json.number("rope_scaling_factor", SCALE);
    double low = json.number("low_freq_factor", LOW_FACTOR);
    double high = json.number("high_freq_factor", HIGH_FACTOR);
    if (!json.flag("use_scaled_rope", false)) {
      return new float[0];
    }
    if (!(scale > 0 && scale < 1e9 && low > 0 && high > low && high < 1e9)) {
      throw json.wrong("rope_scaling_factor", "a positive number, with frequency factors in order");
    }
    return RopeScaling.llama3(theta, headDim, scale, low, high, OLD_CONTEXT);
  }

  private static ModelConfig config(
      JsonObject json,
      NamedTensors stored,
      int headDim,
      double theta,
      boolean ropeFactors,
      boolean headOnly)
      throws IOException {
    int nHeads = json.integer("n_heads");
    int rows = stored.extent(EMBEDDING, 0).orElse(0);
    int vocabSize = json.integer("vocab_size", rows);
    for (String key : FEED_FORWARD) {
      json.number(key, 0);
    }
    boolean tied = headOnly || TiedHead.of(stored, EMBEDDING, HEAD);
    try {
      return ModelConfig.builder(Architecture.LLAMA)
          .nLayers(json.integer("n_layers", stored.countLayers("layers.%d.attention_norm.weight")))
          .nHeads(nHeads)
          .nKvHeads(json.integer("n_kv_heads", nHeads))
          .headDim(headDim)
          .dModel(json.integer("dim", stored.extent(EMBEDDING, 1).orElse(0)))
          .dFf(json.integer("hidden_dim", stored.extent(FIRST_UP, 0).orElse(0)))
          // Llama 1 and 2 say -1: as many as the tokenizer has
          .vocabSize(vocabSize < 0 ? rows : vocabSize)
          .maxSeq(json.integer("max_seq_len", DEFAULT_MAX_SEQ))
          .normEps((float) json.number("norm_eps", DEFAULT_NORM_EPS))
          .ropeTheta(theta)
          .ropeFactors(ropeFactors)
          .tiedHead(json.flag("tie_word_embeddings", tied))
          .build();
    } catch (IllegalArgumentException e) {
      throw new ModelFormatException(json.path(), String.valueOf(e.getMessage()));
    }
  }

  /** llama2.c's own vocabulary takes precedence over the files of other programs. */
  @Override
  public Tokenizer tokenizer(Folder folder, int vocabSize, int... stopIds) throws IOException {
    return new TokenizerFolder(folder).ofLlama2c(vocabSize);
  }

  private static String foreignName(String name) {
    return switch (name) {
      case TensorPlan.TOKEN_EMBEDDING -> EMBEDDING;
      case TensorPlan.OUTPUT -> HEAD;
      case "output_norm.weight" -> "norm.weight";
      default -> {
        String[] parts = name.split("\\.", -1); // blk.N.kind.weight
        yield "layers." + parts[1] + "." + BLOCK_NAMES.get(parts[2]) + "." + parts[3];
      }
    };
  }
}
