package dev.tandem.peers;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.tandem.measure.Quartiles;
import dev.tandem.tensor.DType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * Measures Tandem and other engines in turn, round after round, on one random model. A cell's ratio
 * is that of a round's two times, because on a shared machine the memory's bandwidth changes from
 * minute to minute.
 */
@Command(name = "peers", mixinStandardHelpOptions = true, description = "Tandem beside others.")
final class PeerComparison implements Callable<Integer> {
  private static final int THE = 262; // GPT-2's " the": a prompt of many is as long in each engine
  private static final int WARM_UP = 2;

  @Option(names = "--shape", defaultValue = "gpt2", description = "Default: gpt2")
  private String shape;

  @Option(names = "--rounds", defaultValue = "15", description = "Default: 15")
  private int rounds;

  @Option(names = "--threads", defaultValue = "2", description = "Default: 2")
  private int threads;

  @Option(
      names = "--types",
      split = ",",
      defaultValue = "f32,f16,bf16,q8_0,q4_0",
      description = "Default: all")
  private List<String> types;

  @Option(names = "--jlama-java", description = "Home of a Java 21 or newer, for Jlama.")
  private Optional<Path> jlamaJava;

  @Option(names = "--jlama-libs", description = "Folder of Jlama's jars.")
  private Optional<Path> jlamaLibs;

  @Option(names = "--jlama-source", description = "JlamaContestant.java.")
  private Optional<Path> jlamaSource;

  @Option(names = "--work", required = true, description = "Folder for models and logs.")
  private Path work;

  @Option(names = "--json", description = "Also writes the cells there.")
  private Optional<Path> json;

  /** What is measured: generating after a prompt of so many tokens. */
  private enum Measure {
    DECODE_16(16, 64),
    DECODE_900(900, 32),
    PROMPT_512(512, 0);

    final int promptTokens;
    final int decodeTokens;

    Measure(int promptTokens, int decodeTokens) {
      this.promptTokens = promptTokens;
      this.decodeTokens = decodeTokens;
    }

    /** ms per generated token, or of the whole prompt. */
    double millis(PeerProcess process) throws IOException {
      long first = process.generateNanos(THE, promptTokens, 1);
      if (decodeTokens == 0) {
        return first / 1e6;
      }
      long all = process.generateNanos(THE, promptTokens, 1 + decodeTokens);
      return (all - first) / 1e6 / decodeTokens;
    }
  }

  /**
   * One measure of one engine.
   *
   * @param ratio of its time and ours in the same round: above 1 we are faster
   */
  record Cell(String type, String engine, String measure, Quartiles millis, Quartiles ratio) {}

  @Override
  public Integer call() throws IOException {
    Files.createDirectories(work);
    PeerModels models = new PeerModels(shape, work);
    List<Cell> cells = new ArrayList<>();
    for (String name : types) {
      DType type = DType.valueOf(name.toUpperCase(Locale.ROOT));
      List<PeerProcess> processes = new ArrayList<>();
      try {
        start(processes, models, type);
        cells.addAll(measure(name, processes));
      } finally {
        processes.forEach(PeerProcess::close);
      }
    }
    print(cells);
    if (json.isPresent()) {
      new ObjectMapper().writerWithDefaultPrettyPrinter().writeValue(json.get().toFile(), cells);
    }
    return 0;
  }

  /** Ours is the first. */
  private void start(List<PeerProcess> processes, PeerModels models, DType type)
      throws IOException {
    String file = models.gguf(type).toString();
    processes.add(start("tandem", TandemContestant.class, file));
    processes.add(start("llama.cpp", LlamaCppContestant.class, file));
    Optional<String> activations = jlamaActivations(type);
    if (jlamaJava.isPresent() && activations.isPresent()) {
      processes.add(startJlama(models.huggingFace().toString(), type, activations.get()));
    }
  }

  /** What Jlama computes with where it has weights of that type. */
  private static Optional<String> jlamaActivations(DType type) {
    return switch (type) {
      case F32 -> Optional.of("F32");
      case Q4_0 -> Optional.of("I8");
      default -> Optional.empty();
    };
  }

  private PeerProcess start(String name, Class<?> main, String file) throws IOException {
    return new PeerProcess(
        name,
        List.of(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-cp",
            System.getProperty("java.class.path"),
            main.getName(),
            file,
            Integer.toString(threads)),
        work.resolve(name + ".log"));
  }

  private PeerProcess startJlama(String directory, DType type, String activations)
      throws IOException {
    String classes =
        Path.of(Contestant.class.getProtectionDomain().getCodeSource().getLocation().getPath())
            .toString();
    List<String> command =
        List.of(
            jlamaJava.orElseThrow().resolve("bin/java").toString(),
            "--add-modules=jdk.incubator.vector",
            "--enable-native-access=ALL-UNNAMED",
            "-cp",
            jlamaLibs.orElseThrow() + "/*:" + classes,
            jlamaSource.orElseThrow().toString(),
            directory,
            Integer.toString(threads),
            activations,
            type == DType.F32 ? "F32" : "Q4");
    return new PeerProcess("jlama", command, work.resolve("jlama.log"));
  }

  private List<Cell> measure(String type, List<PeerProcess> processes) throws IOException {
    List<Cell> cells = new ArrayList<>();
    for (Measure measure : Measure.values()) {
      double[][] millis = new double[processes.size()][rounds];
      for (int round = -WARM_UP; round < rounds; round++) {
        for (int i = 0; i < millis.length; i++) {
          double ms = measure.millis(processes.get(i));
          if (round >= 0) {
            millis[i][round] = ms;
          }
        }
      }
      for (int i = 0; i < millis.length; i++) {
        cells.add(
            new Cell(
                type,
                processes.get(i).name(),
                measure.name().toLowerCase(Locale.ROOT),
                Quartiles.of(millis[i]),
                ratios(millis[i], millis[0])));
      }
    }
    return cells;
  }

  private static Quartiles ratios(double[] theirs, double[] ours) {
    double[] ratios = new double[ours.length];
    for (int i = 0; i < ratios.length; i++) {
      ratios[i] = theirs[i] / ours[i];
    }
    return Quartiles.of(ratios);
  }

  private static void print(List<Cell> cells) {
    System.out.println(
        "| weights | measure | engine | ms: median | times ours: median (quartiles) |");
    System.out.println("|---|---|---|---|---|");
    for (Cell c : cells) {
      System.out.printf(
          Locale.ROOT,
          "| %s | %s | %s | %.2f | %.2f (%.2f-%.2f) |%n",
          c.type(),
          c.measure(),
          c.engine(),
          c.millis().median(),
          c.ratio().median(),
          c.ratio().lower(),
          c.ratio().upper());
    }
  }

  /** See {@code scripts/peers --help}. */
  public static void main(String[] args) {
    System.exit(new CommandLine(new PeerComparison()).execute(args));
  }
}
