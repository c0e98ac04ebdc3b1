package dev.tandem.formats.files;

import dev.tandem.model.ModelFormatException;
import dev.tandem.tensor.TensorData;
import dev.tandem.tensor.TensorData.FileRegion;
import dev.tandem.tensor.TensorData.MemoryRegion;
import dev.tandem.tensor.TensorFile;
import java.io.Closeable;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** The place of one model's files: a directory, or this program. */
public sealed interface Folder {

  /**
   * A path that a user wrote.
   *
   * @throws FileNotFoundException if it cannot be the path of anything
   */
  static Path written(String text) throws FileNotFoundException {
    try {
      return Path.of(text);
    } catch (InvalidPathException e) {
      boolean encoding = String.valueOf(e.getReason()).startsWith("Malformed input");
      throw new FileNotFoundException(
          "not a path: "
              + (encoding
                  ? "the locale's encoding lacks a character; try LC_ALL=C.UTF-8"
                  : e.getReason()));
    }
  }

  /** A file's path, for messages. */
  String path(String file);

  /** Whether a file exists. */
  boolean contains(String file);

  /**
   * The names of the files that match a pattern, sorted; empty for an embedded model.
   *
   * @throws IOException if the directory cannot be read
   */
  List<String> matching(Pattern name) throws IOException;

  /**
   * Opens a file.
   *
   * @throws IOException if it is missing or cannot be read
   */
  OpenFile open(String file) throws IOException;

  /**
   * The content of a small file.
   *
   * @throws ModelFormatException if it is larger than {@code maxBytes}
   */
  default byte[] readAll(String file, int maxBytes) throws IOException {
    try (OpenFile open = open(file)) {
      long bytes = open.data().bytes();
      if (bytes > maxBytes) {
        throw new ModelFormatException(
            open.path(), "file length", "at most " + maxBytes + " B", bytes + " B");
      }
      byte[] content = new byte[(int) bytes];
      open.data().slice(0, content.length).get(content);
      return content;
    }
  }

  /**
   * An open file.
   *
   * @param path for messages
   * @param data the whole content
   * @param file the file to close; empty for memory
   */
  record OpenFile(String path, TensorData data, Optional<TensorFile> file) implements Closeable {

    /** The files that a checkpoint of this file must close. */
    public List<TensorFile> closeables() {
      return file.isPresent() ? List.of(file.get()) : List.of();
    }

    @Override
    public void close() throws IOException {
      if (file.isPresent()) {
        file.get().close();
      }
    }
  }

  /** A directory of the file system. */
  record Directory(Path directory) implements Folder {
    @Override
    public String path(String file) {
      return directory.resolve(file).toString();
    }

    @Override
    public boolean contains(String file) {
      return Files.isRegularFile(directory.resolve(file));
    }

    @Override
    public List<String> matching(Pattern name) throws IOException {
      try (Stream<Path> entries = Files.list(directory)) {
        return entries
            .filter(Files::isRegularFile)
            .map(file -> Objects.toString(file.getFileName(), ""))
            .filter(name.asMatchPredicate())
            .sorted()
            .toList();
      }
    }

    @Override
    public OpenFile open(String file) throws IOException {
      TensorFile opened = TensorFile.open(directory.resolve(file));
      return new OpenFile(
          path(file), new FileRegion(opened, 0, opened.bytes()), Optional.of(opened));
    }
  }

  /** A directory below the class path's {@code /weights}, whose files are read into memory. */
  record Embedded(String name) implements Folder {
    @Override
    public String path(String file) {
      return "embedded model " + name + "/" + file;
    }

    private String resource(String file) {
      return "/weights/" + name + "/" + file;
    }

    @Override
    public boolean contains(String file) {
      return Embedded.class.getResource(resource(file)) != null;
    }

    @Override
    public List<String> matching(Pattern name) {
      return List.of();
    }

    @Override
    public OpenFile open(String file) throws IOException {
      try (InputStream in = Embedded.class.getResourceAsStream(resource(file))) {
        if (in == null) {
          throw new NoSuchFileException(path(file), null, "no such file");
        }
        byte[] content = in.readAllBytes();
        ByteBuffer direct = MemoryRegion.allocate(content.length);
        direct.put(0, content);
        return new OpenFile(path(file), new MemoryRegion(direct), Optional.empty());
      }
    }
  }
}
