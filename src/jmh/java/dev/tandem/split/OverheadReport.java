package dev.tandem.split;

import dev.tandem.api.ModelServer;
import dev.tandem.api.SplitModel;
import dev.tandem.api.Tandem;
import dev.tandem.api.TextModel;
import dev.tandem.generation.GenerationRequest;
import dev.tandem.generation.GenerationResult;
import dev.tandem.settings.ModelSource;
import dev.tandem.settings.Reply;
import java.util.Arrays;
import java.util.Locale;

/**
 * What a server over loopback costs: ms per token of a whole model and of a split one whose layers
 * are all on the server, in turn. Prints a row of Markdown for each model.
 *
 * <p>Arguments: ROUNDS MODEL...
 */
public final class OverheadReport {
  private static final int TOKENS = 16;
  private static final int WARM_UP = 5;

  private OverheadReport() {}

  private static double msPerToken(TextModel model, int[] expected) {
    GenerationResult result = generate(model);
    if (!Arrays.equals(result.ids(), expected)) {
      throw new IllegalStateException("other tokens");
    }
    return result.timings().decodeNanos() / 1e6 / result.timings().decodeTokens();
  }

  private static GenerationResult generate(TextModel model) {
    return model.generate(
        GenerationRequest.of(new int[] {11, 262, 318, 257})
            .temperature(0)
            .maxTokens(TOKENS)
            .ignoreEos(true));
  }

  private static void measure(String name, int rounds) {
    ModelSource source = ModelSource.of(name);
    try (TextModel whole = Tandem.model(source).open();
        ModelServer server = Tandem.server(source).port(0).start();
        SplitModel split =
            Tandem.split(source).server(server.uri()).layers(0).reply(Reply.HIDDEN).connect()) {
      int[] expected = generate(whole).ids();
      double[] alone = new double[rounds];
      double[] served = new double[rounds];
      for (int i = -WARM_UP; i < rounds; i++) {
        double wholeMs = msPerToken(whole, expected);
        double splitMs = msPerToken(split, expected);
        if (i >= 0) {
          alone[i] = wholeMs;
          served[i] = splitMs;
        }
      }
      Arrays.sort(alone);
      Arrays.sort(served);
      double bound = 1.05 * alone[rounds / 2] + 0.2;
      System.out.printf(
          Locale.ROOT,
          "| %s | %.3f | %.3f | %.2f | %.3f | %s |%n",
          whole.info().name(),
          alone[rounds / 2],
          served[rounds / 2],
          served[rounds / 2] / alone[rounds / 2],
          bound,
          served[rounds / 2] <= bound ? "yes" : "no");
    }
  }

  /** Measures and prints. */
  public static void main(String[] args) {
    System.out.println(
        "| model | whole, ms/token | split over loopback | ratio | 1.05 x whole + 0.2 ms | within |"
            + "\n|---|---|---|---|---|---|");
    for (String model : Arrays.copyOfRange(args, 1, args.length)) {
      measure(model, Integer.parseInt(args[0]));
    }
  }
}
