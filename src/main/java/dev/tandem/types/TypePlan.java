package dev.tandem.types;

import dev.tandem.model.Checkpoint;
import dev.tandem.model.TensorPlan;
import dev.tandem.tensor.DType;
import dev.tandem.tensor.Tensor;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * The type of each tensor of a model when it is written:
 *
 * <ul>
 *   <li>Vectors (gains, biases, RoPE factors) are f32: llama.cpp adds and multiplies them as f32
 *       only, and the model hash counts them so.
 *   <li>Linear layers get the requested type if their rows are whole blocks of it, otherwise f16.
 *   <li>The token embedding and the head also get the requested type, but never less than q8_0,
 *       because errors of the head go directly into the logits (llama.cpp's own quantiser keeps six
 *       bits there).
 *   <li>The position embedding is never quantised: it is small, it is added to every row, and
 *       llama.cpp's quantiser does not quantise it, either.
 *   <li>Without a requested type, each tensor keeps its own if the format can hold it. Otherwise it
 *       becomes f32, which can hold the values of all other types.
 * </ul>
 */
public final class TypePlan {

  /**
   * The decision for one tensor.
   *
   * @param tensor the tensor before the conversion
   * @param type the type after the conversion
   * @param reason the reason if it is not the requested type; empty if it is
   */
  public record Choice(Tensor tensor, DType type, String reason) {

    /** Whether this is a matrix that gets another type; vectors count as f32 in any case. */
    public boolean changes() {
      return tensor.rows() > 1 && type != tensor.dtype();
    }

    /** The bytes of the tensor after the conversion. */
    public long bytes() {
      return type.bytes(tensor.elements());
    }
  }

  private final Map<String, Choice> choices = new LinkedHashMap<>();

  private TypePlan() {}

  /**
   * Decides the types of all tensors of a model.
   *
   * @param wanted the type to convert to; empty keeps each tensor's own
   * @param formatTypes the types that the format can hold
   * @throws IllegalArgumentException if the format cannot hold the requested type
   */
  public static TypePlan of(Checkpoint checkpoint, Optional<DType> wanted, Set<DType> formatTypes) {
    if (wanted.isPresent() && !formatTypes.contains(wanted.get())) {
      throw new IllegalArgumentException(
          "the format holds " + names(formatTypes) + ", not " + name(wanted.get()));
    }
    TypePlan plan = new TypePlan();
    for (Tensor tensor : checkpoint.tensors().values()) {
      Choice choice =
          wanted.isPresent() ? converted(tensor, wanted.get()) : kept(tensor, formatTypes);
      plan.choices.put(tensor.name(), choice);
    }
    return plan;
  }

  /**
   * As {@link #of}, but each tensor whose type has no more bits than it would get keeps its own.
   */
  public static TypePlan smaller(Checkpoint checkpoint, DType wanted) {
    TypePlan plan = new TypePlan();
    Set<DType> all = EnumSet.allOf(DType.class);
    for (Tensor tensor : checkpoint.tensors().values()) {
      Choice choice = converted(tensor, wanted);
      boolean isSmaller = choice.bytes() < tensor.bytes();
      plan.choices.put(tensor.name(), isSmaller ? choice : kept(tensor, all));
    }
    return plan;
  }

  private static Choice kept(Tensor tensor, Set<DType> formatTypes) {
    if (isVector(tensor)) {
      return new Choice(tensor, DType.F32, "vectors are f32");
    }
    return formatTypes.contains(tensor.dtype())
        ? new Choice(tensor, tensor.dtype(), "")
        : new Choice(tensor, DType.F32, "the format has no " + name(tensor.dtype()));
  }

  private static Choice converted(Tensor tensor, DType wanted) {
    if (isVector(tensor)) {
      return new Choice(tensor, DType.F32, wanted == DType.F32 ? "" : "vectors are f32");
    }
    if (wanted.isQuantized() && tensor.name().equals(TensorPlan.POSITION_EMBEDDING)) {
      DType type = tensor.dtype().isQuantized() ? DType.F16 : tensor.dtype();
      return new Choice(tensor, type, "positions are not quantised");
    }
    if (tensor.cols() % wanted.blockElements() != 0) {
      return new Choice(
          tensor,
          DType.F16,
          "rows of " + tensor.cols() + " are not whole blocks of " + wanted.blockElements());
    }
    boolean makesLogits =
        tensor.name().equals(TensorPlan.TOKEN_EMBEDDING) || tensor.name().equals(TensorPlan.OUTPUT);
    return wanted == DType.Q4_0 && makesLogits
        ? new Choice(tensor, DType.Q8_0, "it makes the logits")
        : new Choice(tensor, wanted, "");
  }

  private static boolean isVector(Tensor tensor) {
    return tensor.rows() == 1;
  }

  /**
   * The type of a tensor after the conversion.
   *
   * @throws IllegalArgumentException if the model has no such tensor
   */
  public DType type(String tensor) {
    Choice choice = choices.get(tensor);
    if (choice == null) {
      throw new IllegalArgumentException("no tensor " + tensor);
    }
    return choice.type();
  }

  /** All choices, in canonical order. */
  public List<Choice> choices() {
    return List.copyOf(choices.values());
  }

  /** Bytes of all tensors as they will be written. */
  public long bytes() {
    return choices.values().stream().mapToLong(Choice::bytes).sum();
  }

  /** A type in the form that users write. */
  public static String name(DType type) {
    return type.name().toLowerCase(Locale.ROOT);
  }

  private static String names(Set<DType> types) {
    return types.stream().sorted().map(TypePlan::name).reduce((a, b) -> a + ", " + b).orElse("");
  }
}
