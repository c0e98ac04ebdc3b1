package dev.tandem.files;

import dev.tandem.model.Checkpoint;
import dev.tandem.model.ModelConfig;
import dev.tandem.settings.KvType;
import java.util.Collections;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/**
 * What a model's files hold.
 *
 * @param name the embedded name, or the file's or directory's own name
 * @param format the format of the files, for people, such as {@code GGUF v3}
 * @param config everything that changes the model's arithmetic
 * @param part which part of a model it is, for people; empty for a whole model
 * @param parameters elements of all tensors
 * @param tensorBytes bytes of all tensors in the files
 * @param kvType the type of the KV caches, unless a setting names another
 * @param kvBytesPerToken for each type of KV cache, the bytes of one position in all layers that
 *     the files hold
 * @param tensors all tensors, in canonical order
 */
public record ModelDescription(
    String name,
    String format,
    Config config,
    Optional<String> part,
    long parameters,
    long tensorBytes,
    KvType kvType,
    Map<KvType, Long> kvBytesPerToken,
    List<TensorInfo> tensors) {

  /** Copies the collections. */
  public ModelDescription {
    kvBytesPerToken = Collections.unmodifiableMap(new EnumMap<>(kvBytesPerToken));
    tensors = List.copyOf(tensors);
  }

  /**
   * The configuration.
   *
   * @param architecture {@code gpt2} or {@code llama}
   * @param nLayers layers
   * @param nHeads query heads
   * @param nKvHeads key and value heads
   * @param headDim elements of one head
   * @param dModel width of the residual stream
   * @param dFf width of the feed-forward network
   * @param vocabSize logits in a row
   * @param maxSeq positions that a sequence can have at most
   * @param norm {@code layer} or {@code rms}
   * @param normEps added under the root of every normalisation
   * @param activation the feed-forward network's non-linearity, such as {@code silu}
   * @param gatedFfn whether a gate multiplies it
   * @param bias which linear layers have biases, such as {@code all} or {@code none}
   * @param rope how rotary positions pair elements; {@code none} where positions are embedded
   * @param ropeTheta base of the rotary frequencies; 0 without them
   * @param ropeFactors whether a tensor divides the rotary frequencies
   * @param tiedHead whether the head is the token embedding
   */
  public record Config(
      String architecture,
      int nLayers,
      int nHeads,
      int nKvHeads,
      int headDim,
      int dModel,
      int dFf,
      int vocabSize,
      int maxSeq,
      String norm,
      float normEps,
      String activation,
      boolean gatedFfn,
      String bias,
      String rope,
      double ropeTheta,
      boolean ropeFactors,
      boolean tiedHead) {

    private static Config of(ModelConfig config) {
      return new Config(
          config.architecture().toString(),
          config.nLayers(),
          config.nHeads(),
          config.nKvHeads(),
          config.headDim(),
          config.dModel(),
          config.dFf(),
          config.vocabSize(),
          config.maxSeq(),
          lower(config.norm()),
          config.normEps(),
          lower(config.activation()),
          config.gatedFfn(),
          lower(config.bias()),
          lower(config.rope()),
          config.ropeTheta(),
          config.ropeFactors(),
          config.tiedHead());
    }

    private static String lower(Enum<?> constant) {
      return constant.name().toLowerCase(Locale.ROOT);
    }
  }

  static ModelDescription of(Checkpoint checkpoint) {
    return new ModelDescription(
        checkpoint.name(),
        checkpoint.format(),
        Config.of(checkpoint.config()),
        part(checkpoint),
        checkpoint.parameterCount(),
        checkpoint.tensorBytes(),
        checkpoint.defaultKvType(),
        kvBytesPerToken(checkpoint),
        checkpoint.tensors().values().stream().map(TensorInfo::of).toList());
  }

  /** A whole model in another type than the model that it states is not that model. */
  private static Optional<String> part(Checkpoint checkpoint) {
    Optional<String> approximate = checkpoint.approximationInWords();
    return checkpoint.isWhole() && approximate.isEmpty()
        ? Optional.empty()
        : Optional.of(checkpoint.part() + approximate.map(words -> "; " + words).orElse(""));
  }

  private static Map<KvType, Long> kvBytesPerToken(Checkpoint checkpoint) {
    ModelConfig config = checkpoint.config();
    int layers = checkpoint.part().layers().nLayers();
    Map<KvType, Long> bytes = new EnumMap<>(KvType.class);
    for (KvType type : KvType.values()) {
      bytes.put(type, 2L * layers * config.nKvHeads() * type.rowBytes(config.headDim()));
    }
    return bytes;
  }
}
