package dev.tandem.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.TreeSet;
import java.util.jar.JarEntry;
import java.util.jar.JarFile;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** NOTICE names the licence texts in a jar, all of them and no others. */
class NoticeIT {
  private static final String NOTICE = "META-INF/NOTICE";

  /** Ours, and SLF4J's, which is in licenses/SLF4J.txt, too. */
  private static final List<String> NOT_NAMED =
      List.of(NOTICE, "META-INF/LICENSE", "META-INF/LICENSE.txt");

  private static final String LICENSES = "META-INF/licenses/";

  /** Texts that jars of others bring along, and ours, which NOTICE names by their file names. */
  private static final Pattern NAMED = Pattern.compile("META-INF/[\\w-]+|[\\w.-]+\\.txt");

  private static final Pattern LICENCE_TEXT =
      Pattern.compile("META-INF/([\\w-]*(LICENSE|NOTICE)[\\w.-]*|licenses/.+)");

  @ParameterizedTest
  @ValueSource(strings = {"tandem.jar", "tandem-server.jar", "tandem-client.jar"})
  void noticeNamesTheTextsInTheJar(String name) throws IOException {
    try (JarFile jar = new JarFile(JarProcess.jar(name).toFile())) {
      String notice =
          new String(
              jar.getInputStream(jar.getJarEntry(NOTICE)).readAllBytes(), StandardCharsets.UTF_8);
      TreeSet<String> named =
          NAMED
              .matcher(notice)
              .results()
              .map(found -> found.group())
              .map(text -> text.startsWith("META-INF/") ? text : LICENSES + text)
              .filter(text -> !text.equals("META-INF/licenses"))
              .filter(text -> !text.equals(LICENSES + "NOTICE.txt")) // Netty's own, elsewhere
              .collect(Collectors.toCollection(TreeSet::new));
      TreeSet<String> present =
          jar.stream()
              .map(JarEntry::getName)
              .filter(entry -> LICENCE_TEXT.matcher(entry).matches())
              .filter(entry -> !NOT_NAMED.contains(entry))
              .collect(Collectors.toCollection(TreeSet::new));
      assertThat(present).isEqualTo(named);
    }
  }
}
