package dev.tandem.measure;

import dev.tandem.client.Traffic;
import dev.tandem.decoding.GenerationException;
import dev.tandem.decoding.Generator;
import dev.tandem.decoding.TokenSink;
import dev.tandem.generation.GeneratedToken;
import dev.tandem.generation.GenerationRequest;
import dev.tandem.generation.GenerationResult;
import dev.tandem.generation.GenerationTimings;
import dev.tandem.measure.stages.ForcedText;
import dev.tandem.model.Checkpoint;
import dev.tandem.runtime.DraftRuntime;
import dev.tandem.runtime.GeneratorFactory;
import dev.tandem.settings.Draft;
import dev.tandem.settings.EngineSettings;
import dev.tandem.settings.InvalidSettingException;
import dev.tandem.settings.SamplingOptions;
import java.io.IOException;
import java.net.URI;
import java.util.Arrays;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Measures how often drafts are right on a given text. A real client and a real server compute
 * every step, and the text decides what is drawn, so the model may have any weights.
 *
 * <p>The text is cut into windows of the model's context. Each begins {@code promptTokens} before
 * the end of the one before, with these as its prompt: every later token of the text is drawn once,
 * and always with at least so many before it.
 */
public final class DraftReplay {
  private DraftReplay() {}

  /**
   * How a text is replayed.
   *
   * @param settings the arithmetic of both ends
   * @param placement where the layers run; not {@link Placement#WHOLE}
   * @param server offers the same model; empty for one in this process
   * @param draft what guesses; empty for nothing
   * @param promptTokens tokens before the first draw of each window, at least 1
   */
  public record Options(
      EngineSettings settings,
      Placement placement,
      Optional<URI> server,
      Optional<Draft> draft,
      int promptTokens) {

    /**
     * Checks the values.
     *
     * @throws InvalidSettingException naming the first wrong one
     */
    public Options {
      InvalidSettingException.require(
          placement.split(), "placement", "must have a server", placement);
      InvalidSettingException.require(
          promptTokens >= 1, "promptTokens", "must be at least 1", promptTokens);
    }
  }

  /**
   * Replays one text.
   *
   * @param name what the row calls it
   * @param ids the text, in the model's vocabulary
   * @throws IllegalArgumentException if the text has too few tokens, or the prompt leaves no room
   *     in the model's context
   * @throws dev.tandem.api.ModelException if a model cannot be read
   */
  public static DraftReplayRow run(MeasuredModel model, Options options, String name, int[] ids) {
    return model.measure(checkpoint -> run(checkpoint, options, name, ids));
  }

  private static DraftReplayRow run(Checkpoint checkpoint, Options options, String name, int[] ids)
      throws IOException, GenerationException {
    int context = checkpoint.config().maxSeq();
    int prompt = options.promptTokens();
    // The first draw comes with the prompt's own round trip, so a second one is needed.
    if (prompt + 2 > context) {
      throw new IllegalArgumentException(
          "a prompt of " + prompt + " leaves no room in the model's " + context + " positions");
    }
    if (ids.length < prompt + 2) {
      throw new IllegalArgumentException(
          name + " has " + ids.length + " tokens; a prompt of " + prompt + " leaves none to draw");
    }
    try (DraftRuntime drafts = DraftRuntime.open(options.draft(), checkpoint, options.settings());
        PlacedModel placed =
            new PlacedModel(
                checkpoint, options.settings(), options.placement(), options.server())) {
      ForcedText forced = new ForcedText();
      Generator generator =
          new GeneratorFactory(checkpoint, checkpoint.tokenizer(), drafts)
              .of(forced.force(placed.stages()));
      Count count = new Count(placed);
      for (int begin = 0; begin + prompt + 2 <= ids.length; begin += context - prompt) {
        int[] window = Arrays.copyOfRange(ids, begin, Math.min(begin + context, ids.length));
        forced.set(window);
        count.add(window, prompt, generator);
      }
      return count.row(name, prompt);
    }
  }

  /** The sums over a text's windows. */
  private static final class Count implements TokenSink {
    private final PlacedModel placed;
    private @Nullable Traffic before;
    private long tokens;
    private long roundTrips;
    private long drafted;
    private long compared;
    private long accepted;
    private long nanos;
    private long sent;
    private long received;

    Count(PlacedModel placed) {
      this.placed = placed;
    }

    @Override
    public void token(int id, @Nullable GeneratedToken details) {
      if (before == null) {
        before = placed.traffic(); // the prompt has been computed, and nothing else
      }
    }

    @Override
    public boolean takesText() {
      return false;
    }

    void add(int[] window, int prompt, Generator generator)
        throws IOException, GenerationException {
      before = null;
      GenerationResult result =
          generator.run(
              GenerationRequest.of(Arrays.copyOf(window, prompt))
                  .sampling(SamplingOptions.greedy())
                  .ignoreEos(true)
                  .maxTokens(window.length - prompt),
              this);
      Traffic after = placed.traffic();
      int difference =
          Arrays.mismatch(result.ids(), 0, result.ids().length, window, prompt, window.length);
      if (difference >= 0 || before == null) {
        throw new IllegalStateException("drew another text from token " + difference + " on");
      }
      GenerationTimings timings = result.timings();
      tokens += result.ids().length - 1;
      roundTrips += after.roundTrips() - before.roundTrips();
      sent += after.bytesSent() - before.bytesSent();
      received += after.bytesReceived() - before.bytesReceived();
      drafted += timings.draftedTokens();
      compared += timings.comparedTokens();
      accepted += timings.acceptedTokens();
      nanos += timings.decodeNanos();
    }

    DraftReplayRow row(String name, int prompt) {
      return new DraftReplayRow(
          name,
          prompt,
          tokens,
          roundTrips,
          drafted,
          compared,
          accepted,
          nanos / 1e6 / tokens,
          sent,
          received);
    }
  }
}
