package dev.tandem.runtime;

import dev.tandem.decoding.Drafting;
import dev.tandem.decoding.Generator;
import dev.tandem.decoding.ModelDrafter;
import dev.tandem.decoding.NgramDrafter;
import dev.tandem.model.Checkpoint;
import dev.tandem.settings.Draft;
import dev.tandem.settings.EngineSettings;
import dev.tandem.settings.InvalidSettingException;
import dev.tandem.settings.LoadListener;
import dev.tandem.settings.Note;
import dev.tandem.settings.Reply;
import dev.tandem.tokenizer.Tokenizer;
import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;

/** What guesses tokens for a model: nothing, the text so far, or a small model in this process. */
public final class DraftRuntime implements AutoCloseable {
  /** Nothing is guessed. */
  public static final DraftRuntime NONE = new DraftRuntime();

  private final ResourceScope resources = new ResourceScope();
  private final Supplier<Drafting> drafting;
  private List<String> notes = List.of();

  private DraftRuntime(Draft draft, Tokenizer tokenizer, EngineSettings settings)
      throws IOException {
    if (draft.kind() == Draft.Kind.NGRAM) {
      Drafting ngram = new Drafting(draft.maxTokens(), draft.adaptive(), c -> new NgramDrafter());
      drafting = () -> ngram;
      return;
    }
    boolean opened = false;
    try {
      Checkpoint checkpoint = Models.open(draft.model().orElseThrow(), LoadListener.NONE);
      resources.add(checkpoint);
      WholeRuntime model = resources.add(WholeRuntime.open(checkpoint, own(settings)));
      checkTokenizer(checkpoint.name(), model.tokenizer(), tokenizer);
      notes = checkpoint.notes().stream().map(Note::toString).toList();
      drafting =
          () -> {
            Generator small = model.newGenerator(Reply.LOGITS);
            return new Drafting(
                draft.maxTokens(), draft.adaptive(), capacity -> new ModelDrafter(small, capacity));
          };
      opened = true;
    } finally {
      if (!opened) {
        resources.close();
      }
    }
  }

  private DraftRuntime() {
    drafting = () -> Drafting.NONE;
  }

  /**
   * Opens what guesses.
   *
   * @param large the model whose tokens are guessed
   * @param settings the large model's; the small one runs on as many threads
   * @throws InvalidSettingException if the rows of the large model's backend depend on others, so
   *     that guesses would change the text
   * @throws IOException if the small model cannot be opened, or has another tokenizer
   */
  public static DraftRuntime open(Optional<Draft> draft, Checkpoint large, EngineSettings settings)
      throws IOException {
    if (draft.isEmpty()) {
      return NONE;
    }
    settings.requireRowExact("where tokens are drafted");
    return new DraftRuntime(draft.get(), large.tokenizer(), settings);
  }

  /** The small model's own types and modes, on the large one's threads. */
  private static EngineSettings own(EngineSettings settings) {
    EngineSettings own = EngineSettings.defaults().withThreads(settings.threads());
    return settings.backend().isPresent() ? own.withBackend(settings.backend().get()) : own;
  }

  /** Ids must stand for the same bytes, or a guess would mean another text. */
  private static void checkTokenizer(String name, Tokenizer small, Tokenizer large)
      throws IOException {
    for (int id = 0; id < Math.max(small.vocabSize(), large.vocabSize()); id++) {
      if (!Arrays.equals(bytes(small, id), bytes(large, id))) {
        throw new IOException(
            "the drafting model "
                + name
                + " has another tokenizer: they differ at token "
                + id
                + "; use a model with the same one");
      }
    }
  }

  /** Empty for an id that only pads the other vocabulary. */
  private static byte[] bytes(Tokenizer tokenizer, int id) {
    return id < tokenizer.vocabSize() ? tokenizer.bytes(id) : new byte[0];
  }

  /** How a new generator's tokens are drafted. */
  Drafting newDrafting() {
    return drafting.get();
  }

  /** Notes for the user; one line each. */
  List<String> notes() {
    return notes;
  }

  @Override
  public void close() {
    resources.close();
  }
}
