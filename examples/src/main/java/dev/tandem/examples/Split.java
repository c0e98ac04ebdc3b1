package dev.tandem.examples;

import dev.tandem.api.ModelServer;
import dev.tandem.api.SplitModel;
import dev.tandem.api.Tandem;
import dev.tandem.api.TextModel;
import dev.tandem.generation.GenerationRequest;

/** A model that is split: the server could run on another machine. Its text is the whole model's. */
public final class Split {
  private Split() {}

  /** Prints the text. */
  public static void main(String[] args) {
    GenerationRequest request = GenerationRequest.of("ROMEO:").maxTokens(30).seed(3);
    try (ModelServer server = Tandem.server("gpt2-shakespeare").port(0).start();
        SplitModel split =
            Tandem.split("gpt2-shakespeare").server(server.uri()).layers(1).connect();
        TextModel whole = Tandem.open("gpt2-shakespeare")) {
      String text = split.generate(request).text();
      System.out.println(text);
      System.out.println("bytes sent: " + split.wireStats().bytesSent());
      System.out.println("same as whole: " + text.equals(whole.generate(request).text()));
    }
  }
}
