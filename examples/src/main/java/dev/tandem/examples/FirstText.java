package dev.tandem.examples;

import dev.tandem.api.Tandem;
import dev.tandem.api.TextModel;

/** The shortest program: the embedded model continues a text. */
public final class FirstText {
  private FirstText() {}

  /** Prints the text. */
  public static void main(String[] args) {
    try (TextModel model = Tandem.open("gpt2-shakespeare")) {
      System.out.println(model.generate("ROMEO:"));
    }
  }
}
