package dev.tandem.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Watches the memory of another process, of which only Linux tells, until it is closed. */
final class ProcessMemory implements AutoCloseable {
  private static final long PERIOD_MILLIS = 10;

  private final Path status;
  private final Thread watch = new Thread(this::watch, "memory");
  private volatile long residentBytes;
  private volatile boolean closed;

  ProcessMemory(long pid) {
    status = Path.of("/proc", Long.toString(pid), "status");
    watch.start();
  }

  private void watch() {
    try {
      while (!closed) {
        String text = Files.readString(status);
        residentBytes = Math.max(residentBytes, bytes(text, "VmHWM"));
        Thread.sleep(PERIOD_MILLIS);
      }
    } catch (IOException | InterruptedException e) {
      closed = true; // the process has ended
    }
  }

  /** 0 of a process that is ending. */
  private static long bytes(String text, String key) {
    Matcher line = Pattern.compile(key + ":\\s+([0-9]+) kB").matcher(text);
    return line.find() ? 1024 * Long.parseLong(line.group(1)) : 0;
  }

  /** The most resident memory ever, the pages of mapped files included. */
  long residentBytes() {
    return residentBytes;
  }

  @Override
  public void close() {
    closed = true; // the thread ends within its period
  }
}
