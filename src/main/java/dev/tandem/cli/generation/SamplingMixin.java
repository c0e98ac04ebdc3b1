package dev.tandem.cli.generation;

import dev.tandem.cli.terminal.Values;
import dev.tandem.settings.SamplingOptions;
import dev.tandem.settings.SamplingOptions.Rng;
import java.security.SecureRandom;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import picocli.CommandLine.Command;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Option;
import picocli.CommandLine.TypeConversionException;

/** The options of sampling. */
@Command(optionListHeading = "Sampling:")
final class SamplingMixin {
  @Option(
      names = {"-t", "--temperature"},
      paramLabel = "T",
      defaultValue = "1.0",
      description =
          "Values below 1 favour likely tokens; 0 takes the best one. Default: ${DEFAULT-VALUE}")
  private double temperature;

  @Option(
      names = {"-p", "--top-p"},
      paramLabel = "P",
      defaultValue = "0.9",
      description =
          "Keep the best tokens that together have this probability. Default: ${DEFAULT-VALUE}")
  private double topP;

  @Option(
      names = "--top-k",
      paramLabel = "K",
      defaultValue = "0",
      description = "Keep this many tokens; 0 keeps all. Default: ${DEFAULT-VALUE}")
  private int topK;

  @Option(
      names = "--min-p",
      paramLabel = "P",
      defaultValue = "0",
      description =
          "Keep tokens with this share of the best one's probability. Default: ${DEFAULT-VALUE}")
  private double minP;

  @Option(
      names = "--repeat-penalty",
      paramLabel = "R",
      defaultValue = "1",
      description =
          "Divide positive logits of earlier tokens by this; 1 is off. Default: ${DEFAULT-VALUE}")
  private double repeatPenalty;

  @Option(
      names = "--presence-penalty",
      paramLabel = "R",
      defaultValue = "0",
      description = "Subtract this from the logits of generated tokens. Default: ${DEFAULT-VALUE}")
  private double presencePenalty;

  @Option(
      names = "--frequency-penalty",
      paramLabel = "R",
      defaultValue = "0",
      description =
          "Subtract this for every occurrence of a generated token. Default: ${DEFAULT-VALUE}")
  private double frequencyPenalty;

  @Option(
      names = "--logit-bias",
      paramLabel = "ID=BIAS",
      converter = Bias.Converter.class,
      description = "Add to a token's logit; -Infinity forbids it. Repeatable. Default: none")
  private List<Bias> logitBias = List.of();

  @Option(
      names = {"-s", "--seed"},
      paramLabel = "N",
      description = "Seed of the random numbers. Default: a random one, which is printed")
  private Optional<Long> seed = Optional.empty();

  @Option(
      names = "--rng",
      paramLabel = "philox|llama2c",
      defaultValue = "philox",
      description = "Random numbers; llama2c draws as llama2.c does. Default: ${DEFAULT-VALUE}")
  private Rng rng;

  /** What is added to one token's logit. */
  private record Bias(int id, double bias) {
    static final class Converter implements ITypeConverter<Bias> {
      @Override
      public Bias convert(String written) {
        int equals = written.indexOf('=');
        if (equals < 0) {
          throw new TypeConversionException(
              "'" + written + "' is not ID=BIAS, such as 15=-2.5 or 15=-Infinity");
        }
        return new Bias(
            Values.toInt(written.substring(0, equals)),
            Values.toDouble(written.substring(equals + 1)));
      }
    }
  }

  /**
   * The options, with a random seed if none was given.
   *
   * @throws IllegalArgumentException naming the value that is out of range
   */
  SamplingOptions options() {
    Map<Integer, Double> biases = new LinkedHashMap<>();
    logitBias.forEach(one -> biases.put(one.id(), one.bias()));
    return SamplingOptions.builder()
        .temperature(temperature)
        .topP(topP)
        .topK(topK)
        .minP(minP)
        .repeatPenalty(repeatPenalty)
        .presencePenalty(presencePenalty)
        .frequencyPenalty(frequencyPenalty)
        .logitBias(biases)
        .rng(rng)
        .seed(seed.orElseGet(() -> new SecureRandom().nextLong() >>> 1))
        .build();
  }
}
