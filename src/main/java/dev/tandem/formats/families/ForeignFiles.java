package dev.tandem.formats.families;

import dev.tandem.formats.files.Folder;
import dev.tandem.formats.files.Folder.OpenFile;
import dev.tandem.formats.files.JsonObject;
import dev.tandem.model.ModelFormatException;
import dev.tandem.settings.Note;
import java.io.Closeable;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The tensors of a model in one file, or in several with an index.
 *
 * @param path the file or the index, for messages
 * @param tensors by the names in the files
 * @param config what the file itself says about the model; empty if nothing
 * @param files what holds the tensors
 * @param notes what the user should know of the files
 */
public record ForeignFiles(
    String path,
    Map<String, ForeignTensor> tensors,
    JsonObject config,
    List<OpenFile> files,
    List<Note> notes)
    implements Closeable {

  /** Reads the tensors of one open file. */
  @FunctionalInterface
  public interface Container {
    /**
     * Reads the tensors; their bytes stay in the file.
     *
     * @throws ModelFormatException if it is malformed
     */
    Content read(OpenFile file) throws IOException;
  }

  /**
   * The content of one file.
   *
   * @param tensors by name
   * @param config what it says about the model; empty if nothing
   * @param notes what the user should know of it
   */
  public record Content(Map<String, ForeignTensor> tensors, JsonObject config, List<Note> notes) {}

  /**
   * Opens one file.
   *
   * @throws ModelFormatException if it is malformed
   * @throws IOException if it is missing or cannot be read
   */
  public static ForeignFiles single(Folder folder, String file, Container container)
      throws IOException {
    OpenFile open = folder.open(file);
    try {
      Content content = container.read(open);
      return new ForeignFiles(
          open.path(), content.tensors(), content.config(), List.of(open), content.notes());
    } catch (IOException | RuntimeException e) {
      open.close();
      throw e;
    }
  }

  /**
   * Opens all files of an index. Each tensor must be in the file that the index names, and the
   * files may hold no other tensor.
   *
   * @throws ModelFormatException if the index or a file is malformed, or if they disagree
   * @throws IOException if a file cannot be read
   */
  public static ForeignFiles sharded(Folder folder, String indexFile, Container container)
      throws IOException {
    ShardIndex index = ShardIndex.read(folder, indexFile);
    Map<String, ForeignTensor> tensors = new LinkedHashMap<>();
    List<OpenFile> files = new ArrayList<>();
    List<Note> notes = new ArrayList<>();
    ForeignFiles model =
        new ForeignFiles(index.path(), tensors, JsonObject.empty(index.path()), files, notes);
    try {
      for (String file : index.files()) {
        OpenFile open = folder.open(file);
        files.add(open);
        Content content = container.read(open);
        content.notes().stream().filter(note -> !notes.contains(note)).forEach(notes::add);
        for (ForeignTensor tensor : content.tensors().values()) {
          String stated = index.fileOf().getOrDefault(tensor.name(), "no file");
          if (!stated.equals(file)) {
            throw new ModelFormatException(
                open.path(), tensor.name(), stated + ", as " + indexFile + " says", "this file");
          }
          tensors.put(tensor.name(), tensor);
        }
      }
      for (Map.Entry<String, String> entry : index.fileOf().entrySet()) {
        if (!tensors.containsKey(entry.getKey())) {
          throw new ModelFormatException(
              folder.path(entry.getValue()),
              entry.getKey(),
              "a tensor, because " + indexFile + " says so",
              "none");
        }
      }
      return model;
    } catch (IOException | RuntimeException e) {
      model.close();
      throw e;
    }
  }

  /** The files that a checkpoint must close. */
  List<Closeable> closeables() {
    return List.copyOf(files);
  }

  @Override
  public void close() throws IOException {
    for (OpenFile file : files) {
      file.close();
    }
  }
}
