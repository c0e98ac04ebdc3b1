package dev.tandem.api;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.ModuleExports;
import java.io.File;
import java.io.IOException;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import javax.tools.JavaCompiler;
import javax.tools.StandardJavaFileManager;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * The library's jar from outside: the programs of {@code examples/} are compiled as a module of
 * their own and run, and what the module does not export cannot be compiled against.
 */
class OutsideProjectIT {
  private static final Path EXAMPLES = Path.of("examples", "src", "main", "java");

  @TempDir private static Path classes;

  private record Compiled(boolean succeeded, String messages) {}

  /** The library's jar and the libraries that it needs. */
  private static String modulePath() throws IOException {
    Path jar;
    try (Stream<Path> files = Files.list(Path.of("target"))) {
      jar =
          files
              .filter(file -> file.getFileName().toString().matches("tandem-\\d.*\\.jar"))
              .findFirst()
              .orElseThrow();
    }
    String path =
        System.getProperty("surefire.test.class.path", System.getProperty("java.class.path"));
    String libraries =
        Stream.of(path.split(File.pathSeparator))
            .filter(entry -> entry.endsWith(".jar"))
            .collect(Collectors.joining(File.pathSeparator));
    return jar.toAbsolutePath() + File.pathSeparator + libraries;
  }

  private static Compiled compile(Path sources, Path to) throws IOException {
    JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
    List<Path> files;
    try (Stream<Path> all = Files.walk(sources)) {
      files = all.filter(file -> file.toString().endsWith(".java")).toList();
    }
    StringWriter messages = new StringWriter();
    try (StandardJavaFileManager manager =
        compiler.getStandardFileManager(null, null, StandardCharsets.UTF_8)) {
      List<String> options =
          List.of("--release", "17", "-d", to.toString(), "--module-path", modulePath());
      boolean succeeded =
          compiler
              .getTask(
                  messages,
                  manager,
                  null,
                  options,
                  null,
                  manager.getJavaFileObjectsFromPaths(files))
              .call();
      return new Compiled(succeeded, messages.toString());
    }
  }

  @BeforeAll
  static void compileExamples() throws IOException {
    Compiled compiled = compile(EXAMPLES, classes);
    assertThat(compiled.succeeded()).as(compiled.messages()).isTrue();
  }

  @ParameterizedTest
  @CsvSource({
    "FirstText, ''",
    "Streaming, 'tokens: 40'",
    "Talk, 'tokens: '",
    "Split, 'same as whole: true'",
    "Fake, 'know yourself'",
    "Quantize, 'perplexity q8_0: '"
  })
  void examplesRun(String program, String expected) throws Exception {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(List.of("--module-path", classes + File.pathSeparator + modulePath()));
    command.addAll(List.of("-m", "dev.tandem.examples/dev.tandem.examples." + program));
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor()).as(output).isZero();
    assertThat(output).contains(expected).hasSizeGreaterThan(10).doesNotContain("Exception");
  }

  /** Every package that is not exported: naming one of its types does not compile. */
  @Test
  void nothingElseIsReachable(@TempDir Path directory) throws IOException {
    TreeSet<String> closed = new TreeSet<>();
    try (Stream<Path> all = Files.walk(Path.of("src", "main", "java", "dev", "tandem"))) {
      for (Path file : all.filter(each -> each.toString().endsWith(".java")).toList()) {
        String text = Files.readString(file);
        String name = file.getFileName().toString().replace(".java", "");
        if (text.contains("\npublic ") && !name.equals("package-info")) {
          closed.add(packageOf(text) + "." + name);
        }
      }
    }
    closed.removeIf(
        type -> ModuleExports.packages().contains(type.substring(0, type.lastIndexOf('.'))));
    assertThat(closed).hasSizeGreaterThan(100);
    for (String type : List.of(closed.first(), "dev.tandem.stage.Span", closed.last())) {
      assertThat(closed).contains(type);
      Compiled compiled = compile(project(directory.resolve(type), type), directory);
      assertThat(compiled.succeeded()).as(type).isFalse();
      assertThat(compiled.messages()).contains("is not visible");
    }
    Path open = project(directory.resolve("open"), "dev.tandem.api.Tandem");
    assertThat(compile(open, directory).succeeded()).isTrue(); // so the others fail for the reason
  }

  private static String packageOf(String text) {
    return text.lines()
        .filter(line -> line.startsWith("package "))
        .findFirst()
        .map(line -> line.substring("package ".length()).replace(";", ""))
        .orElse("");
  }

  private static Path project(Path directory, String type) throws IOException {
    Path sources = Files.createDirectories(directory.resolve("outside"));
    Files.writeString(
        directory.resolve("module-info.java"), "module outside { requires dev.tandem; }");
    Files.writeString(
        sources.resolve("Uses.java"), "package outside; final class Uses { " + type + " field; }");
    return directory;
  }
}
