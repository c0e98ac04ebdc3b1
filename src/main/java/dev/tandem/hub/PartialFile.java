package dev.tandem.hub;

import dev.tandem.hub.cache.HubException;
import dev.tandem.hub.cache.Storage;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.BitSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * A file that is not complete yet: its content, cut into parts of equal length (the last one may be
 * shorter), and beside it a journal of the finished parts. The journal begins with lines that
 * identify the file; then each finished part appends {@code done N}. A part's bytes are written
 * before its line. So a killed process may lose parts, but never counts an unfinished one. (If the
 * whole machine stops, the order of writes may be lost; the check of the content's hash finds
 * this.)
 */
final class PartialFile implements AutoCloseable {
  private static final String VERSION = "tandem-partial 1";
  private static final String ETAG = "etag ";
  private static final String DONE = "done ";
  private static final long MAX_JOURNAL_BYTES = 1 << 24;

  private final Path content;
  private final Path journal;
  private final RepoFile file;
  private final long bytes;
  private final int partBytes;
  private final String header;
  private final FileChannel out;
  private final BitSet done = new BitSet();
  private Optional<String> etag = Optional.empty();

  /**
   * Continues what an earlier process left of this file, or begins a new one.
   *
   * @param content the path of the content; the journal lies beside it
   * @param file the file, whose length must be known
   * @throws HubException if the file cannot be written
   */
  PartialFile(Path content, RepoFile file, int partBytes) throws HubException {
    this.content = content;
    this.journal = content.resolveSibling(content.getFileName() + ".parts");
    this.file = file;
    this.bytes = file.bytes().orElseThrow();
    this.partBytes = partBytes;
    this.header =
        String.join(
            "\n",
            VERSION,
            "bytes " + bytes,
            "hash " + file.hash().map(ContentHash::toString).orElse("none"),
            "part " + partBytes,
            "");
    try {
      out =
          FileChannel.open(
              content,
              Set.of(
                  StandardOpenOption.CREATE, StandardOpenOption.WRITE, LinkOption.NOFOLLOW_LINKS));
    } catch (IOException e) {
      throw unwritable(e);
    }
    try {
      takeUp();
    } catch (IOException e) {
      close();
      throw unwritable(e);
    }
  }

  private void takeUp() throws IOException {
    if (!readJournal() || (etag.isEmpty() && file.hash().isEmpty())) {
      restart(); // the parts belong to another file, or no hash or ETag could show that it is the
      // same
    }
  }

  private boolean readJournal() throws IOException {
    String text;
    try {
      if (!Files.isRegularFile(journal, LinkOption.NOFOLLOW_LINKS)
          || Files.size(journal) > MAX_JOURNAL_BYTES) {
        return false;
      }
      text = new String(Files.readAllBytes(journal), StandardCharsets.UTF_8);
    } catch (NoSuchFileException e) {
      return false;
    }
    if (!text.startsWith(header)) {
      return false;
    }
    // A killed process was still writing what follows the last line end.
    List<String> lines =
        text.substring(header.length(), Math.max(header.length(), text.lastIndexOf('\n') + 1))
            .lines()
            .toList();
    for (String line : lines) {
      if (line.startsWith(ETAG)) {
        etag = Optional.of(line.substring(ETAG.length()));
      } else if (line.matches(DONE + "\\d{1,9}")) {
        int part = Integer.parseInt(line.substring(DONE.length()));
        if (part < parts() && end(part) <= out.size()) {
          done.set(part);
        }
      }
    }
    return true;
  }

  /** Deletes the content and the journal, and begins again. */
  synchronized void restart() throws HubException {
    done.clear();
    etag = Optional.empty();
    try {
      out.truncate(0);
      Files.deleteIfExists(journal); // also a symbolic link, instead of what it points to
      Files.writeString(journal, header, StandardOpenOption.CREATE_NEW);
    } catch (IOException e) {
      throw unwritable(e);
    }
  }

  /** The number of parts; 0 for an empty file. */
  int parts() {
    return Math.toIntExact((bytes + partBytes - 1) / partBytes);
  }

  long start(int part) {
    return (long) part * partBytes;
  }

  long end(int part) {
    return Math.min(bytes, start(part) + partBytes);
  }

  synchronized BitSet missing() {
    BitSet missing = new BitSet();
    missing.set(0, parts());
    missing.andNot(done);
    return missing;
  }

  /** The bytes of the finished parts. */
  synchronized long doneBytes() {
    return done.stream().mapToLong(part -> end(part) - start(part)).sum();
  }

  synchronized Optional<String> etag() {
    return etag;
  }

  /**
   * Compares the content's ETag with the previous one, or stores it if it is the first.
   *
   * @return false if the content has changed
   */
  synchronized boolean accepts(Optional<String> strongEtag) throws HubException {
    if (strongEtag.isEmpty() || etag.isEmpty()) {
      if (strongEtag.isPresent()) {
        etag = strongEtag;
        append(ETAG + strongEtag.get());
      }
      return true;
    }
    return etag.equals(strongEtag);
  }

  /** Writes bytes at a position. Several threads may call it, each for its own part. */
  void write(byte[] data, int length, long position) throws HubException {
    ByteBuffer rest = ByteBuffer.wrap(data, 0, length);
    try {
      while (rest.hasRemaining()) {
        out.write(rest, position + rest.position());
      }
    } catch (IOException e) {
      throw unwritable(e);
    }
  }

  /** Records that a part is complete. */
  synchronized void finish(int part) throws HubException {
    if (!done.get(part)) {
      done.set(part);
      append(DONE + part);
    }
  }

  private void append(String line) throws HubException {
    try {
      Files.writeString(journal, line + "\n", StandardOpenOption.APPEND, LinkOption.NOFOLLOW_LINKS);
    } catch (IOException e) {
      throw unwritable(e);
    }
  }

  private HubException unwritable(IOException e) {
    return Storage.unwritable(content, e);
  }

  /**
   * Compares the whole content with the hub's hash and moves it to its place.
   *
   * @throws HubException if the content differs; it is then deleted
   */
  void complete(Path target) throws IOException {
    ContentHash stated = file.hash().orElse(null);
    if (stated != null) {
      ContentHash got = stated.ofFile(content);
      if (!got.equals(stated)) {
        close();
        delete();
        throw new HubException(
            file
                + ": the downloaded file is damaged and was deleted: the hub states "
                + stated
                + ", got "
                + got
                + "; pull again");
      }
    }
    try {
      out.force(true); // so that a complete file stays complete after a power cut
      close();
      Files.move(content, target, StandardCopyOption.ATOMIC_MOVE);
      Files.deleteIfExists(journal);
    } catch (IOException e) {
      throw unwritable(e);
    }
  }

  /** Deletes it on disk, too. */
  void delete() throws HubException {
    try {
      Files.deleteIfExists(content);
      Files.deleteIfExists(journal);
    } catch (IOException e) {
      throw unwritable(e);
    }
  }

  @Override
  public void close() {
    try {
      out.close();
    } catch (IOException e) {
      // everything that counts was written before
    }
  }
}
