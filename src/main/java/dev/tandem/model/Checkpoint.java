package dev.tandem.model;

import dev.tandem.settings.KvType;
import dev.tandem.settings.Note;
import dev.tandem.stage.MissingSpanException;
import dev.tandem.stage.Span;
import dev.tandem.tensor.DType;
import dev.tandem.tensor.Tensor;
import dev.tandem.tokenizer.Tokenizer;
import java.io.Closeable;
import java.io.IOException;
import java.util.Collections;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * A model, or a part of one: its config, its tensors by canonical name, and a tokenizer that is
 * opened when it is first used. Safe for use by many threads. Closing a checkpoint closes the files
 * of its tensors.
 *
 * <p>Names are GGUF's: {@code token_embd.weight}, {@code position_embd.weight}, {@code
 * blk.N.attn_norm}, {@code blk.N.attn_qkv} or {@code attn_q}, {@code attn_k}, {@code attn_v},
 * {@code blk.N.attn_output}, {@code blk.N.ffn_norm}, {@code ffn_gate}, {@code ffn_up}, {@code
 * ffn_down}, {@code output_norm}, each with {@code .weight} and, if the model has one, {@code
 * .bias}; and {@code output.weight}, which is absent if the head is tied.
 */
public final class Checkpoint implements AutoCloseable {
  /** Quantised types that have kernels. */
  private static final Set<DType> QUANTIZED =
      Set.of(DType.Q8_0, DType.Q4_0, DType.Q4_K, DType.Q6_K);

  private final String name;
  private final String format;
  private final ModelConfig config;
  private final Map<String, Tensor> tensors;
  private final TokenizerOpener opener;
  private final List<? extends Closeable> files;
  private final List<Note> notes;
  private final ModelPart part;
  private final List<ModelHash.Entry> modelTensors;
  private final Optional<Approximation> approximation;
  private final DigestOpener digestOpener;
  private final Object tokenizerLock = new Object();
  private final Object hashLock = new Object();
  private Optional<Tokenizer> tokenizer = Optional.empty();
  private Optional<ModelHash> hash = Optional.empty();
  private Optional<List<ModelHash.Entry>> held = Optional.empty();
  private Optional<Map<String, String>> statedDigests = Optional.empty();

  /** Opens a checkpoint's tokenizer. */
  @FunctionalInterface
  public interface TokenizerOpener {
    Tokenizer open() throws IOException;
  }

  /** Reads the tensors' SHA-256 from a file, by name; empty if the file does not state them. */
  @FunctionalInterface
  public interface DigestOpener {
    Map<String, String> open() throws IOException;
  }

  /**
   * A whole model of tensors that have been checked against the config.
   *
   * @param format in words, such as {@code llama2.c version 0}
   * @param tensors the tensors in the order of {@link #tensors}
   * @param files the files that {@link #close} closes
   */
  public Checkpoint(
      String name,
      String format,
      ModelConfig config,
      Map<String, Tensor> tensors,
      TokenizerOpener opener,
      List<? extends Closeable> files) {
    this(builder(name, config).format(format).tensors(tensors).tokenizer(opener).files(files));
  }

  Checkpoint(CheckpointBuilder builder) {
    name = builder.name;
    format = builder.format;
    config = builder.config;
    tensors = Collections.unmodifiableMap(new LinkedHashMap<>(builder.tensors));
    opener = builder.tokenizer;
    files = builder.files;
    notes = builder.notes;
    digestOpener = builder.digests;
    part = builder.part;
    modelTensors = builder.modelTensors;
    approximation = builder.approximation;
  }

  /** Collects a checkpoint that is a part of a model, or that has more to say. */
  public static CheckpointBuilder builder(String name, ModelConfig config) {
    return new CheckpointBuilder(name, config);
  }

  private CheckpointBuilder copy() {
    return copy(name);
  }

  private CheckpointBuilder copy(String newName) {
    return builder(newName, config)
        .format(format)
        .tensors(tensors)
        .tokenizer(opener)
        .files(files)
        .notes(notes)
        .digests(digestOpener)
        .part(part)
        .modelTensors(modelTensors)
        .approximation(approximation);
  }

  /** The embedded name, or the file's or directory's own name. */
  public String name() {
    return name;
  }

  /** The file format in words, such as {@code llama2.c version 0}. */
  public String format() {
    return format;
  }

  /** The assumptions that were made because no file states the facts, for the user. */
  public List<Note> notes() {
    return notes;
  }

  /** The configuration, which holds everything that changes the arithmetic. */
  public ModelConfig config() {
    return config;
  }

  /** The part of the model that this checkpoint holds. */
  public ModelPart part() {
    return part;
  }

  /** What it holds in a smaller type than the model; empty if all tensors are the model's own. */
  public Optional<Approximation> approximation() {
    return approximation;
  }

  /** What is approximate, for the user; empty if nothing is. */
  public Optional<String> approximationInWords() {
    return approximation.map(found -> found.inWords(config, part));
  }

  /** Whether it holds the whole model. */
  public boolean isWhole() {
    return part.isWhole(config);
  }

  /**
   * Checks that a stage of this checkpoint can be opened.
   *
   * @throws MissingSpanException if the model does not have these layers, or this checkpoint does
   *     not hold all of the span
   */
  public void checkHolds(Span span) {
    if (span.end() > config.nLayers() || !part.holds(span)) {
      throw new MissingSpanException(span, name, part.toString());
    }
  }

  /**
   * Cuts a part out of this checkpoint; the part knows the model's hash. The part reads the files
   * of this checkpoint, which must stay open. A part without the embedding has no tokenizer.
   *
   * @throws IllegalArgumentException if this checkpoint does not hold the whole part
   * @throws IOException if the hash must be computed and a file cannot be read
   */
  public Checkpoint cut(ModelPart wanted) throws IOException {
    if (!part.holds(wanted)) {
      throw new IllegalArgumentException(name + " has " + part + "; requested: " + wanted);
    }
    Map<String, Tensor> kept = new LinkedHashMap<>(tensors);
    kept.keySet().removeIf(tensor -> !wanted.holds(tensor, config));
    return copy()
        .tensors(kept)
        .tokenizer(wanted.embedding() ? this::tokenizer : noTokenizer(name, wanted))
        .files(List.of())
        .digests(this::statedDigests)
        .part(wanted)
        .modelTensors(hash().entries())
        .build();
  }

  /**
   * The same model with another tokenizer, in place of this object; the files are the new one's.
   */
  public Checkpoint withTokenizer(TokenizerOpener other) {
    return copy().tokenizer(other).build();
  }

  /** The same model under another name, in place of this object; the files are the new one's. */
  public Checkpoint withName(String other) {
    return copy(other).build();
  }

  /** The tokenizer of a part without the embedding: none. */
  public static TokenizerOpener noTokenizer(String name, ModelPart part) {
    return () -> {
      throw new IOException(name + " is a server's part (" + part + ") and has no tokenizer");
    };
  }

  /** All its tensors by canonical name: embeddings, layers in order, norm, head. */
  public Map<String, Tensor> tensors() {
    return tensors;
  }

  /**
   * A tensor that must exist.
   *
   * @throws IllegalArgumentException if it does not
   */
  public Tensor tensor(String tensorName) {
    Tensor tensor = tensors.get(tensorName);
    if (tensor == null) {
      throw new IllegalArgumentException(name + " has no tensor " + tensorName);
    }
    return tensor;
  }

  /** A tensor that may be absent, such as a bias. */
  public Optional<Tensor> find(String tensorName) {
    return Optional.ofNullable(tensors.get(tensorName));
  }

  /**
   * The number of learned elements of all tensors; a tied head counts once, RoPE's factors do not
   * count.
   */
  public long parameterCount() {
    return tensors.values().stream()
        .filter(tensor -> !tensor.name().equals(TensorPlan.ROPE_FACTORS))
        .mapToLong(Tensor::elements)
        .sum();
  }

  /**
   * The stored types of the layers' matrices: of the whole model if the checkpoint knows them,
   * otherwise of the layers that it holds.
   */
  Set<DType> layerMatrixTypes() {
    Set<DType> types = EnumSet.noneOf(DType.class);
    if (modelTensors.isEmpty()) {
      tensors.values().forEach(t -> addBlockMatrix(types, t.name(), t.rows(), t.dtype()));
    } else {
      modelTensors.forEach(t -> addBlockMatrix(types, t.name(), t.rows(), t.dtype()));
    }
    return types;
  }

  private static void addBlockMatrix(Set<DType> to, String tensor, long rows, DType type) {
    if (rows > 1 && tensor.startsWith("blk.")) {
      to.add(type);
    }
  }

  /**
   * The type of KV caches where nothing else is said: f16 if matrices of the layers are computed in
   * a quantised type, else f32.
   */
  public KvType defaultKvType() {
    return layerMatrixTypes().stream().anyMatch(QUANTIZED::contains) ? KvType.F16 : KvType.F32;
  }

  /** Bytes of all tensors as they are stored. */
  public long tensorBytes() {
    return tensors.values().stream().mapToLong(Tensor::bytes).sum();
  }

  /**
   * The tokenizer, opened at the first call.
   *
   * @throws ModelFormatException if its files are malformed or do not fit the model's vocabulary
   * @throws IOException if its files are missing or cannot be read
   */
  public Tokenizer tokenizer() throws IOException {
    synchronized (tokenizerLock) {
      if (tokenizer.isEmpty()) {
        tokenizer = Optional.of(opener.open());
      }
      return tokenizer.get();
    }
  }

  /** Whether {@link #hash} is available: for a whole model, and for a part that states it. */
  public boolean knowsHash() {
    return isModel() || !modelTensors.isEmpty();
  }

  /** Whether its tensors are the whole model's own. */
  private boolean isModel() {
    return isWhole() && approximation.isEmpty();
  }

  /**
   * The hash of the whole model, computed at the first call; see {@link ModelHash}. A part states
   * this hash; it is returned after the part's own tensors have been compared with it. Tensors of
   * an {@link #approximation} are compared with what the file states of them.
   *
   * @throws ModelFormatException if they differ
   * @throws IllegalStateException if it is not available
   */
  public ModelHash hash() throws IOException {
    if (!knowsHash()) {
      throw new IllegalStateException(name + " does not state which model it is a part of");
    }
    synchronized (hashLock) {
      if (hash.isEmpty()) {
        List<ModelHash.Entry> here = entries();
        ModelHash model = ModelHash.of(config, isModel() ? here : modelTensors);
        Optional<String> difference =
            approximation.isEmpty()
                ? model.firstDifference(here)
                : approximation.get().firstDifference(model, here);
        if (difference.isPresent()) {
          throw new ModelFormatException(
              name, "not a part of the model that it states: " + difference.get());
        }
        hash = Optional.of(model);
      }
      return hash.get();
    }
  }

  /**
   * The entries of this checkpoint's tensors in the model's hash, sorted by name; computed at the
   * first call. Tensors of an {@link #approximation} have none.
   */
  public List<ModelHash.Entry> heldTensors() throws IOException {
    List<ModelHash.Entry> all = entries();
    return approximation.isEmpty() ? all : approximation.get().exactOf(all);
  }

  private List<ModelHash.Entry> entries() throws IOException {
    synchronized (hashLock) {
      if (held.isEmpty()) {
        held = Optional.of(ModelHash.entries(this, any -> true));
      }
      return held.get();
    }
  }

  /**
   * The tensors' SHA-256 by name, as {@link ModelHash} counts them, if the file states them all.
   */
  public Map<String, String> statedDigests() throws IOException {
    synchronized (hashLock) {
      if (statedDigests.isEmpty()) {
        statedDigests = Optional.of(Map.copyOf(digestOpener.open()));
      }
      return statedDigests.get();
    }
  }

  /** Closes the files; idempotent. Reading tensors of a file is then an IllegalStateException. */
  @Override
  public void close() throws IOException {
    for (Closeable file : files) {
      file.close();
    }
  }
}
