package dev.tandem.runtime;

import dev.tandem.client.ListedServers;
import dev.tandem.client.ServerConnections;
import dev.tandem.client.Traffic;
import dev.tandem.decoding.Generator;
import dev.tandem.generation.GenerationRequest;
import dev.tandem.model.Checkpoint;
import dev.tandem.model.ModelPart;
import dev.tandem.settings.ArithmeticMode;
import dev.tandem.settings.Backend;
import dev.tandem.settings.EngineSettings;
import dev.tandem.settings.InvalidSettingException;
import dev.tandem.settings.ProfileDifference;
import dev.tandem.settings.ProfileDifference.Field;
import dev.tandem.settings.ProfileException;
import dev.tandem.settings.Reply;
import dev.tandem.settings.RowType;
import dev.tandem.stage.ArithmeticProfile;
import dev.tandem.stage.Span;
import dev.tandem.stage.Stage;
import dev.tandem.tokenizer.Tokenizer;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;

/**
 * A model whose text, embedding, sampling and first layers are here, and whose other layers run on
 * one or more servers. It draws the tokens that the whole model draws, to the bit.
 */
public final class SplitRuntime implements ModelRuntime {
  /** The mode of the layers here is compared elsewhere, and everything else is the server's. */
  private static final Set<Field> PROMPT_FIELDS = Set.of(Field.PROMPT_KERNELS, Field.BLAS);

  private final Checkpoint checkpoint;
  private final ResourceScope scope = new ResourceScope();
  private final Tokenizer tokenizer;
  private final GeneratorFactory generators;
  private final Cut cut;
  private final Optional<LocalStages> local;
  private final List<String> notes = new ArrayList<>();
  private final ServerChain served;
  private boolean exact;
  private boolean modesDiffer;

  private SplitRuntime(
      Checkpoint checkpoint, EngineSettings settings, SplitOptions split, DraftRuntime draft)
      throws IOException {
    this.checkpoint = checkpoint;
    scope.add(draft);
    try {
      settings.requireRowExact("where a model is split");
      notes.addAll(draft.notes());
      cut = Cut.of(checkpoint, split);
      ServerConnections connections = new ServerConnections(split.connection());
      ServerFinder finder =
          new ServerFinder(new ListedServers(split.servers(), connections), checkpoint, settings);
      served =
          scope.add(
              new ServerChain(finder, connections, checkpoint, split, cut.served(), cut.reply()));
      tokenizer = checkpoint.tokenizer();
      generators = new GeneratorFactory(checkpoint, tokenizer, draft);
      exact = served.profile().mode().isNative() && split.wire() == RowType.F32;
      if (split.wire() != RowType.F32) {
        notes.add(
            "rows travel as "
                + lower(split.wire())
                + ": the result differs from the whole model's bits");
      }
      local = openLocal(settings);
    } catch (IOException | RuntimeException | Error e) {
      scope.closeAfter(e);
      throw e;
    }
  }

  /**
   * Connects to servers that offer the same model's layers that are not here: one, or several one
   * after another.
   *
   * @param checkpoint the model, or a part with at least its embedding; must stay open, and the
   *     caller closes it after this model
   * @throws IOException if there is no server, or it has another model, other layers or another
   *     arithmetic; the message states both
   * @throws IllegalArgumentException if the checkpoint does not hold that many layers, or the
   *     requested head, or the backend is for whole models only
   */
  public static SplitRuntime connect(
      Checkpoint checkpoint, EngineSettings settings, SplitOptions split) throws IOException {
    return connect(checkpoint, settings, split, DraftRuntime.NONE);
  }

  /**
   * As {@link #connect(Checkpoint, EngineSettings, SplitOptions)}, with drafts.
   *
   * @param draft closed with this, and if this fails
   */
  public static SplitRuntime connect(
      Checkpoint checkpoint, EngineSettings settings, SplitOptions split, DraftRuntime draft)
      throws IOException {
    return new SplitRuntime(checkpoint, settings, split, draft);
  }

  /**
   * Checks that the client's layers give the bits that the server would give.
   *
   * @throws ProfileException if prompts are computed differently
   */
  static void checkPromptKernels(ArithmeticProfile here, ArithmeticProfile served)
      throws ProfileException {
    List<ProfileDifference> differences =
        here.differences(served).stream()
            .filter(ProfileDifference::bitsCanDiffer)
            .filter(each -> PROMPT_FIELDS.contains(each.field()))
            .toList();
    if (!differences.isEmpty()) {
      throw new ProfileException("the server", differences);
    }
  }

  private static String lower(Enum<?> value) {
    return value.name().toLowerCase(Locale.ROOT);
  }

  /** What runs here, if anything does: the first layers, the head, or both. */
  private Optional<LocalStages> openLocal(EngineSettings settings) throws IOException {
    List<Span> spans = new ArrayList<>();
    if (cut.first().hasLayers()) {
      spans.add(cut.first());
    }
    if (cut.headHere()) {
      spans.add(cut.head());
    }
    if (spans.isEmpty()) {
      return Optional.empty();
    }
    LocalModel model = scope.add(LocalModel.open(checkpoint, here(settings, served.profile())));
    notes.addAll(model.notes());
    LocalStages stages = scope.add(new LocalStages(checkpoint, model, spans));
    if (cut.first().hasLayers()) {
      for (ArithmeticProfile each : served.profiles()) {
        checkPromptKernels(stages.profile(cut.first()), each);
      }
    }
    for (Span span : spans) {
      checkMode(stages.profile(span).mode());
    }
    return Optional.of(stages);
  }

  /** The server's arithmetic, with its backend unless this client requests another one. */
  private static EngineSettings here(EngineSettings settings, ArithmeticProfile served) {
    Optional<Backend> same =
        served.mode() == ArithmeticMode.JAVA ? Optional.of(Backend.JAVA) : Optional.empty();
    return new EngineSettings(
        settings.threads(),
        settings.isa(),
        Optional.of(served.activationEval()),
        Optional.of(served.kvType()),
        served.mode() == ArithmeticMode.REPRODUCIBLE,
        served.chunkRows(),
        settings.backend().or(() -> same));
  }

  private void checkMode(ArithmeticMode here) {
    ArithmeticMode there = served.profile().mode();
    if (here != there && !modesDiffer) {
      modesDiffer = true;
      notes.add(
          "the server computes in mode "
              + lower(there)
              + ", this client in mode "
              + lower(here)
              + ": the result differs from the whole model's bits");
    }
    exact &= here == there;
  }

  /**
   * Where the model is cut.
   *
   * @param layers layers that run here
   * @param nLayers layers of the model
   * @param reply what comes back
   */
  private record Cut(int layers, int nLayers, Reply reply) {

    Span first() {
      return Span.layers(0, layers);
    }

    Span served() {
      return new Span(layers, nLayers, reply.output());
    }

    Span head() {
      return Span.head(nLayers);
    }

    boolean headHere() {
      return reply == Reply.HIDDEN;
    }

    static Cut of(Checkpoint checkpoint, SplitOptions split) throws IOException {
      ModelPart part = checkpoint.part();
      if (!part.embedding()) {
        throw new IOException(
            checkpoint.name() + " is a server's part (" + part + "); a client needs the embedding");
      }
      int held = part.layers().begin() == 0 ? part.layers().end() : 0;
      int layers = split.localLayers().orElse(checkpoint.isWhole() ? 0 : held);
      if (layers < 0 || layers > held) {
        throw new InvalidSettingException("layers", "must be in 0.." + held, layers);
      }
      Reply reply = split.reply().orElse(part.head() ? Reply.HIDDEN : Reply.LOGITS);
      if (reply == Reply.HIDDEN && !part.head()) {
        throw new InvalidSettingException(
            "reply",
            "must be logits or topk, because " + checkpoint.name() + " holds no head",
            "hidden");
      }
      return new Cut(layers, checkpoint.config().nLayers(), reply);
    }
  }

  @Override
  public Checkpoint checkpoint() {
    return checkpoint;
  }

  @Override
  public Tokenizer tokenizer() {
    return tokenizer;
  }

  /**
   * {@inheritDoc} It is exact unless an end computes in plain Java: all other unequal profiles are
   * refused when the model is opened.
   */
  @Override
  public boolean exact() {
    return exact;
  }

  @Override
  public List<String> notes() {
    return List.copyOf(notes);
  }

  @Override
  public Optional<Traffic> traffic() {
    return Optional.of(served.traffic());
  }

  /** What runs where, such as {@code layers 0..1 here, layers 2..3 and the head on ws://a:8080}. */
  public String chain() {
    String first = cut.first().hasLayers() ? cut.first().inWords() + " here, " : "";
    return first + served.inWords() + (cut.headHere() ? ", the head here" : "");
  }

  @Override
  public Reply replyFor(GenerationRequest request) {
    return cut.reply();
  }

  @Override
  public Generator newGenerator(Reply reply) {
    List<Stage> stages = new ArrayList<>();
    if (cut.first().hasLayers()) {
      stages.add(local.orElseThrow().stage(cut.first()));
    }
    stages.addAll(served.stages());
    if (cut.headHere()) {
      stages.add(local.orElseThrow().stage(cut.head()));
    }
    return generators.of(stages);
  }

  @Override
  public void close() {
    scope.close();
  }
}
