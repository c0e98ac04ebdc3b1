package dev.tandem.cli.measure;

import dev.tandem.cli.models.ShapeMixin;
import dev.tandem.cli.options.ArithmeticMixin;
import dev.tandem.cli.options.BackendMixin;
import dev.tandem.cli.options.TextModelMixin;
import dev.tandem.cli.terminal.EnvironmentDefaults;
import dev.tandem.cli.terminal.GeneralMixin;
import dev.tandem.cli.terminal.Usage;
import dev.tandem.cli.terminal.Version;
import dev.tandem.measure.Ablation;
import dev.tandem.measure.AblationRow;
import dev.tandem.measure.Benchmark;
import dev.tandem.measure.BenchmarkOptions;
import dev.tandem.measure.BenchmarkRow;
import dev.tandem.measure.MeasuredModel;
import dev.tandem.measure.Placement;
import dev.tandem.measure.SystemReport;
import dev.tandem.settings.EngineSettings;
import dev.tandem.settings.WeightType;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.function.UnaryOperator;
import picocli.CommandLine.Command;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;
import picocli.CommandLine.TypeConversionException;

/** {@code tandem bench}: measures a model's speed here, compared with the limit of the memory. */
@Command(
    name = "bench",
    versionProvider = Version.class,
    optionListHeading = "Measurement:",
    description = {
      "Measure a model's speed, compared with the limit of the memory.",
      "Each run is paired with a probe of the memory's read bandwidth over the same bytes; medians"
          + " and quartiles of the pairs are shown."
    })
public final class BenchCommand implements Callable<Integer> {
  private static final int ABLATION_CONTEXT = 128;

  /** The options that the ablation does not take. */
  private static final List<String> NOT_OF_ABLATION =
      List.of(
          "--type",
          "--placement",
          "--batch",
          "--gelu",
          "--kv-type",
          "--reproducible",
          "--chunk",
          "--prompt-tokens",
          BackendMixin.NAME);

  /** The options that a replay of a text does not take. */
  private static final List<String> NOT_OF_REPLAY =
      List.of("--ablate", "--context", "--batch", "--repeat");

  @Spec private CommandSpec spec;
  @Mixin private TextModelMixin model;

  @Mixin private ShapeMixin shape;

  @Option(
      names = "--type",
      split = ",",
      paramLabel = "TYPE",
      description =
          "Types to convert the model's matrices to, one after another: f32, f16, bf16, q8_0"
              + " or q4_0. Default: the model's own types, f32 for a shape")
  private List<WeightType> types = List.of();

  @Option(
      names = "--placement",
      split = ",",
      paramLabel = "NAME",
      defaultValue = "whole,k0-hidden",
      converter = PlacementConverter.class,
      completionCandidates = Placements.class,
      description =
          "Where the model runs: whole, or split between client and server in this process, over"
              + " loopback: ${COMPLETION-CANDIDATES}. Default: ${DEFAULT-VALUE}")
  private List<Placement> placements;

  @Option(
      names = "--threads",
      split = ",",
      paramLabel = "N",
      defaultValue = "0",
      description = "Numbers of threads; 0 for all cores. Default: ${DEFAULT-VALUE}")
  private List<Integer> threads;

  @Option(
      names = "--prompt-tokens",
      paramLabel = "N",
      defaultValue = "512",
      description =
          "Rows of the prompt; the model's context if that is shorter. Default: 512; for"
              + " --draft-replay half of the context")
  private int promptTokens;

  @Option(
      names = "--context",
      split = ",",
      paramLabel = "N",
      defaultValue = "16,900",
      description = "Positions before the token, cut to the model's context. Default: 16 and 900")
  private List<Integer> contexts;

  @Option(
      names = "--batch",
      split = ",",
      paramLabel = "N",
      defaultValue = "1",
      description = "Sequences decoded together. Default: ${DEFAULT-VALUE}")
  private List<Integer> batches;

  @Option(
      names = "--repeat",
      paramLabel = "N",
      defaultValue = "15",
      description = "Pairs of probe and run. Default: ${DEFAULT-VALUE}")
  private int repeat;

  @Option(
      names = "--ablate",
      fallbackValue = "true",
      description =
          "Measure instead what a KV cache, and computing only the new token, save on the f32 model;"
              + " see docs/backends.md. The context's default is then 128.")
  private boolean ablate;

  @Mixin private ReplayMixin replay;
  @Mixin private ArithmeticMixin arithmetic;
  @Mixin private BackendMixin backend;

  @Option(names = "--json", fallbackValue = "true", description = "As JSON.")
  private boolean json;

  @Mixin GeneralMixin general;

  /** Completes {@code --placement}. */
  static final class Placements implements Iterable<String> {
    @Override
    public Iterator<String> iterator() {
      return Placement.names().iterator();
    }
  }

  /** Reads {@code --placement}. */
  static final class PlacementConverter implements ITypeConverter<Placement> {
    @Override
    public Placement convert(String name) {
      try {
        return Placement.of(name);
      } catch (IllegalArgumentException e) {
        throw new TypeConversionException(String.valueOf(e.getMessage()));
      }
    }
  }

  @Override
  public Integer call() throws IOException {
    if (replay.isGiven()) {
      return replay();
    }
    refuse(ReplayMixin.ONLY_HERE, option -> option + " needs --draft-replay");
    if (ablate) {
      return ablate();
    }
    EngineSettings settings = backend.apply(arithmetic.settings(0));
    List<BenchmarkRow> rows = new ArrayList<>();
    List<SystemReport> systems = new ArrayList<>();
    if (types.isEmpty()) {
      systems.add(measure(open(Optional.empty()), settings, rows));
    }
    for (WeightType type : types) {
      systems.add(measure(open(Optional.of(type)), settings, rows));
    }
    print(json ? BenchReport.json(systems.get(0), rows) : BenchReport.table(systems.get(0), rows));
    return 0;
  }

  private int replay() throws IOException {
    refuse(NOT_OF_REPLAY, option -> "--draft-replay cannot be combined with " + option);
    if (types.size() > 1) {
      throw Usage.wrong(spec, "--type", "must be one type with --draft-replay", types);
    }
    if (threads.size() > 1) {
      throw Usage.wrong(spec, "--threads", "must be one number with --draft-replay", threads);
    }
    List<Placement> chosen = isGiven("--placement") ? placements : List.of(Placement.K0_HIDDEN);
    if (chosen.size() > 1) {
      throw Usage.wrong(spec, "--placement", "must be one name with --draft-replay", chosen);
    }
    EngineSettings settings = backend.apply(arithmetic.settings(threads.get(0)));
    try (MeasuredModel measured = open(types.stream().findFirst())) {
      int prompt = isGiven("--prompt-tokens") ? promptTokens : measured.maxSeq() / 2;
      print(replay.run(measured, settings, chosen.get(0), prompt, json));
    }
    return 0;
  }

  private void refuse(List<String> options, UnaryOperator<String> message) {
    for (String option : options) {
      if (isGiven(option)) {
        throw new ParameterException(spec.commandLine(), message.apply(option));
      }
    }
  }

  private int ablate() throws IOException {
    checkAblation();
    EngineSettings settings = arithmetic.settings(threads.get(0));
    List<AblationRow> rows = new ArrayList<>();
    try (MeasuredModel measured = open(Optional.empty())) {
      List<Integer> chosen = isGiven("--context") ? contexts : List.of(ABLATION_CONTEXT);
      BenchmarkOptions checked = options(measured, settings, chosen);
      Ablation.run(measured, settings, checked.contexts(), repeat, rows::add);
      print(
          json
              ? AblationReport.json(measured.name(), rows)
              : AblationReport.table(measured.name(), rows));
    }
    return 0;
  }

  /** Refuses options that the ablation does not take. */
  private void checkAblation() {
    refuse(NOT_OF_ABLATION, option -> "--ablate cannot be combined with " + option);
    if (threads.size() > 1) {
      throw Usage.wrong(spec, "--threads", "must be one number with --ablate", threads);
    }
  }

  private boolean isGiven(String option) {
    return spec.commandLine().getParseResult().hasMatchedOption(option)
        || EnvironmentDefaults.gives(spec, option);
  }

  private SystemReport measure(
      MeasuredModel measured, EngineSettings settings, List<BenchmarkRow> rows) {
    try (measured) {
      return Benchmark.run(measured, options(measured, settings, contexts), rows::add);
    }
  }

  private MeasuredModel open(Optional<WeightType> type) {
    return OpenModels.open(spec, shape, model.source(), type);
  }

  private BenchmarkOptions options(
      MeasuredModel measured, EngineSettings settings, List<Integer> chosenContexts) {
    int maxSeq = measured.maxSeq();
    return new BenchmarkOptions(
        settings,
        placements(),
        threads,
        Math.min(promptTokens, maxSeq),
        chosenContexts.stream().map(n -> Math.min(n, maxSeq - 1)).distinct().toList(),
        batches,
        repeat);
  }

  /** The requested placements; for a backend for whole models, the default is whole. */
  private List<Placement> placements() {
    return backend.needsWholeModel() && !isGiven("--placement")
        ? List.of(Placement.WHOLE)
        : placements;
  }

  private void print(String report) {
    spec.commandLine().getOut().println(report);
    spec.commandLine().getOut().flush();
  }
}
