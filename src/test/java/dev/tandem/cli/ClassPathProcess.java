package dev.tandem.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** A process of its own that runs {@code tandem} from the class path, to its end. */
final class ClassPathProcess {
  private final Path folder;
  private final Map<String, String> environment = new HashMap<>();
  private List<String> before = List.of();
  private List<String> javaOptions = List.of();
  private String classPath = System.getProperty("java.class.path");

  /**
   * @param folder for what it writes
   */
  ClassPathProcess(Path folder) {
    this.folder = folder;
  }

  /** Words before {@code java}, such as {@code bash -c SCRIPT}. */
  ClassPathProcess before(List<String> words) {
    before = List.copyOf(words);
    return this;
  }

  ClassPathProcess javaOptions(List<String> options) {
    javaOptions = List.copyOf(options);
    return this;
  }

  ClassPathProcess classPath(String path) {
    classPath = path;
    return this;
  }

  ClassPathProcess environment(String name, String value) {
    environment.put(name, value);
    return this;
  }

  CommandRun run(String... args) throws IOException, InterruptedException {
    List<String> command = new ArrayList<>(before);
    command.add(JavaHomes.program(JavaHomes.running()).toString());
    command.addAll(JarProcess.FAST_START);
    command.add("--enable-native-access=ALL-UNNAMED"); // as the manifests of the jars say
    command.addAll(javaOptions);
    command.addAll(List.of("-cp", classPath, "dev.tandem.cli.Main"));
    command.addAll(List.of(args));
    Path out = folder.resolve("out");
    Path err = folder.resolve("err");
    ProcessBuilder builder =
        new ProcessBuilder(command)
            .redirectInput(Path.of("/dev/null").toFile())
            .redirectOutput(out.toFile())
            .redirectError(err.toFile());
    builder.environment().putAll(environment);
    int code = builder.start().waitFor();
    return new CommandRun(code, Files.readString(out), Files.readString(err));
  }
}
