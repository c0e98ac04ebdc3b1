package dev.tandem;

import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaModifier;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/**
 * The public line: the types that other modules can reach are those of {@code public-types.txt}, so
 * that it grows by decision only.
 */
class PublicTypesTest {
  private static final Path LIST = Path.of("src", "test", "resources", "public-types.txt");
  private static final String PRODUCT = "dev.tandem";

  @Test
  void exportedTypesAreTheListedOnes() throws IOException {
    assertThat(exportedTypes())
        .as("the public types of exported packages, against " + LIST)
        .containsExactlyElementsOf(Files.readAllLines(LIST));
  }

  @Test
  void listIsSortedAndCountsTopLevelTypes() throws IOException {
    List<String> lines = Files.readAllLines(LIST);
    assertThat(lines).isSorted().doesNotHaveDuplicates();
    assertThat(lines).contains("api.Tandem", "settings.SamplingOptions$Builder");
    assertThat(lines).doesNotContain("api.ServedModel", "sampling.Sampler");
  }

  private static Set<String> exportedTypes() {
    Set<String> exported = ModuleExports.packages();
    return new ClassFileImporter()
        .withImportOption(new ImportOption.DoNotIncludeTests()).importPackages(PRODUCT).stream()
            .filter(type -> exported.contains(type.getPackageName()))
            .filter(PublicTypesTest::isReachable)
            .map(type -> type.getName().substring(PRODUCT.length() + 1))
            .collect(Collectors.toCollection(TreeSet::new));
  }

  /** Public, and so is every type around it. */
  private static boolean isReachable(JavaClass type) {
    Optional<JavaClass> around = type.getEnclosingClass();
    return type.getModifiers().contains(JavaModifier.PUBLIC)
        && !type.isAnonymousClass()
        && (around.isEmpty() || isReachable(around.get()));
  }
}
