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
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
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
  private static final Map<String, Set<String>> ARROWS =
      Map.ofEntries(
          Map.entry("tensor", Set.of()),
          Map.entry("settings", Set.of()),
          Map.entry("endpoints", Set.of("settings")),
          Map.entry("sampling", Set.of("settings")),
          Map.entry("json", Set.of()),
          Map.entry("hub.cache", Set.of("settings")),
          Map.entry("hub", Set.of("hub.cache", "json")),
          Map.entry("tokenizer.text", Set.of()),
          Map.entry("tokenizer", Set.of()),
          Map.entry("tokenizer.bpe", Set.of("tokenizer", "tokenizer.text")),
          Map.entry("tokenizer.flat", Set.of("tokenizer.bpe")),
          Map.entry("tokenizer.sentencepiece", Set.of("tokenizer.bpe")),
          Map.entry("tokenizer.gguf", Set.of("tokenizer.sentencepiece")),
          Map.entry("tokenizer.huggingface", Set.of("tokenizer.bpe", "json")),
          Map.entry(
              "tokenizer.files",
              Set.of("tokenizer.flat", "tokenizer.gguf", "tokenizer.huggingface")),
          Map.entry("model", Set.of("stage", "tokenizer")),
          Map.entry("types", Set.of("model")),
          Map.entry("formats.files", Set.of("types", "tokenizer.files")),
          Map.entry("formats.families", Set.of("formats.files")),
          Map.entry("formats.gguf", Set.of("formats.files")),
          Map.entry("formats.huggingface", Set.of("formats.families")),
          Map.entry("formats.pytorch", Set.of("formats.families")),
          Map.entry("formats.dumps", Set.of("formats.families", "formats.huggingface")),
          Map.entry(
              "formats",
              Set.of("formats.gguf", "formats.huggingface", "formats.pytorch", "formats.dumps")),
          Map.entry("random", Set.of("model", "tokenizer.files")),
          Map.entry("convert", Set.of("formats")),
          Map.entry("stage", Set.of("tensor", "settings")),
          Map.entry("engine", Set.of("model")),
          Map.entry("plain", Set.of("model")),
          Map.entry("generation", Set.of("settings", "tokenizer")),
          Map.entry("decoding", Set.of("generation", "sampling", "model")),
          Map.entry("protocol", Set.of("stage", "json")),
          Map.entry("scheduler", Set.of("stage")),
          Map.entry("server", Set.of("protocol", "scheduler", "endpoints")),
          Map.entry("client", Set.of("protocol", "endpoints")),
          Map.entry(
              "runtime",
              Set.of("decoding", "engine", "plain", "client", "scheduler", "convert", "hub")),
          Map.entry("hosting", Set.of("runtime", "server")),
          Map.entry("api", Set.of("runtime")),
          Map.entry("files", Set.of("api", "convert", "random", "hub")),
          Map.entry("measure.stages", Set.of("decoding")),
          Map.entry("measure", Set.of("measure.stages", "api", "hosting", "random")),
          Map.entry("cli.terminal", Set.of("api")),
          Map.entry("cli.options", Set.of("cli.terminal", "api")),
          Map.entry("cli.generation", Set.of("cli.terminal", "api")),
          Map.entry("cli.client", Set.of("cli.options", "cli.generation")),
          Map.entry("cli.server", Set.of("cli.options")),
          Map.entry("cli.text", Set.of("cli.options", "cli.generation")),
          Map.entry("cli.models", Set.of("cli.options", "files", "measure")),
          Map.entry("cli.measure", Set.of("cli.models", "cli.generation")),
          Map.entry("cli", Set.of("cli.client", "cli.server", "cli.text", "cli.measure")));

  private static final JavaClasses PRODUCT_CLASSES =
      new ClassFileImporter()
          .withImportOption(new ImportOption.DoNotIncludeTests())
          .importPackages(PRODUCT);
  private static final JavaClasses VIOLATING_CLASSES =
      new ClassFileImporter().importPackages(VIOLATIONS);

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
