package dev.tandem.model;

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
 * opened at first use. Safe for use by many threads. Closing it closes the files that its tensors
 * are read from.
 *
 * <p>Names are GGUF's: {@code token_embd.weight}, {@code position_embd.weight}, {@code
 * blk.N.attn_norm}, {@code blk.N.attn_qkv} or {@code attn_q}, {@code attn_k}, {@code attn_v},
 * {@code blk.N.attn_output}, {@code blk.N.ffn_norm}, {@code ffn_gate}, {@code ffn_up}, {@code
 * ffn_down}, {@code output_norm}, each with {@code .weight} and where the model has one {@code
 * .bias}; and {@code output.weight}, absent when the head is tied.
 */
public final class Checkpoint implements AutoCloseable {
  private final String name;
  private final String format;
  private final ModelConfig config;
  private final Map<String, Tensor> tensors;
  private final TokenizerOpener opener;
  private final List<? extends Closeable> files;
  private final List<String> notes;
  private final ModelPart part;
  private final List<ModelHash.Entry> modelTensors;
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

  /** Reads the tensors' SHA-256 that a file states, by name; none if it does not. */
  @FunctionalInterface
  public interface DigestOpener {
    Map<String, String> open() throws IOException;
  }

  /**
   * A checkpoint of tensors that have been checked against the config.
   *
   * @param tensors in the order in which they are to be listed
   * @param files what {@link #close} closes
   */
  public Checkpoint(
      String name,
      String format,
      ModelConfig config,
      Map<String, Tensor> tensors,
      TokenizerOpener opener,
      List<? extends Closeable> files) {
    this(name, format, config, tensors, opener, files, List.of());
  }

  /**
   * The same, with something to tell the user.
   *
   * @param notes what was assumed because no file says it; one line each
   */
  public Checkpoint(
      String name,
      String format,
      ModelConfig config,
      Map<String, Tensor> tensors,
      TokenizerOpener opener,
      List<? extends Closeable> files,
      List<String> notes) {
    this(
        name,
        format,
        config,
        tensors,
        opener,
        files,
        notes,
        Map::of,
        ModelPart.whole(config),
        List.of());
  }

  /**
   * A part of a model, or all of it.
   *
   * @param tensors those that the part holds
   * @param digestOpener called when the digests that the file states are first needed
   * @param modelTensors the list that the whole model's hash is made of; empty if it is not known
   */
  public Checkpoint(
      String name,
      String format,
      ModelConfig config,
      Map<String, Tensor> tensors,
      TokenizerOpener opener,
      List<? extends Closeable> files,
      List<String> notes,
      DigestOpener digestOpener,
      ModelPart part,
      List<ModelHash.Entry> modelTensors) {
    this.name = name;
    this.format = format;
    this.config = config;
    this.tensors = Collections.unmodifiableMap(new LinkedHashMap<>(tensors));
    this.opener = opener;
    this.files = List.copyOf(files);
    this.notes = List.copyOf(notes);
    this.digestOpener = digestOpener;
    this.part = part;
    this.modelTensors = List.copyOf(modelTensors);
  }

  /** The embedded name, or the file's or directory's own name. */
  public String name() {
    return name;
  }

  /** The file format, for people, such as {@code llama2.c version 0}. */
  public String format() {
    return format;
  }

  /** What was assumed because no file says it, for the user; one line each. */
  public List<String> notes() {
    return notes;
  }

  /** All that changes the arithmetic. */
  public ModelConfig config() {
    return config;
  }

  /** What it holds of the model. */
  public ModelPart part() {
    return part;
  }

  /** Whether nothing of the model is missing. */
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
   * A part of this checkpoint, which knows the model's hash. It reads this one's files, so this one
   * must stay open. A part without the embedding has no tokenizer.
   *
   * @throws IllegalArgumentException if this checkpoint does not hold all of it
   * @throws IOException if the hash must be computed and a file cannot be read
   */
  public Checkpoint cut(ModelPart wanted) throws IOException {
    if (!part.holds(wanted)) {
      throw new IllegalArgumentException(name + " has " + part + "; requested: " + wanted);
    }
    Map<String, Tensor> kept = new LinkedHashMap<>(tensors);
    kept.keySet().removeIf(tensor -> !wanted.holds(tensor, config));
    return new Checkpoint(
        name,
        format,
        config,
        kept,
        wanted.embedding() ? this::tokenizer : noTokenizer(name, wanted),
        List.of(),
        notes,
        this::statedDigests,
        wanted,
        hash().entries());
  }

  /** Of a part without the embedding. */
  public static TokenizerOpener noTokenizer(String name, ModelPart part) {
    return () -> {
      throw new IOException(name + " is a server's part (" + part + ") and has no tokenizer");
    };
  }

  /** All tensors that it holds by canonical name: embeddings, blocks in order, norm, head. */
  public Map<String, Tensor> tensors() {
    return tensors;
  }

  /**
   * A tensor that must be there.
   *
   * @throws IllegalArgumentException if it is not
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

  /** Learned elements of all tensors; a tied head counts once, RoPE's factors do not. */
  public long parameterCount() {
    return tensors.values().stream()
        .filter(tensor -> !tensor.name().equals(TensorPlan.ROPE_FACTORS))
        .mapToLong(Tensor::elements)
        .sum();
  }

  /**
   * Types in which the matrices of the blocks are stored: of the whole model where the checkpoint
   * knows it, else of the blocks that it holds.
   */
  public Set<DType> blockMatrixTypes() {
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

  /** Whether {@link #hash} is to be had: of a whole model, and of a part that states it. */
  public boolean knowsHash() {
    return isWhole() || !modelTensors.isEmpty();
  }

  /**
   * The hash of the whole model, computed at the first call; see {@link ModelHash}. That of a part
   * is the one that it states, once the tensors that it holds have been compared with it.
   *
   * @throws ModelFormatException if they differ
   * @throws IllegalStateException if it is not to be had
   */
  public ModelHash hash() throws IOException {
    if (!knowsHash()) {
      throw new IllegalStateException(name + " does not say which model it is a part of");
    }
    synchronized (hashLock) {
      if (hash.isEmpty()) {
        List<ModelHash.Entry> here = heldTensors();
        ModelHash model = ModelHash.of(config, isWhole() ? here : modelTensors);
        Optional<String> difference = model.firstDifference(here);
        if (difference.isPresent()) {
          throw new ModelFormatException(
              name, "not a part of the model that it says: " + difference.get());
        }
        hash = Optional.of(model);
      }
      return hash.get();
    }
  }

  /**
   * The entries that the tensors held here have in the model's hash, sorted by name; computed at
   * the first call.
   */
  public List<ModelHash.Entry> heldTensors() throws IOException {
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
