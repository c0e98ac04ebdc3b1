package dev.tandem.formats.families;

import dev.tandem.formats.files.Folder;
import dev.tandem.formats.files.ModelLocation;
import dev.tandem.model.ModelFormatException;
import java.io.IOException;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Models in several files, {@code STEM-00001-of-00003.SUFFIX}, and their index. */
public final class Shards {
  private static final String INDEX = ".index.json";
  private static final Pattern SHARD =
      Pattern.compile("(?<stem>.+)-[0-9]{5}-of-(?<count>[0-9]{5})(?<suffix>\\.[a-z]+)");

  private Shards() {}

  /** Whether a file is an index, by its name. */
  public static boolean isIndex(String file) {
    return file.endsWith(INDEX);
  }

  /** Whether a directory holds shards of a file that is called so as a whole. */
  public static boolean areIn(Folder folder, String whole) throws IOException {
    return !folder.matching(shardsOf(whole)).isEmpty();
  }

  /**
   * The file to read: the one that was named, or the index of the shard that was named; in a
   * directory the index or the whole file.
   *
   * @param whole what the model's file is called if there is only one
   * @throws ModelFormatException if there are only shards; it names them
   */
  public static String file(ModelLocation location, String whole) throws IOException {
    Folder folder = location.folder();
    String named = location.file().orElse(whole);
    Matcher shard = SHARD.matcher(named);
    boolean oneOfSeveral = shard.matches() && Integer.parseInt(shard.group("count")) > 1;
    if (location.file().isPresent() && !oneOfSeveral) {
      return named;
    }
    String file = oneOfSeveral ? shard.group("stem") + shard.group("suffix") : whole;
    String index = file + INDEX;
    if (folder.contains(index)) {
      return index;
    }
    List<String> shards = folder.matching(shardsOf(file));
    if (shards.isEmpty() || (!oneOfSeveral && folder.contains(file))) {
      return file;
    }
    throw new ModelFormatException(
        folder.path(index),
        "missing; it says which tensors are in which of these files: " + String.join(", ", shards));
  }

  private static Pattern shardsOf(String whole) {
    int dot = whole.lastIndexOf('.');
    return Pattern.compile(
        Pattern.quote(whole.substring(0, dot))
            + "-[0-9]{5}-of-[0-9]{5}"
            + Pattern.quote(whole.substring(dot)));
  }
}
