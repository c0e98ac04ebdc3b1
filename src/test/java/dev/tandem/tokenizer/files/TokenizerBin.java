package dev.tandem.tokenizer.files;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Locale;

/** Writes llama2.c's {@code tokenizer.bin}, starting with the control and byte tokens. */
final class TokenizerBin {
  private final ByteArrayOutputStream tokens = new ByteArrayOutputStream();
  private int count;

  TokenizerBin() {
    add("<unk>", 0).add("\n<s>\n", 0).add("\n</s>\n", 0);
    for (int value = 0; value < 256; value++) {
      add(String.format(Locale.ROOT, "<0x%02X>", value), 0);
    }
  }

  TokenizerBin add(String token, float score) {
    byte[] utf8 = token.getBytes(StandardCharsets.UTF_8);
    return addRaw(score, utf8.length, utf8);
  }

  TokenizerBin addRaw(float score, int length, byte... bytes) {
    ByteBuffer header = ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN);
    tokens.writeBytes(header.putFloat(score).putInt(length).array());
    tokens.writeBytes(bytes);
    count++;
    return this;
  }

  int count() {
    return count;
  }

  byte[] file(int maxTokenBytes) {
    byte[] body = tokens.toByteArray();
    ByteBuffer file = ByteBuffer.allocate(4 + body.length).order(ByteOrder.LITTLE_ENDIAN);
    return file.putInt(maxTokenBytes).put(body).array();
  }
}
