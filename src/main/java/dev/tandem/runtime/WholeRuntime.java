package dev.tandem.runtime;

import dev.tandem.client.Traffic;
import dev.tandem.decoding.Generator;
import dev.tandem.generation.GenerationRequest;
import dev.tandem.model.Checkpoint;
import dev.tandem.settings.EngineSettings;
import dev.tandem.settings.Reply;
import dev.tandem.stage.Span;
import dev.tandem.tokenizer.Tokenizer;
import java.io.IOException;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/** A model that runs in this process. */
public final class WholeRuntime implements ModelRuntime {
  private final Checkpoint checkpoint;
  private final Span span;
  private final LocalModel model;
  private final LocalStages stages;
  private final Tokenizer tokenizer;
  private final GeneratorFactory generators;
  private final DraftRuntime draft;

  private WholeRuntime(Checkpoint checkpoint, EngineSettings settings, DraftRuntime draft)
      throws IOException {
    this.checkpoint = checkpoint;
    this.draft = draft;
    span = Span.whole(checkpoint.config().nLayers());
    try (ResourceScope scope = new ResourceScope()) {
      scope.add(draft);
      checkWhole(checkpoint);
      try (TokenizerLoad load = new TokenizerLoad(checkpoint)) {
        model = scope.add(LocalModel.open(checkpoint, settings));
        stages = scope.add(new LocalStages(checkpoint, model, List.of(span)));
        tokenizer = load.await();
      }
      generators = new GeneratorFactory(checkpoint, tokenizer, draft);
      scope.succeeded();
    }
  }

  private static void checkWhole(Checkpoint checkpoint) throws IOException {
    if (!checkpoint.isWhole()) {
      throw new IOException(
          checkpoint.name()
              + " is a part of a model ("
              + checkpoint.part()
              + "); run it split, with a server that has the rest");
    }
  }

  /**
   * Loads a model that drafts nothing.
   *
   * @param checkpoint must stay open; the caller closes it after the runtime
   * @throws IOException if its files cannot be read, or it is only a part of a model
   * @throws LinkageError if the settings name a native backend and it cannot be loaded
   */
  public static WholeRuntime open(Checkpoint checkpoint, EngineSettings settings)
      throws IOException {
    return open(checkpoint, settings, DraftRuntime.NONE);
  }

  /**
   * As {@link #open(Checkpoint, EngineSettings)}, with drafts.
   *
   * @param draft closed with this, and if this fails
   */
  public static WholeRuntime open(
      Checkpoint checkpoint, EngineSettings settings, DraftRuntime draft) throws IOException {
    return new WholeRuntime(checkpoint, settings, draft);
  }

  @Override
  public Checkpoint checkpoint() {
    return checkpoint;
  }

  @Override
  public Tokenizer tokenizer() {
    return tokenizer;
  }

  @Override
  public boolean exact() {
    return stages.profile(span).mode().isNative() && checkpoint.approximation().isEmpty();
  }

  @Override
  public List<String> notes() {
    return Stream.of(
            model.notes().stream(),
            draft.notes().stream(),
            checkpoint.approximationInWords().stream())
        .flatMap(notes -> notes)
        .toList();
  }

  @Override
  public Optional<Traffic> traffic() {
    return Optional.empty();
  }

  /** {@inheritDoc} It is a whole row of logits, which is in this process's memory anyway. */
  @Override
  public Reply replyFor(GenerationRequest request) {
    return Reply.LOGITS;
  }

  @Override
  public Generator newGenerator(Reply reply) {
    return generators.of(List.of(stages.stage(span)));
  }

  @Override
  public void close() {
    try {
      stages.close();
    } finally {
      draft.close();
    }
  }
}
