package dev.tandem.api;

import dev.tandem.generation.GenerationRequest;
import dev.tandem.settings.Draft;
import dev.tandem.settings.ModelSource;
import dev.tandem.settings.Reply;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;

/**
 * What a run of {@link ChaosTest} does, all drawn from its seed.
 *
 * @param seed of the run
 * @param clients those that run at once
 * @param kills of servers
 */
record ChaosPlan(long seed, List<Client> clients, List<Kill> kills) {
  /** Tokens of each client. */
  static final int TOKENS = 60;

  private static final ModelSource SMALL =
      ModelSource.of(Path.of("src/test/resources/models/gpt2-shakespeare-draft").toString());

  private static final List<String> OPENINGS =
      List.of(
          "But soft! What light through yonder window breaks? It is the east, and number ",
          "Now is the winter of our discontent made glorious summer by this sun of York. Act ",
          "ROMEO:\n");

  /**
   * A client.
   *
   * @param layers that it computes itself
   */
  record Client(int layers, Reply reply, Optional<Draft> draft, GenerationRequest request) {
    private static Client draw(Random random, int firstLayer, int nLayers) {
      Reply[] replies = Reply.values();
      List<Optional<Draft>> drafts =
          List.of(Optional.empty(), Optional.of(Draft.ngram()), Optional.of(Draft.model(SMALL)));
      String opening = OPENINGS.get(random.nextInt(OPENINGS.size()));
      return new Client(
          firstLayer + random.nextInt(nLayers - firstLayer + 1),
          replies[random.nextInt(replies.length)],
          drafts.get(random.nextInt(drafts.size())),
          GenerationRequest.of(opening + random.nextInt(100))
              .maxTokens(TOKENS)
              .ignoreEos(true)
              .temperature(random.nextInt(3) / 2.0)
              .seed(random.nextLong()));
    }
  }

  /**
   * A server is killed at a token of a client.
   *
   * @param inReplay whether it is killed sooner: when a client sends its rows again after the kill
   *     before this one, if one does
   * @param delayMillis how long after the event
   * @param deadMillis how long nothing listens at least
   */
  record Kill(
      int client, int token, int server, boolean inReplay, int delayMillis, int deadMillis) {}

  /**
   * @param firstLayer the first one that servers hold
   * @param nServers of which some are killed
   * @param nKills how many kills
   */
  static ChaosPlan draw(long seed, int firstLayer, int nLayers, int nServers, int nKills) {
    Random random = new Random(seed);
    List<Client> clients = new ArrayList<>();
    int nClients = 1 + random.nextInt(3);
    for (int i = 0; i < nClients; i++) {
      clients.add(Client.draw(random, firstLayer, nLayers));
    }
    List<Kill> kills = new ArrayList<>();
    for (int i = 0; i < nKills; i++) {
      kills.add(
          new Kill(
              random.nextInt(nClients),
              1 + random.nextInt(TOKENS),
              random.nextInt(nServers),
              i > 0 && random.nextBoolean(),
              random.nextInt(30),
              random.nextBoolean() ? 0 : random.nextInt(1500)));
    }
    return new ChaosPlan(seed, clients, kills);
  }
}
