package dev.tandem.cli.terminal;

import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/**
 * Files of arguments: {@code @FILE} stands for the words in a file of UTF-8, in any locale. Words
 * stand between blanks or on lines of their own; quotes hold a word together, also in its middle,
 * as in {@code --prompt="two words"}. Between double quotes a backslash stands before a quote or a
 * backslash, and {@code \n} and {@code \t} are a line's end and a tab. A word that begins with
 * {@code #} begins a comment up to its line's end. A file may name another one. {@code @@} begins a
 * word with one {@code @}; where there is no such file the word is a word.
 */
public final class ArgumentFiles {
  private ArgumentFiles() {}

  /**
   * The arguments with the words of files in place of their names.
   *
   * @throws IOException naming a file that cannot be read
   */
  public static String[] expanded(String... args) throws IOException {
    List<String> words = new ArrayList<>();
    for (String arg : args) {
      add(arg, words, new LinkedHashSet<>());
    }
    return words.toArray(String[]::new);
  }

  private static void add(String word, List<String> words, Set<Path> open) throws IOException {
    if (!word.startsWith("@") || word.length() == 1) {
      words.add(word);
      return;
    }
    String name = word.substring(1);
    if (name.startsWith("@")) {
      words.add(name);
      return;
    }
    Path file;
    try {
      file = Path.of(name).toAbsolutePath().normalize();
    } catch (InvalidPathException e) {
      words.add(word);
      return;
    }
    if (!Files.isRegularFile(file)) {
      words.add(word);
      return;
    }
    if (!open.add(file)) {
      throw new IOException(word + ": a file of arguments that names itself");
    }
    String text;
    try {
      text = Files.readString(file);
    } catch (CharacterCodingException e) {
      throw new IOException(word + ": not UTF-8; convert the file first", e);
    }
    for (String inner : words(word, text)) {
      add(inner, words, open);
    }
    open.remove(file);
  }

  private static List<String> words(String name, String text) throws IOException {
    List<String> words = new ArrayList<>();
    StringBuilder word = new StringBuilder();
    boolean begun = false;
    char quote = 0;
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (quote != 0) {
        if (c == quote) {
          quote = 0;
        } else if (c == '\\' && quote == '"' && i + 1 < text.length()) {
          i++;
          word.append(escaped(text.charAt(i)));
        } else {
          word.append(c);
        }
      } else if (c <= ' ' || c == '\uFEFF') {
        if (begun) {
          words.add(word.toString());
        }
        word.setLength(0);
        begun = false;
      } else if (c == '#' && !begun) {
        int end = text.indexOf('\n', i);
        i = end < 0 ? text.length() : end;
      } else {
        begun = true;
        if (c == '"' || c == '\'') {
          quote = c;
        } else {
          word.append(c);
        }
      }
    }
    if (quote != 0) {
      throw new IOException(name + ": a quote has no end: " + quote + word);
    }
    if (begun) {
      words.add(word.toString());
    }
    return words;
  }

  private static String escaped(char c) {
    return switch (c) {
      case 'n' -> "\n";
      case 't' -> "\t";
      case '"', '\\' -> String.valueOf(c);
      default -> "\\" + c;
    };
  }
}
