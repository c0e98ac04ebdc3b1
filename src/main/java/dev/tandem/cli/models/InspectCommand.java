package dev.tandem.cli.models;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import dev.tandem.cli.options.ConfigMixin;
import dev.tandem.cli.terminal.Console;
import dev.tandem.cli.terminal.GeneralMixin;
import dev.tandem.cli.terminal.Version;
import dev.tandem.formats.Checkpoints;
import dev.tandem.measure.SystemReport;
import dev.tandem.model.Checkpoint;
import dev.tandem.model.ModelConfig;
import dev.tandem.runtime.Models;
import dev.tandem.settings.EngineSettings;
import dev.tandem.settings.KvType;
import dev.tandem.settings.LoadListener;
import dev.tandem.tensor.Tensor;
import dev.tandem.tokenizer.Tokenizer;
import java.io.IOException;
import java.io.PrintWriter;
import java.util.ArrayList;
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
      defaultValue = Checkpoints.DEFAULT,
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

  private Map<String, Object> modelFacts() throws IOException {
    Console console =
        new Console(spec.commandLine().getOut(), spec.commandLine().getErr(), general.verbose);
    try (Checkpoint checkpoint =
        Models.open(config.source(spec, model, Optional.empty()), LoadListener.NONE)) {
      checkpoint.notes().forEach(console::warn);
      ModelConfig config = checkpoint.config();
      Map<String, Object> facts = new LinkedHashMap<>();
      facts.put("model", checkpoint.name());
      facts.put("format", checkpoint.format());
      facts.put("config", configFacts(config));
      if (!checkpoint.isWhole()) {
        facts.put("part", checkpoint.part().toString());
      }
      if (checkpoint.part().embedding()) {
        checkpoint.tokenizer().notes().forEach(console::warn);
        facts.put("tokenizer", tokenizerFacts(checkpoint.tokenizer()));
      }
      facts.put("parameters", checkpoint.parameterCount());
      facts.put("tensor_bytes", checkpoint.tensorBytes());
      facts.put("memory_bytes", F32_BYTES * checkpoint.parameterCount());
      facts.put("kv_type", lower(checkpoint.defaultKvType()));
      facts.put("kv_bytes_per_token", kvBytesPerToken(checkpoint));
      if (checkpoint.knowsHash() && (hash || checkpoint.tensorBytes() <= MAX_UNASKED_HASH_BYTES)) {
        facts.put("model_hash", checkpoint.hash().hex());
      }
      List<Map<String, Object>> tensors = new ArrayList<>();
      checkpoint.tensors().values().forEach(tensor -> tensors.add(tensorFacts(tensor)));
      facts.put("tensors", tensors);
      return facts;
    }
  }

  private static Map<String, Object> configFacts(ModelConfig config) {
    Map<String, Object> facts = new LinkedHashMap<>();
    facts.put("architecture", config.architecture().toString());
    facts.put("nLayers", config.nLayers());
    facts.put("nHeads", config.nHeads());
    facts.put("nKvHeads", config.nKvHeads());
    facts.put("headDim", config.headDim());
    facts.put("dModel", config.dModel());
    facts.put("dFf", config.dFf());
    facts.put("vocabSize", config.vocabSize());
    facts.put("maxSeq", config.maxSeq());
    facts.put("norm", config.norm().name().toLowerCase(Locale.ROOT));
    facts.put("normEps", config.normEps());
    facts.put("activation", config.activation().name().toLowerCase(Locale.ROOT));
    facts.put("gatedFfn", config.gatedFfn());
    facts.put("bias", config.bias().name().toLowerCase(Locale.ROOT));
    facts.put("rope", config.rope().name().toLowerCase(Locale.ROOT));
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

  private static Map<String, Object> tensorFacts(Tensor tensor) {
    Map<String, Object> facts = new LinkedHashMap<>();
    facts.put("name", tensor.name());
    facts.put("type", tensor.dtype().name().toLowerCase(Locale.ROOT));
    facts.put("rows", tensor.rows());
    facts.put("cols", tensor.cols());
    facts.put("bytes", tensor.bytes());
    return facts;
  }

  /** The bytes of a token in a KV cache, for the layers that the checkpoint holds. */
  private static Map<String, Object> kvBytesPerToken(Checkpoint checkpoint) {
    ModelConfig config = checkpoint.config();
    int layers = checkpoint.part().layers().nLayers();
    Map<String, Object> bytes = new LinkedHashMap<>();
    for (KvType type : KvType.values()) {
      bytes.put(lower(type), 2L * layers * config.nKvHeads() * type.rowBytes(config.headDim()));
    }
    return bytes;
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
