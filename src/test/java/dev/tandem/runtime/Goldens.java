package dev.tandem.runtime;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;

/** The committed outputs of independent implementations. */
final class Goldens {
  private Goldens() {}

  static List<JsonNode> read(String file) {
    try (InputStream in = Goldens.class.getResourceAsStream("/goldens/" + file)) {
      List<JsonNode> entries = new ArrayList<>();
      new ObjectMapper().readTree(in).forEach(entries::add);
      return entries;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  static int[] ints(JsonNode array) {
    int[] values = new int[array.size()];
    for (int i = 0; i < values.length; i++) {
      values[i] = array.get(i).intValue();
    }
    return values;
  }
}
