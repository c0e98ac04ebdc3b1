package dev.tandem.server;

import dev.tandem.endpoints.ServerOptions;
import dev.tandem.protocol.ErrorCode;
import dev.tandem.protocol.FrameLimits;
import dev.tandem.protocol.ModelOffer;
import dev.tandem.protocol.Open;
import dev.tandem.protocol.PrefixChain;
import dev.tandem.protocol.Protocol;
import dev.tandem.protocol.ProtocolException;
import dev.tandem.protocol.SequenceLimits;
import dev.tandem.protocol.WireProfile;
import dev.tandem.scheduler.Lane;
import dev.tandem.scheduler.ModelScheduler;
import dev.tandem.scheduler.SchedulerLimits;
import dev.tandem.scheduler.Tenant;
import dev.tandem.settings.Offer;
import dev.tandem.settings.ProfileDifference;
import dev.tandem.stage.ArithmeticProfile;
import dev.tandem.stage.StageSpec;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** One offered model: its scheduler, and its limits. */
final class ModelService implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(ModelService.class);

  private final OfferedModel model;
  private final StageSpec offered;
  private final String hash;
  private final WireProfile profile;
  private final int maxPositions;
  private final ModelScheduler scheduler;

  /** One for each API key that has connected; only the event loop uses it. */
  private final Map<ClientAccount, Tenant> tenants = new HashMap<>();

  ModelService(OfferedModel model, ServerOptions options) {
    this.model = model;
    this.offered = model.stages().offered();
    this.hash = model.stages().profile().modelHash();
    this.profile = WireProfile.of(model.stages().profile());
    this.maxPositions = Math.min(options.maxContext(), offered.maxSeq());
    this.scheduler =
        new ModelScheduler(
            "tandem-engine-" + model.name(),
            model.stages(),
            limits(options),
            (problem, cause) -> log.error("{}: {}", problem, cause.toString()));
  }

  private static SchedulerLimits limits(ServerOptions options) {
    return new SchedulerLimits(
        options.maxSequences(),
        Protocol.MAX_IN_FLIGHT,
        options.times().drain().toMillis(),
        options.kvBudget(),
        options.times().queue(),
        options.times().idle(),
        options.prefixes().bytes());
  }

  String hash() {
    return hash;
  }

  WireProfile profile() {
    return profile;
  }

  ModelScheduler scheduler() {
    return scheduler;
  }

  /**
   * A lane for a new connection, whose tenant is that of its API key, or, without one, the
   * connection itself.
   */
  Lane lane(ClientAccount account) {
    return account.isAnonymous()
        ? scheduler.lane()
        : tenants.computeIfAbsent(account, key -> scheduler.tenant(account.maxBytes())).lane();
  }

  /** Limits of step frames. */
  FrameLimits frameLimits() {
    return new FrameLimits(profile.chunkRows(), offered.dModel());
  }

  /** What clients may download of it. */
  Optional<OfferedParts> parts() {
    return model.parts();
  }

  ModelOffer offer(boolean withTensors) {
    return new ModelOffer(
        model.name(),
        hash,
        model.nLayers(),
        new StageSpec(offered.span(), offered.dModel(), offered.vocabSize(), maxPositions),
        profile,
        model.parts().map(OfferedParts::offer).orElse(Offer.NONE),
        scheduler.layerMillis(),
        withTensors ? model.tensors() : List.of());
  }

  /**
   * Checks whether a sequence can be opened, as far as this is known without the scheduler.
   *
   * @throws ProtocolException if it cannot; the message states the request and the offer
   */
  void check(Open open) throws ProtocolException {
    checkProfile(open);
    if (open.maxPositions() > maxPositions) {
      throw refused(
          ErrorCode.LIMIT,
          open,
          open.maxPositions() + " positions are requested, the limit is " + maxPositions);
    }
  }

  private void checkProfile(Open open) throws ProtocolException {
    ArithmeticProfile served = model.stages().profile();
    List<ProfileDifference> differences;
    try {
      differences = served.differences(open.profile().ofClient(served));
    } catch (ProtocolException e) {
      throw refused(ErrorCode.PROFILE, open, String.valueOf(e.getMessage()));
    }
    if (!differences.isEmpty()) {
      throw refused(
          ErrorCode.PROFILE,
          open,
          differences.stream()
              .map(each -> each.worded("the server has"))
              .collect(Collectors.joining("; ", "the client requests ", "")));
    }
  }

  static ProtocolException refused(ErrorCode code, Open open, String message) {
    return new ProtocolException(code, message, open.request(), 0);
  }

  SequenceLimits limits(StageSpec spec, Open open) {
    int chunkRows = profile.chunkRows();
    int positions = open.maxPositions();
    return open.top().isEmpty()
        ? SequenceLimits.of(chunkRows, spec.dModel(), spec.outWidth(), positions)
        : SequenceLimits.ofTop(
            chunkRows,
            spec.dModel(),
            spec.vocabSize(),
            open.top().get().columns(spec.vocabSize()),
            positions);
  }

  /** The chunks that a sequence of a client claims to begin with. */
  PromptPrefix prefix(Open open, String scope) {
    PrefixChain chain = new PrefixChain(hash, open.span(), open.sendType(), profile);
    return new PromptPrefix(scope, profile.chunkRows(), chain, open.prefix());
  }

  boolean isClosing() {
    return scheduler.isClosing();
  }

  @Override
  public void close() {
    scheduler.close();
  }
}
