package dev.tandem.formats.families;

import dev.tandem.formats.files.Folder;
import dev.tandem.formats.files.JsonObject;
import dev.tandem.model.ModelFormatException;
import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;

/**
 * The index of a model in several files: {@code {"metadata": {...}, "weight_map": {tensor: file}}}.
 *
 * @param path the index, for messages
 * @param fileOf the file of each tensor, by the tensor's name
 */
record ShardIndex(String path, Map<String, String> fileOf) {
  private static final int MAX_INDEX_BYTES = 4 << 20;
  private static final int MAX_FILES = 1 << 10;

  /**
   * Reads an index.
   *
   * @throws ModelFormatException if it is malformed, or its folder lacks a named file
   */
  static ShardIndex read(Folder folder, String file) throws IOException {
    String path = folder.path(file);
    JsonObject json = JsonObject.parse(path, folder.readAll(file, MAX_INDEX_BYTES));
    JsonObject weightMap = json.object("weight_map");
    if (weightMap.keys().isEmpty()) {
      throw json.wrong("weight_map", "tensors' names and their files");
    }
    Map<String, String> fileOf = new LinkedHashMap<>();
    for (String tensor : weightMap.keys()) {
      String shard = weightMap.text(tensor, "");
      if (!isPlain(shard)) {
        throw weightMap.wrong(tensor, "the name of a file beside the index");
      }
      fileOf.put(tensor, shard);
    }
    ShardIndex index = new ShardIndex(path, fileOf);
    index.checkFiles(folder);
    return index;
  }

  /** Accepts plain names only: a hostile index could otherwise name any file of the machine. */
  private static boolean isPlain(String name) {
    return name.matches("[A-Za-z0-9_][A-Za-z0-9_.-]{0,254}");
  }

  private void checkFiles(Folder folder) throws ModelFormatException {
    if (files().size() > MAX_FILES) {
      throw new ModelFormatException(
          path, "weight_map", "at most " + MAX_FILES + " files", "" + files().size());
    }
    for (String file : files()) {
      if (!folder.contains(file)) {
        throw new ModelFormatException(path, "weight_map", "all files beside it", "no " + file);
      }
    }
  }

  /** The files, in the order in which the index names them first. */
  Set<String> files() {
    return new LinkedHashSet<>(fileOf.values());
  }
}
