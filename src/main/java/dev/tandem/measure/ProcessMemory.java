package dev.tandem.measure;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Memory of this process. */
final class ProcessMemory {
  private ProcessMemory() {}

  /**
   * Resets {@link #peakRssBytes}, after unused memory went back to the system; does nothing if the
   * system does not allow it.
   */
  static void resetPeak() {
    System.gc();
    try {
      Files.writeString(Path.of("/proc/self/clear_refs"), "5");
    } catch (IOException e) {
      return; // not Linux, or not allowed: the peak stays that of the whole process
    }
  }

  /**
   * The largest resident memory since the process began or {@link #resetPeak}, from {@code
   * proc(5)}; 0 if there is no such file.
   */
  static long peakRssBytes() {
    try {
      for (String line : Files.readAllLines(Path.of("/proc/self/status"))) {
        if (line.startsWith("VmHWM:")) {
          return 1024 * Long.parseLong(line.replaceAll("[^0-9]", ""));
        }
      }
    } catch (IOException e) {
      return 0; // not Linux
    }
    return 0;
  }
}
