package dev.tandem.weights;

import dev.tandem.config.ModelConfig;
import dev.tandem.tensor.Tensor;
import dev.tandem.tokenizer.Tokenizer;
import java.io.Closeable;
import java.io.IOException;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A model: its config, its tensors by canonical name, and a tokenizer that is opened at first use.
 * Safe for use by many threads. Closing it closes the files that its tensors are read from.
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
  private final DigestOpener digestOpener;
  private final Object tokenizerLock = new Object();
  private final Object hashLock = new Object();
  private Optional<Tokenizer> tokenizer = Optional.empty();
  private Optional<ModelHash> hash = Optional.empty();
  private Optional<Map<String, String>> statedDigests = Optional.empty();

  /** Opens a checkpoint's tokenizer. */
  @FunctionalInterface
  interface TokenizerOpener {
    Tokenizer open() throws IOException;
  }

  /** Reads the tensors' SHA-256 that a file states, by name; none if it does not. */
  @FunctionalInterface
  interface DigestOpener {
    Map<String, String> open() throws IOException;
  }

  /**
   * A checkpoint of tensors that have been checked against the config.
   *
   * @param tensors in the order in which they are to be listed
   * @param files what {@link #close} closes
   */
  Checkpoint(
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
  Checkpoint(
      String name,
      String format,
      ModelConfig config,
      Map<String, Tensor> tensors,
      TokenizerOpener opener,
      List<? extends Closeable> files,
      List<String> notes) {
    this(name, format, config, tensors, opener, files, notes, Map::of);
  }

  /**
   * The same, of a file that states its tensors' digests.
   *
   * @param digestOpener called when they are first needed
   */
  Checkpoint(
      String name,
      String format,
      ModelConfig config,
      Map<String, Tensor> tensors,
      TokenizerOpener opener,
      List<? extends Closeable> files,
      List<String> notes,
      DigestOpener digestOpener) {
    this.name = name;
    this.format = format;
    this.config = config;
    this.tensors = Collections.unmodifiableMap(new LinkedHashMap<>(tensors));
    this.opener = opener;
    this.files = List.copyOf(files);
    this.notes = List.copyOf(notes);
    this.digestOpener = digestOpener;
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

  /** All tensors by canonical name: embeddings, blocks in order, output norm, head. */
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

  /** Elements of all tensors; a tied head counts once. */
  public long parameterCount() {
    return tensors.values().stream().mapToLong(Tensor::elements).sum();
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

  /** The hash of the whole model, computed at the first call; see {@link ModelHash}. */
  public ModelHash hash() throws IOException {
    synchronized (hashLock) {
      if (hash.isEmpty()) {
        hash = Optional.of(ModelHash.of(this));
      }
      return hash.get();
    }
  }

  /**
   * The tensors' SHA-256 by name, as {@link ModelHash} counts them, if the file states them all.
   */
  Map<String, String> statedDigests() throws IOException {
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
