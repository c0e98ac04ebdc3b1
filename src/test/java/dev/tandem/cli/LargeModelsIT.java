package dev.tandem.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.tandem.cli.JarProcess.Start;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestReporter;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/**
 * Large models, made up, converted, cut and run by processes whose memory is measured. Only in the
 * long run: they take minutes, up to 10 GB on the disk at a time, and 7 GB of memory.
 */
@Tag("long")
@Timeout(3600)
@EnabledOnOs(OS.LINUX) // which tells how much memory a process has
class LargeModelsIT {
  private static final String LARGE = "gpt2-large";
  private static final String XL = "gpt2-xl";
  private static final long GIB = 1 << 30;

  /** Of resident memory beside the weights, which are to be there once. */
  private static final long ALLOWANCE = GIB / 2;

  private static final int GUARD_SECONDS = 1800;

  @TempDir private Path folder;

  /** What a process printed, and how much memory it took. */
  private record Run(String out, long residentBytes) {
    JsonNode json() throws IOException {
      return new ObjectMapper().readTree(out);
    }
  }

  private static Run run(String jar, String... args) throws IOException, InterruptedException {
    try (JarProcess process = new Start(jar).start(args);
        ProcessMemory memory = new ProcessMemory(process.pid())) {
      CommandRun run = process.finish(GUARD_SECONDS);
      assertThat(run.code()).as(run.err()).isZero();
      return new Run(run.out(), memory.residentBytes());
    }
  }

  private static Run tandem(String... args) throws IOException, InterruptedException {
    return run(JarProcess.TANDEM, args);
  }

  private String file(String name) {
    return folder.resolve(name).toString();
  }

  private void delete(String name) throws IOException {
    try (Stream<Path> below = Files.walk(folder.resolve(name))) {
      for (Path path : below.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(path);
      }
    }
  }

  /** The others need the room. */
  @AfterEach
  void deleteAll() throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      for (Path path : files.toList()) {
        delete(path.getFileName().toString());
      }
    }
  }

  private static String megabytes(long bytes) {
    return String.format(Locale.ROOT, "%,d MB", bytes / 1_000_000);
  }

  private static JsonNode hash(String model) throws IOException, InterruptedException {
    return tandem("inspect", model, "--json", "--hash").json().get("model_hash");
  }

  private static long largestTensorBytes(String model) throws IOException, InterruptedException {
    long largest = 0;
    for (JsonNode tensor : tandem("inspect", model, "--json").json().get("tensors")) {
      largest = Math.max(largest, tensor.get("bytes").asLong());
    }
    return largest;
  }

  @Test
  void aLargeModelRunsWholeAndSplit(TestReporter reporter) throws Exception {
    String model = file("large.gguf");
    tandem("synthesize", LARGE, file("f16.gguf"), "--type", "f16");
    tandem("convert", file("f16.gguf"), model, "--type", "q8_0");
    delete("f16.gguf");
    String[] options = {"-t", "0", "-n", "16", "--ignore-eos", "--json", "-i", "Once upon a time"};
    Run whole = tandem(words(List.of("generate", "-c", model), options));
    assertThat(whole.json().get("ids")).hasSize(16);
    assertThat(whole.residentBytes()).isBetween(1L, Math.min(2 * GIB, limit("large.gguf")));

    String[] parts = {"--client", file("client.gguf"), "--server", file("server.gguf")};
    tandem(words(List.of("split", model, "--at", "18"), parts)); // of 36 blocks
    delete("large.gguf");
    Start start = new Start(JarProcess.SERVER);
    try (JarProcess server = start.start("-o", "0", "-c", file("server.gguf"));
        ProcessMemory memory = new ProcessMemory(server.pid())) {
      String port = Integer.toString(server.awaitPort());
      Run client =
          run(JarProcess.CLIENT, words(List.of("-o", port, "-c", file("client.gguf")), options));
      assertThat(client.json().get("ids")).isEqualTo(whole.json().get("ids"));
      assertThat(client.residentBytes()).isBetween(1L, limit("client.gguf"));
      assertThat(memory.residentBytes()).isBetween(1L, limit("server.gguf"));
      reporter.publishEntry(
          LARGE + " q8_0, resident memory",
          String.format(
              "whole %s, client %s, server %s",
              megabytes(whole.residentBytes()),
              megabytes(client.residentBytes()),
              megabytes(memory.residentBytes())));
    }
  }

  private long limit(String name) throws IOException {
    return Files.size(folder.resolve(name)) + ALLOWANCE;
  }

  private static String[] words(List<String> first, String... rest) {
    return Stream.concat(first.stream(), Stream.of(rest)).toArray(String[]::new);
  }

  @Test
  void anXlModelComesFromShards(TestReporter reporter) throws Exception {
    tandem("synthesize", XL, file("hf"), "--format", "hf");
    assertThat(folder.resolve("hf/model.safetensors.index.json")).exists();
    String model = file("converted.gguf");
    long largest = largestTensorBytes(file("hf"));
    Run convert = tandem("convert", file("hf"), model, "--type", "q8_0");
    assertThat(convert.residentBytes()).isBetween(1L, GIB + largest);
    reporter.publishEntry(
        XL + " from safetensors to q8_0, resident memory", megabytes(convert.residentBytes()));
    delete("hf");
    Run generate =
        tandem("generate", "-c", model, "-n", "16", "--ignore-eos", "--json", "-i", "Once upon");
    assertThat(generate.json().get("ids")).hasSize(16);
    tandem("synthesize", XL, file("direct.gguf"), "--type", "q8_0");
    assertThat(hash(model)).isNotNull().isEqualTo(hash(file("direct.gguf")));
    String other = file("other.gguf"); // the comparison sees a difference
    tandem("synthesize", "stories15M", other, "--type", "q8_0", "--seed", "2");
    assertThat(hash(model)).isNotEqualTo(hash(other));
  }

  /** Of 3.1 GB. */
  @Test
  void conversionNeedsLittleMemoryAndLeavesNothingWhenKilled(TestReporter reporter)
      throws Exception {
    String source = file("source.gguf");
    tandem("synthesize", XL, source, "--type", "f16");
    long half = Files.size(folder.resolve("source.gguf")) / 4; // of a q8_0 that is half as large
    try (JarProcess convert =
        new Start(JarProcess.TANDEM).start("convert", source, file("out.gguf"), "--type", "q8_0")) {
      while (convert.isAlive() && temporaryBytes() < half) {
        Thread.sleep(1);
      }
      convert.signal("KILL");
      assertThat(convert.finish(GUARD_SECONDS).code()).isEqualTo(128 + 9);
    }
    assertThat(folder.resolve("out.gguf")).doesNotExist();
    assertThat(temporaryBytes()).isPositive();

    Run convert = tandem("convert", source, file("out.gguf"), "--type", "q8_0");
    assertThat(temporaryBytes()).as("what the killed one left").isZero();
    long largest = largestTensorBytes(source);
    assertThat(convert.residentBytes()).isBetween(1L, GIB + largest);
    reporter.publishEntry(
        "convert " + megabytes(Files.size(folder.resolve("source.gguf"))) + " of f16 to q8_0",
        "resident memory " + megabytes(convert.residentBytes()));
  }

  private long temporaryBytes() throws IOException {
    long bytes = 0;
    try (Stream<Path> files = Files.list(folder)) {
      for (Path file : files.filter(f -> f.getFileName().toString().startsWith(".out")).toList()) {
        bytes += Files.size(file);
      }
    }
    return bytes;
  }
}
