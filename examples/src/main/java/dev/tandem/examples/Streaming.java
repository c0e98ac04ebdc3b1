package dev.tandem.examples;

import dev.tandem.api.Generation;
import dev.tandem.api.GenerationListener;
import dev.tandem.api.Tandem;
import dev.tandem.api.TextModel;
import dev.tandem.generation.GeneratedToken;
import dev.tandem.generation.GenerationRequest;
import dev.tandem.generation.GenerationResult;
import dev.tandem.settings.WeightType;

/** Text as it is generated, with the probability of each token; then several texts at once. */
public final class Streaming {
  private Streaming() {}

  /** Prints the texts. */
  public static void main(String[] args) {
    try (TextModel model =
        Tandem.model("gpt2-shakespeare").type(WeightType.Q8_0).threads(2).open()) {
      GenerationRequest request =
          GenerationRequest.of("JULIET:").maxTokens(40).temperature(0.7).seed(42).logprobs(3);
      GenerationResult result = model.start(request, new Printer()).result();
      System.out.println();
      System.out.println("tokens: " + result.ids().length);

      Generation one = model.start(GenerationRequest.of("ROMEO:").maxTokens(20).seed(1));
      Generation two = model.start(GenerationRequest.of("NURSE:").maxTokens(20).seed(2));
      System.out.println("one: " + one.result().text().length() + " characters");
      System.out.println("two: " + two.result().text().length() + " characters");
    }
  }

  private static final class Printer implements GenerationListener {
    private double logprobs;

    @Override
    public void token(GeneratedToken token) {
      logprobs += token.logprob();
    }

    @Override
    public void text(String piece) {
      System.out.print(piece);
    }

    @Override
    public void completed(GenerationResult result) {
      System.out.printf("%nmean log-probability: %.3f", logprobs / result.ids().length);
    }
  }
}
