package dev.tandem.cli.models;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import dev.tandem.cli.options.ConfigMixin;
import dev.tandem.cli.terminal.Console;
import dev.tandem.cli.terminal.GeneralMixin;
import dev.tandem.cli.terminal.Version;
import dev.tandem.files.ModelDescription;
import dev.tandem.files.ModelFiles;
import dev.tandem.files.TensorInfo;
import dev.tandem.measure.SystemReport;
import dev.tandem.settings.EngineSettings;
import dev.tandem.settings.KvType;
import dev.tandem.settings.ModelSource;
import dev.tandem.tokenizer.Tokenizer;
import java.io.IOException;
import java.io.PrintWriter;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code tandem inspect}: describes a model, or this machine. */
@Command(
    name = "inspect",
    versionProvider = Version.class,
    optionListHeading = "Output:",
    description = "Show a model's configuration, tokenizer, tensors and sizes; or the machine's.")
public final class InspectCommand implements Callable<Integer> {
  private static final long F32_BYTES = 4;
  private static final long MAX_UNASKED_HASH_BYTES = 1 << 30;

  @Spec private CommandSpec spec;

  @Parameters(
      arity = "0..1",
      paramLabel = "MODEL",
      defaultValue = ModelSource.DEFAULT,
      description = "A file, a directory, a built-in or a pulled model. Default: ${DEFAULT-VALUE}")
  private String model;

  @Option(
      names = "--system",
      fallbackValue = "true",
      description = "The processor, its instruction set, the BLAS and the memory bandwidth.")
  private boolean system;

  @Option(
      names = "--hash",
      fallbackValue = "true",
      description = "The model's hash, even if this reads more than 1 GiB.")
  private boolean hash;

  @Option(names = "--json", fallbackValue = "true", description = "As JSON.")
  private boolean json;

  @Mixin private ConfigMixin config;
  @Mixin GeneralMixin general;

  @Override
  public Integer call() throws IOException {
    Map<String, Object> facts = system ? systemFacts() : modelFacts();
    PrintWriter out = spec.commandLine().getOut();
    if (json) {
      out.println(
          new ObjectMapper().enable(SerializationFeature.INDENT_OUTPUT).writeValueAsString(facts));
    } else {
      facts.forEach((name, value) -> print(out, name, value));
    }
    out.flush();
    return 0;
  }

  private static Map<String, Object> systemFacts() {
    SystemReport report = SystemReport.measure(EngineSettings.defaults());
    Map<String, Object> facts = new LinkedHashMap<>();
    facts.put("cpu", report.cpu());
    facts.put("isa", report.isa());
    facts.put("threads", report.threads());
    facts.put("blas", report.blas());
    facts.put("read_gbps", rounded(report.readGbps()));
    facts.put("sgemm_gflops", rounded(report.sgemmGflops()));
    return facts;
  }

  private Map<String, Object> modelFacts() {
    Console console =
        new Console(spec.commandLine().getOut(), spec.commandLine().getErr(), general.verbose);
    try (ModelFiles files = ModelFiles.open(config.source(spec, model, Optional.empty()))) {
      files.notes().forEach(console::warn);
      ModelDescription description = files.describe();
      Map<String, Object> facts = new LinkedHashMap<>();
      facts.put("model", description.name());
      facts.put("format", description.format());
      facts.put("config", configFacts(description.config()));
      description.part().ifPresent(part -> facts.put("part", part));
      Optional<Tokenizer> tokenizer = files.tokenizer();
      if (tokenizer.isPresent()) {
        tokenizer.get().notes().forEach(console::warn);
        facts.put("tokenizer", tokenizerFacts(tokenizer.get()));
      }
      facts.put("parameters", description.parameters());
      facts.put("tensor_bytes", description.tensorBytes());
      facts.put("memory_bytes", F32_BYTES * description.parameters());
      facts.put("kv_type", lower(description.kvType()));
      Map<String, Object> kvBytes = new LinkedHashMap<>();
      description.kvBytesPerToken().forEach((type, bytes) -> kvBytes.put(lower(type), bytes));
      facts.put("kv_bytes_per_token", kvBytes);
      if (hash || description.tensorBytes() <= MAX_UNASKED_HASH_BYTES) {
        files.hash().ifPresent(hex -> facts.put("model_hash", hex));
      }
      facts.put(
          "tensors", description.tensors().stream().map(InspectCommand::tensorFacts).toList());
      return facts;
    }
  }

  private static Map<String, Object> configFacts(ModelDescription.Config config) {
    Map<String, Object> facts = new LinkedHashMap<>();
    facts.put("architecture", config.architecture());
    facts.put("nLayers", config.nLayers());
    facts.put("nHeads", config.nHeads());
    facts.put("nKvHeads", config.nKvHeads());
    facts.put("headDim", config.headDim());
    facts.put("dModel", config.dModel());
    facts.put("dFf", config.dFf());
    facts.put("vocabSize", config.vocabSize());
    facts.put("maxSeq", config.maxSeq());
    facts.put("norm", config.norm());
    facts.put("normEps", config.normEps());
    facts.put("activation", config.activation());
    facts.put("gatedFfn", config.gatedFfn());
    facts.put("bias", config.bias());
    facts.put("rope", config.rope());
    facts.put("ropeTheta", config.ropeTheta());
    facts.put("ropeFactors", config.ropeFactors());
    facts.put("tiedHead", config.tiedHead());
    return facts;
  }

  private static Map<String, Object> tokenizerFacts(Tokenizer tokenizer) {
    Map<String, Object> facts = new LinkedHashMap<>();
    facts.put("kind", tokenizer.kind());
    facts.put("vocabSize", tokenizer.vocabSize());
    tokenizer.bosId().ifPresent(id -> facts.put("bosId", id));
    facts.put("stopIds", tokenizer.stopIds().stream().sorted().toList());
    return facts;
  }

  private static Map<String, Object> tensorFacts(TensorInfo tensor) {
    Map<String, Object> facts = new LinkedHashMap<>();
    facts.put("name", tensor.name());
    facts.put("type", tensor.type());
    facts.put("rows", tensor.rows());
    facts.put("cols", tensor.cols());
    facts.put("bytes", tensor.bytes());
    return facts;
  }

  private static String lower(KvType type) {
    return type.name().toLowerCase(Locale.ROOT);
  }

  private static double rounded(double value) {
    return Math.round(10 * value) / 10.0;
  }

  private static void print(PrintWriter out, String name, Object value) {
    if (value instanceof Map<?, ?> group) {
      out.println(name + ":");
      group.forEach((key, inner) -> out.printf(Locale.ROOT, "  %-12s %s%n", key, grouped(inner)));
    } else if (value instanceof List<?> rows) {
      out.println(name + ":");
      for (Object row : rows) {
        Map<?, ?> tensor = (Map<?, ?>) row;
        out.printf(
            Locale.ROOT,
            "  %-28s %-5s [%s, %s]  %s B%n",
            tensor.get("name"),
            tensor.get("type"),
            tensor.get("rows"),
            tensor.get("cols"),
            grouped(Objects.requireNonNull(tensor.get("bytes"))));
      }
    } else {
      out.printf(Locale.ROOT, "%-20s %s%n", name, grouped(value));
    }
  }

  /** A long with commas between thousands; anything else as it is. */
  private static Object grouped(Object value) {
    return value instanceof Long number ? String.format(Locale.ROOT, "%,d", number) : value;
  }
}
