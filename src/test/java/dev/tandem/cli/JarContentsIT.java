package dev.tandem.cli;

import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.Dependency;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.jar.JarFile;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The client's and the server's jar hold their packages, and all that their programs use. */
class JarContentsIT {
  private static final String PRODUCT = "dev.tandem.";
  private static final String SUFFIX = ".class";

  /** Rooms that both programs need. The rooms below a room belong to it. */
  private static final Set<String> SHARED =
      Set.of(
          "api",
          "cli.generation",
          "cli.options",
          "cli.terminal",
          "client",
          "decoding",
          "directory",
          "endpoints",
          "engine",
          "formats",
          "generation",
          "hub",
          "json",
          "model",
          "plain",
          "protocol",
          "runtime",
          "sampling",
          "scheduler",
          "settings",
          "stage",
          "tensor",
          "tokenizer",
          "types");

  private static final Jar SERVER =
      new Jar(
          JarProcess.SERVER,
          "dev.tandem.cli.server.ServerMain",
          withShared("cli.server", "hosting", "server"),
          Set.of());

  /** What the server's program finds by a service loader. */
  private static final String HOSTING = "dev.tandem.hosting.ServerHosting";

  private static final Jar CLIENT =
      new Jar(
          JarProcess.CLIENT,
          "dev.tandem.cli.client.ClientMain",
          withShared("cli.client"),
          Set.of("io.vertx", "io.netty", "org.slf4j", "ch.qos.logback"));

  /**
   * One program's jar.
   *
   * @param file its name
   * @param main the class that it runs
   * @param rooms the packages of this project that it holds
   * @param absent packages of libraries that it does not hold
   */
  record Jar(String file, String main, Set<String> rooms, Set<String> absent) {
    /** Those of the names that this jar may not hold. */
    Set<String> strangers(Set<String> names) {
      return names.stream()
          .filter(
              name ->
                  name.startsWith(PRODUCT)
                      ? !isIn(name.substring(PRODUCT.length()), rooms)
                      : isIn(name, absent))
          .collect(Collectors.toCollection(TreeSet::new));
    }

    @Override
    public String toString() {
      return file;
    }
  }

  static Stream<Jar> jars() {
    return Stream.of(SERVER, CLIENT);
  }

  private static Set<String> withShared(String... rooms) {
    Set<String> all = new HashSet<>(SHARED);
    all.addAll(List.of(rooms));
    return Set.copyOf(all);
  }

  private static boolean isIn(String name, Set<String> packages) {
    return packages.stream().anyMatch(each -> name.startsWith(each + "."));
  }

  private static Set<String> classNames(String jar) throws IOException {
    try (JarFile file = new JarFile(JarProcess.jar(jar).toFile())) {
      return file.stream()
          .map(ZipEntry::getName)
          .filter(name -> name.endsWith(SUFFIX) && !name.startsWith("META-INF/"))
          .map(name -> name.substring(0, name.length() - SUFFIX.length()).replace('/', '.'))
          .collect(Collectors.toSet());
    }
  }

  private static JavaClasses productClasses(String jar) throws IOException {
    try (JarFile file = new JarFile(JarProcess.jar(jar).toFile())) {
      return new ClassFileImporter()
          .withImportOption(location -> location.contains("/dev/tandem/"))
          .importJar(file);
    }
  }

  /**
   * Uses of classes that are not inside, by classes of this project that the entry reaches in
   * however many steps. JSpecify's annotations are for compilers only.
   */
  private static Set<String> missing(String main, JavaClasses classes, Set<String> inside) {
    Set<String> missing = new TreeSet<>();
    Set<JavaClass> reached = new HashSet<>(Set.of(classes.get(main)));
    Deque<JavaClass> open = new ArrayDeque<>(reached);
    while (!open.isEmpty()) {
      for (Dependency use : open.remove().getDirectDependenciesFromSelf()) {
        JavaClass target = use.getTargetClass().getBaseComponentType();
        boolean elsewhere =
            target.isPrimitive()
                || resideInAnyPackage("java..", "javax.net..", "sun..", "org.jspecify..")
                    .test(target);
        if (!elsewhere && !inside.contains(target.getName())) {
          missing.add(use.getOriginClass().getName() + " -> " + target.getName());
        } else if (target.getName().startsWith(PRODUCT) && reached.add(target)) {
          open.add(target);
        }
      }
    }
    return missing;
  }

  @ParameterizedTest
  @MethodSource("jars")
  void holdsItsPackagesOnly(Jar jar) throws IOException {
    Set<String> names = classNames(jar.file());
    assertThat(jar.strangers(names)).isEmpty();
    for (String room : jar.rooms()) {
      assertThat(names).anyMatch(name -> name.startsWith(PRODUCT + room + "."));
    }
  }

  @ParameterizedTest
  @MethodSource("jars")
  void holdsWhatItsProgramUses(Jar jar) throws IOException {
    if (jar.equals(SERVER)) {
      assertThat(missing(HOSTING, productClasses(jar.file()), classNames(jar.file()))).isEmpty();
    }
    assertThat(missing(jar.main(), productClasses(jar.file()), classNames(jar.file()))).isEmpty();
  }

  /** The jar of all programs holds what neither of the two may hold. */
  @ParameterizedTest
  @MethodSource("jars")
  void strangersAreSeen(Jar jar) throws IOException {
    assertThat(jar.strangers(classNames(JarProcess.TANDEM)))
        .contains("dev.tandem.measure.Benchmark", "dev.tandem.cli.Main");
  }

  /** The client's jar does not hold what other programs use. */
  @Test
  void missingClassesAreSeen() throws IOException {
    Set<String> inside = classNames(CLIENT.file());
    assertThat(missing("dev.tandem.cli.Main", productClasses(JarProcess.TANDEM), inside))
        .contains("dev.tandem.cli.Main -> dev.tandem.cli.measure.BenchCommand");
    inside = classNames(SERVER.file());
    inside.removeIf(name -> isIn(name, CLIENT.absent()));
    assertThat(missing(HOSTING, productClasses(SERVER.file()), inside))
        .anyMatch(use -> use.contains("-> io.vertx."));
  }
}
