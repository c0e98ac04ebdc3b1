package dev.tandem.model;

import dev.tandem.tensor.DType;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Collectors;

/**
 * What a part of a model holds in a smaller type than the model. The results of such a part are not
 * the model's, and the model hash says nothing about these tensors' values.
 *
 * @param type the type that was asked for; a tensor that it does not suit has another one
 * @param tensors the tensors that are not the model's own, with the digests of what is here
 */
public record Approximation(DType type, List<ModelHash.Entry> tensors) {
  /** Copies the list. */
  public Approximation {
    tensors = List.copyOf(tensors);
  }

  /** Whether a tensor is not the model's own. */
  public boolean covers(String tensor) {
    return tensors.stream().anyMatch(entry -> entry.name().equals(tensor));
  }

  /** The tensors of a list that are the model's own. */
  List<ModelHash.Entry> exactOf(List<ModelHash.Entry> entries) {
    return entries.stream().filter(entry -> !covers(entry.name())).toList();
  }

  /**
   * The first difference between a part's tensors and what the part states: the model's own, and
   * the approximations of tensors that the model has in the same shape.
   */
  Optional<String> firstDifference(ModelHash model, List<ModelHash.Entry> here) {
    Map<String, ModelHash.Entry> byName =
        tensors.stream()
            .collect(Collectors.toMap(ModelHash.Entry::name, Function.identity(), (a, b) -> a));
    List<ModelHash.Entry> expected =
        model.entries().stream()
            .map(
                entry -> {
                  ModelHash.Entry other = byName.getOrDefault(entry.name(), entry);
                  boolean sameShape = other.rows() == entry.rows() && other.cols() == entry.cols();
                  return sameShape ? other : entry;
                })
            .toList();
    return new ModelHash(model.hex(), expected).firstDifference(here);
  }

  /** For the user, such as {@code the embedding and the head are approximations in q8_0 ...}. */
  String inWords(ModelConfig config, ModelPart part) {
    boolean embedding = covers(TensorPlan.TOKEN_EMBEDDING);
    boolean layers = tensors.stream().anyMatch(entry -> entry.name().startsWith("blk."));
    boolean head = covers(TensorPlan.OUTPUT) || (config.tiedHead() && embedding);
    List<String> pieces = new ArrayList<>();
    if (embedding || covers(TensorPlan.POSITION_EMBEDDING)) {
      pieces.add("the embedding");
    }
    if (layers) {
      pieces.add(part.layers().inWords());
    }
    if (head && part.head()) {
      pieces.add("the head");
    }
    boolean one = pieces.size() == 1 && !layers;
    String last = pieces.remove(pieces.size() - 1);
    return (pieces.isEmpty() ? last : String.join(", ", pieces) + " and " + last)
        + (one ? " is an approximation in " : " are approximations in ")
        + typeName()
        + " of the model's own";
  }

  /** The type in the form that users write. */
  public String typeName() {
    return type.name().toLowerCase(Locale.ROOT);
  }
}
