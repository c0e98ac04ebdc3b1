package dev.tandem;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.AccessTarget.CodeUnitCallTarget;
import com.tngtech.archunit.core.domain.JavaAccess;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.lang.ArchRule;
import dev.tandem.violations.cli.ForeignDigits;
import java.util.Set;
import org.junit.jupiter.api.Test;

/**
 * Nothing that the program writes depends on the default locale: whatever formats a number or
 * changes the case of a word names its locale.
 */
class LocaleRulesTest {
  private static final Set<String> FORMATTERS =
      Set.of(
          "java.lang.String",
          "java.io.PrintStream",
          "java.io.PrintWriter",
          "java.io.Console",
          "java.util.Formatter");
  private static final Set<String> FORMATS = Set.of("format", "formatted", "printf");
  private static final Set<String> CASES = Set.of("toLowerCase", "toUpperCase");

  private static final ArchRule RULE =
      noClasses()
          .should()
          .accessTargetWhere(
              DescribedPredicate.describe(
                  "it depends on the default locale", LocaleRulesTest::dependsOnTheDefault));

  private static boolean dependsOnTheDefault(JavaAccess<?> access) {
    String owner = access.getTargetOwner().getName();
    String name = access.getName();
    if (owner.startsWith("java.text.")) {
      return true; // nothing in there is needed
    }
    boolean namesLocale =
        access.getTarget() instanceof CodeUnitCallTarget call
            && call.getRawParameterTypes().stream()
                .map(JavaClass::getName)
                .anyMatch("java.util.Locale"::equals);
    if (namesLocale) {
      return false;
    }
    return (FORMATTERS.contains(owner) && FORMATS.contains(name))
        || (owner.equals("java.util.Formatter") && name.equals("<init>"))
        || (owner.equals("java.lang.String") && CASES.contains(name))
        || (owner.equals("java.util.Scanner") && name.equals("<init>"));
  }

  @Test
  void theProductNamesItsLocale() {
    JavaClasses product =
        new ClassFileImporter()
            .withImportOption(new ImportOption.DoNotIncludeTests())
            .importPackages("dev.tandem");
    RULE.check(product);
  }

  @Test
  void theRuleCanFail() {
    String found =
        RULE.evaluate(new ClassFileImporter().importClasses(ForeignDigits.class))
            .getFailureReport()
            .toString();
    assertThat(found)
        .contains("String.format", "String.formatted", "Formatter", "toLowerCase", "toUpperCase");
  }
}
