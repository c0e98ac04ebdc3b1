package dev.tandem.api;

import dev.tandem.generation.GenerationRequest;
import dev.tandem.settings.Reply;
import dev.tandem.split.Pairs;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/**
 * One way to split a model, and to draw from it.
 *
 * @param model the model's name
 * @param layers layers on the client
 * @param clients that generate at once, each with connections of its own
 */
record Combination(
    String model,
    int layers,
    Answer answer,
    Guesses guesses,
    Prefix prefix,
    int servers,
    Drawing drawing,
    int clients) {
  static final int MAX_SERVERS = 3;
  static final int MAX_CLIENTS = 16;

  private static final List<Integer> CLIENTS = List.of(1, MAX_CLIENTS);
  private static final List<Double> TEMPERATURES = List.of(0.0, 0.3, 1.0, 2.0);
  private static final List<Double> TOP_PS = List.of(1.0, 0.9);

  /** What the last server sends. */
  enum Answer {
    HIDDEN(Reply.HIDDEN, 1),
    LOGITS(Reply.LOGITS, 1),
    TOP2(Reply.TOPK, 2),
    TOP8(Reply.TOPK, 8),
    TOP64(Reply.TOPK, 64);

    final Reply reply;
    final int k;

    Answer(Reply reply, int k) {
      this.reply = reply;
      this.k = k;
    }
  }

  /** Who guesses. */
  enum Guesses {
    NONE,
    NGRAM,
    MODEL
  }

  /** Whether the servers keep prompts, and have seen this one. */
  enum Prefix {
    OFF,
    NEW,
    KNOWN
  }

  /** How tokens are drawn. */
  record Drawing(double temperature, double topP, boolean penalties) {

    GenerationRequest of(GenerationRequest request) {
      GenerationRequest drawn = request.temperature(temperature).topP(topP);
      return penalties
          ? drawn.sampling(
              drawn.sampling().toBuilder()
                  .repeatPenalty(1.2)
                  .presencePenalty(0.4)
                  .frequencyPenalty(0.1)
                  .logitBias(Map.of(12, 2.5, 40, -3.0))
                  .build())
          : drawn;
    }

    /** Without randomness the nucleus is of no importance. */
    boolean isRepeated() {
      return temperature == 0 && topP < 1;
    }

    /** Greedy, or from all tokens as they are. */
    boolean isPlain() {
      return !penalties && topP == 1 && (temperature == 0 || temperature == 1);
    }
  }

  /** What the connections depend on: combinations with equal ones can share them. */
  record Connections(
      String model, int layers, Answer answer, Guesses guesses, int servers, boolean caches) {}

  Connections connections() {
    return new Connections(model, layers, answer, guesses, servers, prefix != Prefix.OFF);
  }

  private static Combination of(String model, int[] values) {
    return new Combination(
        model,
        values[0],
        Answer.values()[values[1]],
        Guesses.values()[values[2]],
        Prefix.values()[values[3]],
        1 + values[4],
        new Drawing(TEMPERATURES.get(values[5]), TOP_PS.get(values[6]), values[7] == 1),
        CLIENTS.get(values[8]));
  }

  /**
   * A model's combinations, those with equal connections one after another: so many that each pair
   * of values occurs; or the product, where whole rows are drawn from in the plain ways only.
   */
  static Stream<Combination> of(String model, int nLayers, boolean product) {
    int[] sizes = {
      nLayers + 1,
      Answer.values().length,
      Guesses.values().length,
      Prefix.values().length,
      MAX_SERVERS,
      TEMPERATURES.size(),
      TOP_PS.size(),
      2,
      CLIENTS.size()
    };
    Stream<Combination> chosen =
        (product ? Pairs.all(sizes) : Pairs.of(1, sizes)).stream().map(values -> of(model, values));
    if (product) {
      chosen = chosen.filter(Combination::isInProduct);
    }
    return chosen.sorted(Comparator.comparing(combination -> combination.connections().toString()));
  }

  private boolean isInProduct() {
    return answer.reply == Reply.TOPK ? !drawing.isRepeated() : drawing.isPlain();
  }
}
