package dev.tandem.formats.gguf;

import dev.tandem.model.LinearBias;
import dev.tandem.model.ModelConfig;
import dev.tandem.model.ModelFormatException;
import dev.tandem.model.ModelPart;
import dev.tandem.stage.Span;
import java.io.IOException;
import java.util.Locale;
import java.util.Optional;

/**
 * The keys of a GGUF file with a part of a model. They state the part, and facts that its own
 * tensors cannot show:
 *
 * <pre>
 * tandem.part.embedding      bool     whether it holds the embeddings (and the tokenizer)
 * tandem.part.layer_begin    u32      layers layer_begin .. layer_end - 1
 * tandem.part.layer_end      u32
 * tandem.part.head           bool     whether it holds the final norm and the LM head
 * tandem.part.bias           string   none, qkv, attention or all: LinearBias
 * tandem.part.rope_factors   bool     whether the model has rope_freqs.weight
 * tandem.part.tied_head      bool     whether the LM head is the token embedding
 * </pre>
 *
 * <p>The list {@code tandem.hash.*} of such a file is the whole model's. It shows that two parts
 * belong to one model.
 *
 * @param part the part in the file
 * @param bias the biases of the whole model
 * @param ropeFactors whether the whole model has RoPE factors
 * @param tiedHead whether the whole model's head is tied
 */
record GgufPart(ModelPart part, LinearBias bias, boolean ropeFactors, boolean tiedHead) {
  private static final String PREFIX = "tandem.part.";
  private static final String EMBEDDING = PREFIX + "embedding";
  private static final String LAYER_BEGIN = PREFIX + "layer_begin";
  private static final String LAYER_END = PREFIX + "layer_end";
  private static final String HEAD = PREFIX + "head";
  private static final String BIAS = PREFIX + "bias";
  private static final String ROPE_FACTORS = PREFIX + "rope_factors";
  private static final String TIED_HEAD = PREFIX + "tied_head";

  /**
   * The part that a file holds; empty if it holds a whole model.
   *
   * @throws ModelFormatException if a key is missing or wrong
   */
  static Optional<GgufPart> read(GgufMetadata keys) throws IOException {
    if (keys.keys().stream().noneMatch(key -> key.startsWith(PREFIX))) {
      return Optional.empty();
    }
    int begin = keys.integer(LAYER_BEGIN);
    int end = keys.integer(LAYER_END);
    if (begin < 0 || end < begin) {
      throw keys.wrong(LAYER_END, "at least " + LAYER_BEGIN);
    }
    return Optional.of(
        new GgufPart(
            new ModelPart(flag(keys, EMBEDDING), Span.layers(begin, end), flag(keys, HEAD)),
            bias(keys),
            flag(keys, ROPE_FACTORS),
            flag(keys, TIED_HEAD)));
  }

  private static boolean flag(GgufMetadata keys, String key) throws IOException {
    if (!keys.has(key)) {
      throw keys.wrong(key, "a bool");
    }
    return keys.flag(key, false);
  }

  private static LinearBias bias(GgufMetadata keys) throws IOException {
    String name = keys.text(BIAS);
    for (LinearBias bias : LinearBias.values()) {
      if (name(bias).equals(name)) {
        return bias;
      }
    }
    throw keys.wrong(BIAS, "none, qkv, attention or all");
  }

  private static String name(LinearBias bias) {
    return bias.name().toLowerCase(Locale.ROOT);
  }

  /** Adds the keys of a part to a header. */
  static void write(GgufHeader header, ModelPart part, ModelConfig config) {
    header.flag(EMBEDDING, part.embedding());
    header.u32(LAYER_BEGIN, part.layers().begin());
    header.u32(LAYER_END, part.layers().end());
    header.flag(HEAD, part.head());
    header.text(BIAS, name(config.bias()));
    header.flag(ROPE_FACTORS, config.ropeFactors());
    header.flag(TIED_HEAD, config.tiedHead());
  }
}
