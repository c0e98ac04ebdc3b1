package dev.tandem;

import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.lang.SimpleConditionEvent.violated;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.Dependency;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.lang.ArchCondition;
import com.tngtech.archunit.lang.ArchRule;
import com.tngtech.archunit.lang.ConditionEvents;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Collection;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Which package may use which: the arrows of docs/architecture.md. Every rule is also run on the
 * classes of {@code dev.tandem.violations}, which break it, so that a rule that cannot fail any
 * more fails here.
 */
class ArchitectureTest {
  private static final String PRODUCT = "dev.tandem";
  private static final String VIOLATIONS = "dev.tandem.violations";

  /** Each package with the packages that it may use; what those may use, it may use too. */
  private static final Map<String, Set<String>> ARROWS = arrowsOfThePage();

  private static final JavaClasses PRODUCT_CLASSES =
      new ClassFileImporter()
          .withImportOption(new ImportOption.DoNotIncludeTests())
          .importPackages(PRODUCT);
  private static final JavaClasses VIOLATING_CLASSES =
      new ClassFileImporter().importPackages(VIOLATIONS);

  /** The rows of the page's table: packages, and packages that they may use, in backticks. */
  private static Map<String, Set<String>> arrowsOfThePage() {
    Map<String, Set<String>> arrows = new HashMap<>();
    boolean inTable = false;
    for (String line : lines(Path.of("docs/architecture.md"))) {
      inTable = line.startsWith("| package (`dev.tandem.*`)") || (inTable && line.startsWith("|"));
      String[] cells = line.split("\\|", -1);
      if (inTable && cells.length > 3 && cells[1].startsWith(" `")) {
        for (String name : names(cells[1])) {
          assertThat(arrows.put(name, names(cells[2]))).as("a second row of " + name).isNull();
        }
      }
    }
    return arrows;
  }

  private static List<String> lines(Path file) {
    try {
      return Files.readAllLines(file);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static Set<String> names(String cell) {
    return Pattern.compile("`([a-z.]+)`")
        .matcher(cell)
        .results()
        .map(match -> match.group(1))
        .collect(Collectors.toSet());
  }

  /** A rule about the packages below a root, so that it can be tried on violations of it. */
  record Rule(String name, Function<String, ArchRule> below) {
    @Override
    public String toString() {
      return name;
    }
  }

  static Stream<Rule> rules() {
    return Stream.of(
        new Rule("packages use only what their arrows allow", ArchitectureTest::arrows),
        new Rule("client and server do not know each other", ArchitectureTest::clientAndServer),
        new Rule("the client reaches no server", ArchitectureTest::clientJar),
        new Rule("commands use the public line only", ArchitectureTest::facade),
        new Rule("only the engine sees JavaCPP", ArchitectureTest::javaCpp),
        new Rule("only the server sees Vert.x and Netty", ArchitectureTest::vertx),
        new Rule("only the command line ends the process", ArchitectureTest::exit),
        new Rule("no package holds odds and ends", ArchitectureTest::oddsAndEnds));
  }

  @ParameterizedTest
  @MethodSource("rules")
  void productKeepsTheRule(Rule rule) {
    rule.below().apply(PRODUCT).allowEmptyShould(true).check(PRODUCT_CLASSES);
  }

  @ParameterizedTest
  @MethodSource("rules")
  void ruleCanFail(Rule rule) {
    assertThat(rule.below().apply(VIOLATIONS).evaluate(VIOLATING_CLASSES).hasViolation()).isTrue();
  }

  /** Commands that write or measure models are no exception. */
  @Test
  void everyCommandIsHeldToTheFacade() {
    assertThat(facade(VIOLATIONS).evaluate(VIOLATING_CLASSES).getFailureReport().getDetails())
        .anyMatch(detail -> detail.contains("cli.measure.UsesInternals"));
  }

  @Test
  void thePageHasARowForEachPackage() {
    Set<String> packages =
        PRODUCT_CLASSES.stream()
            .map(type -> String.valueOf(room(PRODUCT, type)))
            .collect(Collectors.toSet());
    assertThat(ARROWS.keySet()).isEqualTo(packages).containsAll(flat(ARROWS.values()));
  }

  private static Set<String> flat(Collection<Set<String>> sets) {
    return sets.stream().flatMap(Set::stream).collect(Collectors.toSet());
  }

  @Test
  void productWasFound() {
    assertThat(PRODUCT_CLASSES).hasSizeGreaterThan(50);
    assertThat(PRODUCT_CLASSES.contain(PRODUCT + ".cli.client.ClientMain")).isTrue();
  }

  @Test
  void arrowsHaveNoCircle() {
    for (String room : ARROWS.keySet()) {
      assertThat(reachable(ARROWS, room)).as("what %s reaches", room).doesNotContain(room);
    }
  }

  /** So that the test above can fail: one arrow from a leaf upwards closes a circle. */
  @Test
  void circlesAreSeen() {
    Map<String, Set<String>> closed = new HashMap<>(ARROWS);
    closed.put("formats.files", Set.of("types", "tokenizer.files", "formats"));
    assertThat(reachable(closed, "formats.files")).contains("formats.files");
  }

  private static ArchRule arrows(String root) {
    return classes().should(eachDependency(root, "follow an arrow", ArchitectureTest::hasArrow));
  }

  private static boolean hasArrow(String from, String to) {
    return from.equals(to) || (ARROWS.containsKey(to) && reachable(ARROWS, from).contains(to));
  }

  private static Set<String> reachable(Map<String, Set<String>> arrows, String from) {
    Set<String> reached = new HashSet<>();
    Deque<String> open = new ArrayDeque<>(List.of(from));
    while (!open.isEmpty()) {
      for (String next : arrows.getOrDefault(open.remove(), Set.of())) {
        if (reached.add(next)) {
          open.add(next);
        }
      }
    }
    return reached;
  }

  private static ArchRule clientAndServer(String root) {
    Set<Set<String>> strangers = Set.of(Set.of("client", "server"));
    return classes()
        .should(
            eachDependency(
                root,
                "not join client and server",
                (from, to) -> from.equals(to) || !strangers.contains(Set.of(from, to))));
  }

  /** Over all classes that the client's entry point reaches, in however many steps. */
  private static ArchRule clientJar(String root) {
    return classes()
        .that()
        .haveFullyQualifiedName(root + ".cli.client.ClientMain")
        .should(
            new ArchCondition<>("reach no class that the client's jar lacks") {
              @Override
              public void check(JavaClass entry, ConditionEvents events) {
                Set<JavaClass> reached = new HashSet<>(Set.of(entry));
                Deque<JavaClass> open = new ArrayDeque<>(reached);
                while (!open.isEmpty()) {
                  for (Dependency use : open.remove().getDirectDependenciesFromSelf()) {
                    JavaClass target = use.getTargetClass().getBaseComponentType();
                    if (isAbsent(root, target)) {
                      events.add(violated(entry, use.getDescription()));
                    } else if (room(root, target) != null && reached.add(target)) {
                      open.add(target);
                    }
                  }
                }
              }
            });
  }

  private static boolean isAbsent(String root, JavaClass target) {
    return resideInAnyPackage(
            root + ".server..", "io.vertx..", "io.netty..", "org.slf4j..", "ch.qos.logback..")
        .test(target);
  }

  /** The command line uses what every program can use. */
  private static ArchRule facade(String root) {
    Set<String> exported = ModuleExports.packages();
    return classes()
        .should(
            eachDependency(
                root,
                "use only what the module exports",
                (from, to) ->
                    !isOfCommands(from)
                        || isOfCommands(to)
                        || exported.contains(PRODUCT + "." + to)));
  }

  private static boolean isOfCommands(String room) {
    return room.equals("cli") || room.startsWith("cli.");
  }

  private static ArchRule javaCpp(String root) {
    return noClasses()
        .that()
        .resideOutsideOfPackage(root + ".engine..")
        .should()
        .dependOnClassesThat()
        .resideInAPackage("org.bytedeco..");
  }

  private static ArchRule vertx(String root) {
    return noClasses()
        .that()
        .resideOutsideOfPackage(root + ".server..")
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage("io.vertx..", "io.netty..");
  }

  private static ArchRule exit(String root) {
    return noClasses()
        .that()
        .resideOutsideOfPackage(root + ".cli..")
        .should()
        .callMethod(System.class, "exit", int.class)
        .orShould()
        .callMethod(Runtime.class, "exit", int.class)
        .orShould()
        .callMethod(Runtime.class, "halt", int.class);
  }

  private static ArchRule oddsAndEnds(String root) {
    return noClasses()
        .should()
        .resideInAnyPackage(
            Stream.of("util", "utils", "common", "helper", "helpers", "misc")
                .map(name -> root + ".." + name + "..")
                .toArray(String[]::new));
  }

  private interface PackagePair {
    boolean isAllowed(String from, String to);
  }

  private static ArchCondition<JavaClass> eachDependency(
      String root, String description, PackagePair pair) {
    return new ArchCondition<>(description) {
      @Override
      public void check(JavaClass from, ConditionEvents events) {
        for (Dependency use : from.getDirectDependenciesFromSelf()) {
          String to = room(root, use.getTargetClass().getBaseComponentType());
          if (to != null && !pair.isAllowed(String.valueOf(room(root, from)), to)) {
            events.add(violated(from, use.getDescription()));
          }
        }
      }
    };
  }

  /** The package's name below the root, "" for the root itself, null outside. */
  private static @Nullable String room(String root, JavaClass type) {
    String name = type.getPackageName();
    if (name.equals(root)) {
      return "";
    }
    return name.startsWith(root + ".") ? name.substring(root.length() + 1) : null;
  }
}
