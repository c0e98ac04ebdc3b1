package dev.tandem.decoding;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class StopStringsTest {
  private static final String[] CHARACTERS = {"a", "b", "\n", "é", "😀", "😁"};

  @Test
  void textEndsBeforeTheStringCompletedFirst() {
    assertThat(run(List.of("stop"), "no st", "op here")).isEqualTo("no ");
    assertThat(run(List.of("abc", "b"), "abc")).isEqualTo("a");
    assertThat(run(List.of("bc", "abc", "c"), "xabcx")).isEqualTo("x");
    assertThat(run(List.of("aab"), "aa", "aab")).isEqualTo("aa");
    assertThat(run(List.of("\n\n"), "x\n", "y\n")).isEqualTo("x\ny\n");
    assertThat(run(List.of(), "x", "y")).isEqualTo("xy");
  }

  /** Against a search of the whole text after every piece, which pieces must not change. */
  @Test
  void agreesWithSearchingTheWholeText() {
    int rounds = Boolean.getBoolean("tandem.long") ? 1_000_000 : 20_000;
    int matches = 0;
    for (long seed = 1; seed <= rounds; seed++) {
      Random random = new Random(seed);
      List<String> stops = new ArrayList<>();
      for (int i = random.nextInt(4); i > 0; i--) {
        stops.add(text(random, 1 + random.nextInt(4)));
      }
      StopStrings stopStrings = new StopStrings(stops);
      StringBuilder all = new StringBuilder();
      StringBuilder out = new StringBuilder();
      for (int i = random.nextInt(10); i > 0 && !stopStrings.found(); i--) {
        String piece = text(random, random.nextInt(5));
        all.append(piece);
        out.setLength(0);
        out.append(all, 0, stopStrings.read(all, all.length() - piece.length()));
        assertThat(out.toString())
            .as("seed %d, stops %s, text %s", seed, stops, all)
            .isEqualTo(certain(all.toString(), stops));
        assertThat(stopStrings.found()).isEqualTo(stops.stream().anyMatch(s -> has(all, s)));
      }
      matches += stopStrings.found() ? 1 : 0;
    }
    assertThat(matches).isBetween(rounds / 10, rounds * 9 / 10);
  }

  private static boolean has(StringBuilder text, String stop) {
    return text.indexOf(stop) >= 0;
  }

  /** The text that may be shown: up to the first stop string, or to the beginning of one. */
  private static String certain(String text, List<String> stops) {
    for (int end = 1; end <= text.length(); end++) {
      String head = text.substring(0, end);
      int longest = stops.stream().filter(head::endsWith).mapToInt(String::length).max().orElse(0);
      if (longest > 0) {
        return head.substring(0, end - longest);
      }
    }
    for (int begin = 0; begin < text.length(); begin++) {
      String tail = text.substring(begin);
      if (stops.stream().anyMatch(s -> s.startsWith(tail))) {
        return text.substring(0, begin);
      }
    }
    return text;
  }

  private static String text(Random random, int length) {
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < length; i++) {
      text.append(CHARACTERS[random.nextInt(CHARACTERS.length)]);
    }
    return text.toString();
  }

  private static String run(List<String> stops, String... pieces) {
    StopStrings stopStrings = new StopStrings(stops);
    StringBuilder out = new StringBuilder();
    for (String piece : pieces) {
      out.append(piece);
      int certain = stopStrings.read(out, out.length() - piece.length());
      if (stopStrings.found()) {
        return out.substring(0, certain);
      }
    }
    return out.toString();
  }
}
