package dev.tandem.tokenizer;

import java.text.Normalizer.Form;

final class Nfc {
  private Nfc() {}

  static String normalize(String text) {
    return java.text.Normalizer.normalize(text, Form.NFC);
  }
}
