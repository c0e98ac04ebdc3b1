package dev.tandem.cli.terminal;

import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Locale;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import picocli.CommandLine;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Model.ArgSpec;
import picocli.CommandLine.TypeConversionException;

/** Reads the values of options, and words the errors for wrong ones. */
public final class Values {
  private Values() {}

  /** Registers the converters for a command and its subcommands. */
  static void apply(CommandLine line) {
    // Each is made once: JDK 17 crashes when it archives equal lambdas of picocli's old classes.
    ITypeConverter<Integer> ints = Values::toInt;
    ITypeConverter<Long> longs = Values::toLong;
    ITypeConverter<Double> doubles = Values::toDouble;
    line.registerConverter(int.class, ints);
    line.registerConverter(Integer.class, ints);
    line.registerConverter(long.class, longs);
    line.registerConverter(Long.class, longs);
    line.registerConverter(double.class, doubles);
    line.registerConverter(Double.class, doubles);
    line.registerConverter(Path.class, Values::toPath);
    line.registerConverter(MemorySize.class, MemorySize::of);
    enums(line).distinct().forEach(type -> register(line, type));
  }

  private static Stream<Class<?>> enums(CommandLine line) {
    return Stream.concat(
        line.getCommandSpec().args().stream()
            .map(ArgSpec::typeInfo)
            .flatMap(type -> Stream.concat(Stream.of(type), type.getAuxiliaryTypeInfos().stream()))
            .filter(CommandLine.Model.ITypeInfo::isEnum)
            .<Class<?>>map(CommandLine.Model.ITypeInfo::getType),
        line.getSubcommands().values().stream().flatMap(Values::enums));
  }

  private static <T> void register(CommandLine line, Class<T> type) {
    line.registerConverter(type, written -> choice(type, written));
  }

  /** One of an enum's names, in upper or lower case. */
  private static <T> T choice(Class<T> type, String written) {
    T[] constants = type.getEnumConstants();
    return Arrays.stream(constants)
        .filter(constant -> ((Enum<?>) constant).name().equalsIgnoreCase(written))
        .findFirst()
        .orElseThrow(
            () ->
                new TypeConversionException(
                    Arrays.stream(constants)
                        .map(constant -> ((Enum<?>) constant).name().toLowerCase(Locale.ROOT))
                        .collect(
                            Collectors.joining(
                                ", ", "expected one of [", "] but was '" + written + "'"))));
  }

  /** A whole number. */
  public static int toInt(String written) {
    return number(written, Integer::parseInt, "is not a whole number, or too large");
  }

  private static long toLong(String written) {
    return number(written, Long::parseLong, "is not a whole number, or too large");
  }

  /** A number. */
  public static double toDouble(String written) {
    return number(written, Double::parseDouble, "is not a number");
  }

  private static <T> T number(String written, Function<String, T> reader, String problem) {
    try {
      return reader.apply(written);
    } catch (NumberFormatException e) {
      throw new TypeConversionException("'" + written + "' " + problem);
    }
  }

  private static Path toPath(String written) {
    try {
      return Path.of(written);
    } catch (InvalidPathException e) {
      throw new TypeConversionException(Messages.of(e));
    }
  }
}
