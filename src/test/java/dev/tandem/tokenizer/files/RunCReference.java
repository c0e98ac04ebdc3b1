package dev.tandem.tokenizer.files;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * {@code encode} of llama2.c's {@code run.c} (MIT), statement by statement: strings are
 * concatenated and looked up, all pairs are scanned for each merge. Strings hold one byte a char,
 * and do not end at a zero.
 */
final class RunCReference {
  private final List<String> vocab = new ArrayList<>();
  private final List<Float> scores = new ArrayList<>();
  private final Map<String, Integer> sorted = new HashMap<>();

  RunCReference(byte[] tokenizerBin, int vocabSize) {
    ByteBuffer in = ByteBuffer.wrap(tokenizerBin).order(ByteOrder.LITTLE_ENDIAN);
    in.getInt();
    for (int id = 0; id < vocabSize; id++) {
      scores.add(in.getFloat());
      byte[] bytes = new byte[in.getInt()];
      in.get(bytes);
      vocab.add(new String(bytes, StandardCharsets.ISO_8859_1));
      sorted.putIfAbsent(vocab.get(id), id);
    }
  }

  int[] encode(String text) {
    byte[] utf8 = text.getBytes(StandardCharsets.UTF_8);
    String bytes = new String(utf8, StandardCharsets.ISO_8859_1);
    List<Integer> tokens = new ArrayList<>();
    if (!bytes.isEmpty()) {
      tokens.add(lookUp(" "));
    }
    StringBuilder buffer = new StringBuilder();
    for (int i = 0; i < bytes.length(); i++) {
      if ((bytes.charAt(i) & 0xC0) != 0x80) {
        buffer.setLength(0);
      }
      buffer.append(bytes.charAt(i));
      boolean continues = i + 1 < bytes.length() && (bytes.charAt(i + 1) & 0xC0) == 0x80;
      if (continues && buffer.length() < 4) {
        continue;
      }
      int id = lookUp(buffer.toString());
      if (id != -1) {
        tokens.add(id);
      } else {
        buffer.chars().forEach(value -> tokens.add(value + 3));
      }
      buffer.setLength(0);
    }
    while (mergeBest(tokens)) {}
    return tokens.stream().mapToInt(id -> id).toArray();
  }

  private boolean mergeBest(List<Integer> tokens) {
    float bestScore = -1e10f;
    int bestId = -1;
    int bestAt = -1;
    for (int i = 0; i + 1 < tokens.size(); i++) {
      int id = lookUp(vocab.get(tokens.get(i)) + vocab.get(tokens.get(i + 1)));
      if (id != -1 && scores.get(id) > bestScore) {
        bestScore = scores.get(id);
        bestId = id;
        bestAt = i;
      }
    }
    if (bestAt == -1) {
      return false;
    }
    tokens.set(bestAt, bestId);
    tokens.remove(bestAt + 1);
    return true;
  }

  private int lookUp(String bytes) {
    return sorted.getOrDefault(bytes, -1);
  }
}
