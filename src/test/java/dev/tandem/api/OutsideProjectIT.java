package dev.tandem.api;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.ModuleExports;
import dev.tandem.cli.Main;
import java.io.File;
import java.io.IOException;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import javax.tools.JavaCompiler;
import javax.tools.StandardJavaFileManager;
import javax.tools.ToolProvider;
import javax.xml.parsers.DocumentBuilderFactory;
import javax.xml.xpath.XPathFactory;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.w3c.dom.Document;
import picocli.CommandLine.Command;

/**
 * The library's jar from outside: the programs of {@code examples/} are compiled as a module of
 * their own and run, the command line runs as a module, and what the module does not export cannot
 * be compiled against.
 */
class OutsideProjectIT {
  private static final String MAIN = "dev.tandem/dev.tandem.cli.Main";
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
    String output =
        java(
            classes + File.pathSeparator + modulePath(),
            "dev.tandem.examples/dev.tandem.examples." + program);
    assertThat(output).contains(expected).hasSizeGreaterThan(10).doesNotContain("Exception");
  }

  /** The command line, whose classes picocli fills: it needs each of their packages open. */
  @Test
  void commandsRunAsAModule() throws Exception {
    for (Class<?> command : Main.class.getAnnotation(Command.class).subcommands()) {
      String name = command.getAnnotation(Command.class).name();
      assertThat(java(modulePath(), MAIN, name, "--help")).contains("Usage: tandem " + name);
    }
    assertThat(java(modulePath(), MAIN, "tokenize", "ROMEO:")).contains("858  'ROMEO'");
  }

  private static String java(String modulePath, String main, String... args) throws Exception {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(List.of("--module-path", modulePath, "-m", main));
    command.addAll(List.of(args));
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor()).as(output).isZero();
    return output;
  }

  @Test
  void theExamplesUseThisVersion() throws Exception {
    String version = text(Path.of("pom.xml"), "/project/version");
    Path examples = Path.of("examples", "pom.xml");
    assertThat(text(examples, "/project/version")).isNotEmpty().isEqualTo(version);
    assertThat(text(examples, "/project/dependencies/dependency[artifactId='tandem']/version"))
        .isEqualTo(version);
  }

  private static String text(Path pom, String xpath) throws Exception {
    Document document =
        DocumentBuilderFactory.newInstance().newDocumentBuilder().parse(pom.toFile());
    return XPathFactory.newInstance().newXPath().evaluate(xpath, document);
  }

  /** No public type of a package that is not exported can be named outside. */
  @Test
  void nothingElseIsReachable(@TempDir Path directory) throws IOException {
    TreeMap<String, String> closed = new TreeMap<>();
    try (Stream<Path> all = Files.walk(Path.of("src", "main", "java", "dev", "tandem"))) {
      for (Path file : all.filter(each -> each.toString().endsWith(".java")).toList()) {
        String text = Files.readString(file);
        String name = file.getFileName().toString().replace(".java", "");
        if (text.contains("\npublic ") && !name.equals("package-info")) {
          closed.put(packageOf(text), name);
        }
      }
    }
    closed.keySet().removeAll(ModuleExports.packages());
    assertThat(closed).hasSizeGreaterThan(30).containsKey("dev.tandem.stage");
    List<String> types = new ArrayList<>();
    closed.forEach((place, name) -> types.add(place + "." + name));
    Compiled compiled = compile(project(directory.resolve("closed"), types), directory);
    assertThat(compiled.succeeded()).isFalse();
    for (String place : closed.keySet()) {
      assertThat(compiled.messages()).contains("package " + place + " is not visible");
    }
    Path open = project(directory.resolve("open"), List.of("dev.tandem.api.Tandem"));
    assertThat(compile(open, directory).succeeded()).isTrue(); // so the others fail for the reason
  }

  private static String packageOf(String text) {
    return text.lines()
        .filter(line -> line.startsWith("package "))
        .findFirst()
        .map(line -> line.substring("package ".length()).replace(";", ""))
        .orElse("");
  }

  private static Path project(Path directory, List<String> types) throws IOException {
    Path sources = Files.createDirectories(directory.resolve("outside"));
    Files.writeString(
        directory.resolve("module-info.java"), "module outside { requires dev.tandem; }");
    StringBuilder fields = new StringBuilder();
    types.forEach(
        type -> fields.append(type).append(" field").append(fields.length()).append("; "));
    Files.writeString(
        sources.resolve("Uses.java"), "package outside; final class Uses { " + fields + "}");
    return directory;
  }
}
