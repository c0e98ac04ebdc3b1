package dev.tandem.weights;

import dev.tandem.config.ModelConfig;
import dev.tandem.tensor.DType;
import java.io.IOException;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;

/** The identity of a model. */
public record ModelHash(String hex, List<Entry> entries) {
  /** One tensor. */
  public record Entry(String name, DType dtype, long rows, long cols, String sha256) {}

  /** Of all tensors. */
  public static ModelHash of(Checkpoint checkpoint) throws IOException {
    return of(checkpoint.config(), entries(checkpoint, name -> true));
  }

  /** Of a list, e.g. a peer's. */
  public static ModelHash of(ModelConfig config, List<Entry> entries) {
    return new ModelHash(config.toString(), entries);
  }

  /** The entries of the tensors that are held, sorted by name. */
  public static List<Entry> entries(Checkpoint checkpoint, Predicate<String> names)
      throws IOException {
    return List.of();
  }

  /** What differs between tensors held here and the whole model's list; empty if nothing. */
  public Optional<String> firstDifference(List<Entry> held) {
    return Optional.empty();
  }
}
