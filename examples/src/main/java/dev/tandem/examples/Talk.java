package dev.tandem.examples;

import dev.tandem.api.Conversation;
import dev.tandem.api.Tandem;
import dev.tandem.api.TextModel;
import dev.tandem.generation.GenerationRequest;

/** A sequence that is continued turn by turn: only the new rows of each turn are computed. */
public final class Talk {
  private Talk() {}

  /** Prints the conversation. */
  public static void main(String[] args) {
    try (TextModel model = Tandem.open("gpt2-shakespeare");
        Conversation conversation = model.conversation()) {
      for (String line : new String[] {"ROMEO:\n", "\nJULIET:\n", "\nROMEO:\n"}) {
        GenerationRequest turn = GenerationRequest.of(line).maxTokens(30).stop("\n\n").seed(7);
        System.out.print(line + conversation.generate(turn).text());
      }
      System.out.println();
      System.out.println("tokens: " + conversation.length());
    }
  }
}
