package dev.tandem.runtime;

import dev.tandem.client.ListedServers;
import dev.tandem.client.ServerConnections;
import dev.tandem.client.Traffic;
import dev.tandem.decoding.Generator;
import dev.tandem.generation.GenerationRequest;
import dev.tandem.model.Checkpoint;
import dev.tandem.runtime.SplitTimes.Sizes;
import dev.tandem.settings.ArithmeticMode;
import dev.tandem.settings.Backend;
import dev.tandem.settings.EngineSettings;
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
import java.io.InterruptedIOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
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
  private final SplitOptions split;
  private final ServerFinder finder;

  /** What serves any request. */
  private final Cut plain;

  /** What serves requests for which the best logits suffice. */
  private final Cut few;

  /** Why the model is cut there; empty if the user said where. */
  private final String reason;

  private final Optional<LocalStages> local;
  private final List<String> notes = new ArrayList<>();
  private final ServerChain first;

  private final Cut firstCut;

  /** Other chains than the first, which begin elsewhere; guarded by itself. */
  private final Map<Cut, ServerChain> others = new HashMap<>();

  private boolean exact;
  private boolean modesDiffer;

  private SplitRuntime(
      Checkpoint checkpoint, EngineSettings settings, SplitOptions split, DraftRuntime draft)
      throws IOException {
    this.checkpoint = checkpoint;
    this.split = split;
    scope.add(draft);
    try {
      settings.requireRowExact("where a model is split");
      notes.addAll(draft.notes());
      ServerConnections connections = new ServerConnections(split.connection());
      finder =
          new ServerFinder(new ListedServers(split.servers(), connections), checkpoint, settings);
      if (split.measured()) {
        firstCut = widest();
        first = chain(connections, firstCut);
        SplitTimes times =
            MeasuredSplit.times(
                checkpoint, here(settings, first.profile()), first, split, firstCut.layers());
        plain = Cut.of(times.best(false), firstCut.nLayers());
        few = Cut.of(times.best(true), firstCut.nLayers());
        reason = times.reason(times.best(false));
      } else {
        firstCut = Cut.of(checkpoint, split);
        first = chain(connections, firstCut);
        plain = firstCut;
        few = split.reply().isEmpty() && topIsShorter() ? plain.withReply(Reply.TOPK) : plain;
        reason = "";
      }
      if (plain.isServed()) {
        var unused = served(plain); // so that a failure is seen here
      }
      tokenizer = checkpoint.tokenizer();
      generators = new GeneratorFactory(checkpoint, tokenizer, draft);
      exact =
          first.profile().mode().isNative()
              && split.wire() == RowType.F32
              && checkpoint.approximation().isEmpty();
      checkpoint
          .approximationInWords()
          .ifPresent(
              words -> notes.add(words + ": the result differs from the whole model's bits"));
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

  /** A cut with as many layers on servers as they hold together. */
  private Cut widest() throws IOException {
    int nLayers = checkpoint.config().nLayers();
    int held = Cut.Held.of(checkpoint).layers();
    for (int layers = 0; ; layers++) {
      try {
        var unused = finder.cover(Span.layers(layers, nLayers));
        return new Cut(layers, nLayers, Reply.HIDDEN);
      } catch (InterruptedIOException e) {
        throw e;
      } catch (IOException e) {
        if (layers == held) {
          throw e;
        }
      }
    }
  }

  private ServerChain chain(ServerConnections connections, Cut cut) throws IOException {
    return scope.add(
        new ServerChain(finder, connections, checkpoint, split, cut.served(), cut.reply()));
  }

  /** Whether the best logits take fewer bytes than what is sent otherwise, and can be sent. */
  private boolean topIsShorter() throws IOException {
    Sizes sizes = Sizes.of(checkpoint, split, firstCut.layers(), List.of(plain.reply()));
    return plain.isServed()
        && first.hasTop()
        && sizes.replyBytes(Reply.TOPK) < sizes.replyBytes(plain.reply());
  }

  /** The servers of a cut. */
  private ServerChain served(Cut cut) throws IOException {
    boolean sameReply =
        cut.reply() == firstCut.reply() || (cut.reply() == Reply.TOPK && first.hasTop());
    if (cut.layers() == firstCut.layers() && sameReply) {
      return first;
    }
    synchronized (others) {
      ServerChain known = others.get(cut);
      if (known == null) {
        known = chain(new ServerConnections(split.connection()), cut);
        others.put(cut, known);
      }
      return known;
    }
  }

  /** What runs here, if anything does: the first layers, the head, or both. */
  private Optional<LocalStages> openLocal(EngineSettings settings) throws IOException {
    Set<Span> spans = new LinkedHashSet<>();
    for (Cut cut : List.of(plain, few)) {
      if (cut.first().hasLayers()) {
        spans.add(cut.first());
      }
      if (cut.headHere()) {
        spans.add(cut.head());
      }
    }
    if (spans.isEmpty()) {
      return Optional.empty();
    }
    LocalModel model = scope.add(LocalModel.open(checkpoint, here(settings, first.profile())));
    notes.addAll(model.notes());
    LocalStages stages = scope.add(new LocalStages(checkpoint, model, List.copyOf(spans)));
    for (Span span : spans) {
      if (span.hasLayers() && checkpoint.approximation().isEmpty()) {
        for (ArithmeticProfile each : first.profiles()) {
          checkPromptKernels(stages.profile(span), each);
        }
      }
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
    ArithmeticMode there = first.profile().mode();
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

  @Override
  public Checkpoint checkpoint() {
    return checkpoint;
  }

  @Override
  public Tokenizer tokenizer() {
    return tokenizer;
  }

  /**
   * {@inheritDoc} It is exact unless an end computes in plain Java, rows travel in fewer bits, or
   * the client's part is an approximation: all other unequal profiles are refused when the model is
   * opened.
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
    synchronized (others) {
      return Optional.of(
          others.values().stream()
              .map(ServerChain::traffic)
              .reduce(first.traffic(), Traffic::plus));
    }
  }

  /**
   * What runs where, such as {@code layers 0..1 here, layers 2..3 and the head on ws://a:8080}, and
   * why, if that was measured.
   */
  public String chain() {
    List<String> pieces = new ArrayList<>();
    if (plain.first().hasLayers()) {
      pieces.add(plain.first().inWords() + " here");
    }
    if (plain.isServed()) {
      pieces.add(plain.layers() == firstCut.layers() ? first.inWords() : otherInWords());
    }
    if (plain.headHere()) {
      pieces.add("the head here");
    }
    String top =
        few.reply() == plain.reply()
            ? ""
            : "; the best " + split.topLogits() + " logits come where they settle what is drawn";
    return String.join(", ", pieces) + top + (reason.isEmpty() ? "" : "; " + reason);
  }

  private String otherInWords() {
    synchronized (others) {
      return others.containsKey(plain) ? others.get(plain).inWords() : first.inWords();
    }
  }

  /**
   * {@inheritDoc} Where the user left it open, the best logits are asked for if they take fewer
   * bytes and nearly always settle what the request draws.
   */
  @Override
  public Reply replyFor(GenerationRequest request) {
    return ReplyChoice.bestLogitsSuffice(request, split.topLogits()) ? few.reply() : plain.reply();
  }

  @Override
  public Generator newGenerator(Reply reply) throws IOException {
    Cut cut = reply == few.reply() ? few : plain;
    List<Stage> stages = new ArrayList<>();
    if (cut.first().hasLayers()) {
      stages.add(local.orElseThrow().stage(cut.first()));
    }
    if (cut.isServed()) {
      stages.addAll(served(cut).stages(cut.reply()));
    }
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
