package dev.tandem.cli.generation;

import java.util.Arrays;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;

/** Token ids in the form that a user writes. */
public final class Ids {
  private Ids() {}

  /**
   * Ids between blanks, commas or square brackets; a usage error names a word that is not a number.
   */
  public static int[] parse(CommandSpec spec, String text) {
    return Arrays.stream(text.split("[\\s,\\[\\]]+"))
        .filter(word -> !word.isEmpty())
        .mapToInt(word -> parseOne(spec, word))
        .toArray();
  }

  /** Checks that ids are in the vocabulary; a usage error names the first one that is not. */
  public static void checkRange(CommandSpec spec, int[] ids, int vocabSize) {
    for (int id : ids) {
      if (id < 0 || id >= vocabSize) {
        throw new ParameterException(
            spec.commandLine(), "id " + id + " is not in 0.." + (vocabSize - 1));
      }
    }
  }

  private static int parseOne(CommandSpec spec, String word) {
    try {
      return Integer.parseInt(word);
    } catch (NumberFormatException e) {
      throw new ParameterException(
          spec.commandLine(), "ids are numbers between blanks, got '" + word + "'", e);
    }
  }
}
