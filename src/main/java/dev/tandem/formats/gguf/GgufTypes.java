package dev.tandem.formats.gguf;

import dev.tandem.tensor.DType;
import java.util.EnumMap;
import java.util.Map;
import java.util.Optional;

/** The numbers of element types in GGUF files. Source: ggml's list of types. */
final class GgufTypes {
  private static final Map<DType, Integer> NUMBERS = new EnumMap<>(DType.class);

  static {
    NUMBERS.put(DType.F32, 0);
    NUMBERS.put(DType.F16, 1);
    NUMBERS.put(DType.Q4_0, 2);
    NUMBERS.put(DType.Q4_1, 3);
    NUMBERS.put(DType.Q5_0, 6);
    NUMBERS.put(DType.Q5_1, 7);
    NUMBERS.put(DType.Q8_0, 8);
    NUMBERS.put(DType.Q4_K, 12);
    NUMBERS.put(DType.Q5_K, 13);
    NUMBERS.put(DType.Q6_K, 14);
    NUMBERS.put(DType.IQ4_NL, 20);
    NUMBERS.put(DType.BF16, 30);
  }

  /** Names of types that are not supported, for messages. */
  private static final Map<Integer, String> OTHERS =
      Map.ofEntries(
          Map.entry(4, "Q4_2"),
          Map.entry(5, "Q4_3"),
          Map.entry(9, "Q8_1"),
          Map.entry(10, "Q2_K"),
          Map.entry(11, "Q3_K"),
          Map.entry(15, "Q8_K"),
          Map.entry(16, "IQ2_XXS"),
          Map.entry(17, "IQ2_XS"),
          Map.entry(18, "IQ3_XXS"),
          Map.entry(19, "IQ1_S"),
          Map.entry(21, "IQ3_S"),
          Map.entry(22, "IQ2_S"),
          Map.entry(23, "IQ4_XS"),
          Map.entry(24, "I8"),
          Map.entry(25, "I16"),
          Map.entry(26, "I32"),
          Map.entry(27, "I64"),
          Map.entry(28, "F64"),
          Map.entry(29, "IQ1_M"),
          Map.entry(34, "TQ1_0"),
          Map.entry(35, "TQ2_0"),
          Map.entry(39, "MXFP4"));

  private GgufTypes() {}

  /** The number of a type. */
  static int number(DType dtype) {
    Integer number = NUMBERS.get(dtype);
    if (number == null) {
      throw new IllegalStateException(dtype + " has no number");
    }
    return number;
  }

  /** The type of a number, if it is supported. */
  static Optional<DType> of(int number) {
    return NUMBERS.entrySet().stream()
        .filter(entry -> entry.getValue() == number)
        .map(Map.Entry::getKey)
        .findFirst();
  }

  /** The name of a type's number, supported or not. */
  static String name(int number) {
    return of(number)
        .map(DType::name)
        .orElseGet(() -> OTHERS.getOrDefault(number, "type " + Integer.toUnsignedString(number)));
  }
}
