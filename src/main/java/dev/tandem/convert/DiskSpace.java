package dev.tandem.convert;

import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/** Checks that outputs fit on their disks. */
final class DiskSpace {
  private DiskSpace() {}

  /**
   * The space that one output needs.
   *
   * @param out the output, for the message
   * @param store the disk; equal for outputs that share one
   * @param usableBytes the free bytes of the disk
   */
  record Need(Path out, long bytes, Object store, long usableBytes) {}

  /**
   * Checks outputs that will exist at the same time.
   *
   * @throws IOException if the outputs on one disk need more than its free space; the message names
   *     them
   */
  static void check(List<Need> needs) throws IOException {
    Map<Object, List<Need>> byStore =
        needs.stream()
            .collect(Collectors.groupingBy(Need::store, LinkedHashMap::new, Collectors.toList()));
    for (List<Need> together : byStore.values()) {
      long bytes = together.stream().mapToLong(Need::bytes).sum();
      long usable = together.get(0).usableBytes();
      if (bytes > usable) {
        String outs =
            together.stream()
                .map(need -> need.out().toString())
                .collect(Collectors.joining(" and "));
        throw new IOException(
            outs + ": the disk has " + usable + " B left, and " + bytes + " B are needed");
      }
    }
  }
}
