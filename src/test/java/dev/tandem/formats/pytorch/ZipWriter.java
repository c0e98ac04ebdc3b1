package dev.tandem.formats.pytorch;

import java.io.Closeable;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Writes zip archives of stored entries as PyTorch does: data at multiples of 64 behind a padding
 * field, and, if streamed, sizes only behind the data and in the central directory.
 */
final class ZipWriter implements Closeable {
  private static final long LARGE = 0xffffffffL;

  private record Entry(String name, long bytes, long header) {}

  private final RandomAccessFile file;
  private final boolean zip64;
  private final boolean streamed;
  private final List<Entry> entries = new ArrayList<>();

  ZipWriter(Path path, boolean zip64, boolean streamed) throws IOException {
    file = new RandomAccessFile(path.toFile(), "rw");
    file.setLength(0);
    this.zip64 = zip64;
    this.streamed = streamed;
  }

  void add(String name, byte[] content) throws IOException {
    begin(name, content.length);
    file.write(content);
    end(content.length);
  }

  /** An entry of zeros that takes no room on disk. */
  void addHole(String name, long bytes) throws IOException {
    begin(name, bytes);
    file.setLength(file.getFilePointer() + bytes);
    file.seek(file.length());
    end(bytes);
  }

  private void begin(String name, long bytes) throws IOException {
    byte[] utf8 = name.getBytes(StandardCharsets.UTF_8);
    long header = file.getFilePointer();
    int padding = (int) (64 - (header + 30 + utf8.length + 4) % 64);
    long stated = streamed ? 0 : Math.min(bytes, LARGE);
    ByteBuffer b = little(30 + utf8.length + 4 + padding);
    b.putInt(0x04034b50).putShort((short) (zip64 ? 45 : 20));
    b.putShort((short) (streamed ? 8 : 0)).putShort((short) 0).putInt(0).putInt(0);
    b.putInt((int) stated).putInt((int) stated);
    b.putShort((short) utf8.length).putShort((short) (4 + padding)).put(utf8);
    b.putShort((short) 0x4246).putShort((short) padding);
    write(b);
    entries.add(new Entry(name, bytes, header));
  }

  private void end(long bytes) throws IOException {
    if (streamed) {
      ByteBuffer b = little(zip64 ? 24 : 16).putInt(0x08074b50).putInt(0);
      if (zip64) {
        b.putLong(bytes).putLong(bytes);
      } else {
        b.putInt((int) bytes).putInt((int) bytes);
      }
      write(b);
    }
  }

  @Override
  public void close() throws IOException {
    long central = file.getFilePointer();
    for (Entry entry : entries) {
      byte[] utf8 = entry.name.getBytes(StandardCharsets.UTF_8);
      ByteBuffer b = little(46 + utf8.length + (zip64 ? 28 : 0));
      b.putInt(0x02014b50).putShort((short) 0).putShort((short) (zip64 ? 45 : 20));
      b.putShort((short) (streamed ? 8 : 0)).putShort((short) 0).putInt(0).putInt(0);
      b.putInt((int) (zip64 ? LARGE : entry.bytes)).putInt((int) (zip64 ? LARGE : entry.bytes));
      b.putShort((short) utf8.length).putShort((short) (zip64 ? 28 : 0));
      b.putShort((short) 0).putShort((short) 0).putShort((short) 0).putInt(0);
      b.putInt((int) (zip64 ? LARGE : entry.header)).put(utf8);
      if (zip64) {
        b.putShort((short) 1).putShort((short) 24);
        b.putLong(entry.bytes).putLong(entry.bytes).putLong(entry.header);
      }
      write(b);
    }
    long centralEnd = file.getFilePointer();
    if (zip64) {
      ByteBuffer b = little(56 + 20).putInt(0x06064b50).putLong(44).putShort((short) 45);
      b.putShort((short) 45).putInt(0).putInt(0).putLong(entries.size()).putLong(entries.size());
      b.putLong(centralEnd - central).putLong(central);
      b.putInt(0x07064b50).putInt(0).putLong(centralEnd).putInt(1);
      write(b);
    }
    ByteBuffer b = little(22).putInt(0x06054b50).putInt(0);
    b.putShort((short) entries.size()).putShort((short) entries.size());
    b.putInt((int) (centralEnd - central))
        .putInt((int) Math.min(central, LARGE))
        .putShort((short) 0);
    write(b);
    file.close();
  }

  /** Writes a whole buffer. */
  private void write(ByteBuffer b) throws IOException {
    byte[] bytes = new byte[b.capacity()];
    b.clear().get(bytes);
    file.write(bytes);
  }

  private static ByteBuffer little(int bytes) {
    return ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }
}
