package dev.tandem.model;

import dev.tandem.tensor.DType;
import dev.tandem.tensor.Tensor;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.stream.Collectors;

/**
 * The identity of a model, independent of the file format: SHA-256 over this text, in UTF-8, each
 * line ended by a line feed:
 *
 * <pre>
 * tandem-model 1
 * config architecture gpt2          one line per field of ModelConfig, in its order;
 * config nLayers 12                 floats as Float.toHexString and Double.toHexString
 * ...
 * tensor blk.0.attn_norm.bias F32 1 768 (SHA-256 in hex)      one line per tensor, sorted by name
 * ...
 * </pre>
 *
 * <p>A tensor's SHA-256 is that of its elements in the type in which they are stored,
 * little-endian, {@code [rows = out, cols = in]} row-major, whether or not the file holds it
 * transposed. Vectors (biases, gains) count as f32, in which all formats can hold their values. A
 * tied head has no entry. The tokenizer is not part of the hash.
 *
 * @param hex SHA-256 in lower-case hex
 * @param entries the entries of the text, sorted by name
 */
public record ModelHash(String hex, List<Entry> entries) {

  /**
   * One tensor.
   *
   * @param name canonical name
   * @param dtype the stored type
   * @param rows logical rows
   * @param cols logical columns
   * @param sha256 SHA-256 of the normalised bytes, in lower-case hex
   */
  public record Entry(String name, DType dtype, long rows, long cols, String sha256) {
    private String line() {
      return "tensor " + name + " " + dtype + " " + rows + " " + cols + " " + sha256 + "\n";
    }
  }

  /** The hash that a list of entries implies, such as a peer's; the order does not matter. */
  public static ModelHash of(ModelConfig config, List<Entry> entries) {
    List<Entry> sorted = entries.stream().sorted(Comparator.comparing(Entry::name)).toList();
    StringBuilder text = new StringBuilder("tandem-model 1\n").append(canonical(config));
    sorted.forEach(entry -> text.append(entry.line()));
    return new ModelHash(TensorDigest.ofText(text.toString()), sorted);
  }

  /**
   * The entries of the tensors whose names satisfy a predicate, sorted by name. A digest that the
   * model's file states is taken from the file ({@code convert} writes them into GGUF files). Other
   * digests are computed; those of tensors in files are cached in the user's cache directory.
   *
   * @throws IOException if a file cannot be read or is shorter than when it was opened
   */
  public static List<Entry> entries(Checkpoint checkpoint, Predicate<String> names)
      throws IOException {
    return entries(
        checkpoint, names, HashCache.ofUser(System.getenv(), System.getProperty("user.home", "")));
  }

  public static List<Entry> entries(
      Checkpoint checkpoint, Predicate<String> names, Optional<HashCache> userCache)
      throws IOException {
    Collection<Tensor> all = checkpoint.tensors().values();
    Map<String, String> stated = checkpoint.statedDigests();
    if (!stated.isEmpty()) {
      return all.stream()
          .filter(tensor -> names.test(tensor.name()))
          .map(tensor -> entry(tensor, stated.getOrDefault(tensor.name(), "")))
          .sorted(Comparator.comparing(Entry::name))
          .toList();
    }
    Optional<HashCache> cache = userCache.filter(c -> !HashCache.files(all).isEmpty());
    Map<String, String> digests = new HashMap<>(cache.map(c -> c.load(all)).orElse(Map.of()));
    List<Tensor> wanted = all.stream().filter(tensor -> names.test(tensor.name())).toList();
    List<Tensor> missing =
        wanted.stream().filter(tensor -> !digests.containsKey(HashCache.key(tensor))).toList();
    if (!missing.isEmpty()) {
      digests.putAll(compute(missing));
      cache.ifPresent(c -> c.store(all, digests));
    }
    return wanted.stream()
        .map(tensor -> entry(tensor, digests.getOrDefault(HashCache.key(tensor), "")))
        .sorted(Comparator.comparing(Entry::name))
        .toList();
  }

  private static Entry entry(Tensor tensor, String digest) {
    DType dtype = TensorDigest.hashedType(tensor);
    return new Entry(tensor.name(), dtype, tensor.rows(), tensor.cols(), digest);
  }

  private static Map<String, String> compute(List<Tensor> tensors) throws IOException {
    try {
      return tensors.parallelStream().collect(Collectors.toMap(HashCache::key, ModelHash::digest));
    } catch (UncheckedIOException e) {
      throw e.getCause();
    }
  }

  private static String digest(Tensor tensor) {
    try {
      return TensorDigest.of(tensor);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /**
   * The first difference between some tensors and this model's; empty if each of them is exactly a
   * tensor of this model.
   */
  public Optional<String> firstDifference(List<Entry> held) {
    Map<String, Entry> byName =
        entries.stream().collect(Collectors.toMap(Entry::name, Function.identity()));
    for (Entry entry : held) {
      Entry expected = byName.get(entry.name());
      if (expected == null) {
        return Optional.of("tensor " + entry.name() + " is not part of the model");
      }
      if (!expected.equals(entry)) {
        return Optional.of("expected " + expected.line().strip() + ", got " + entry.line().strip());
      }
    }
    return Optional.empty();
  }

  private static String canonical(ModelConfig config) {
    Object[][] fields = {
      {"architecture", config.architecture().toString()},
      {"nLayers", config.nLayers()},
      {"nHeads", config.nHeads()},
      {"nKvHeads", config.nKvHeads()},
      {"headDim", config.headDim()},
      {"dModel", config.dModel()},
      {"dFf", config.dFf()},
      {"vocabSize", config.vocabSize()},
      {"maxSeq", config.maxSeq()},
      {"norm", config.norm()},
      {"normEps", Float.toHexString(config.normEps())},
      {"activation", config.activation()},
      {"gatedFfn", config.gatedFfn()},
      {"bias", config.bias()},
      {"rope", config.rope()},
      {"ropeTheta", Double.toHexString(config.ropeTheta())},
      {"ropeFactors", config.ropeFactors()},
      {"tiedHead", config.tiedHead()},
    };
    StringBuilder text = new StringBuilder();
    for (Object[] field : fields) {
      text.append("config ").append(field[0]).append(' ').append(field[1]).append('\n');
    }
    return text.toString();
  }
}
