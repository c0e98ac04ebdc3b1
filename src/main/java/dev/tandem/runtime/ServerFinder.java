package dev.tandem.runtime;

import dev.tandem.directory.Absent;
import dev.tandem.directory.Cover;
import dev.tandem.directory.Cover.Member;
import dev.tandem.directory.Directory;
import dev.tandem.directory.Holder;
import dev.tandem.directory.Listing;
import dev.tandem.directory.Profiles;
import dev.tandem.directory.Wanted;
import dev.tandem.model.Checkpoint;
import dev.tandem.model.ModelConfig;
import dev.tandem.settings.ArithmeticMode;
import dev.tandem.settings.EngineSettings;
import dev.tandem.settings.ProfileDifference;
import dev.tandem.settings.ProfileException;
import dev.tandem.stage.ArithmeticProfile;
import dev.tandem.stage.Span;
import dev.tandem.stage.StageSpec;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Finds servers with this client's model and arithmetic in a {@link Directory}, and says clearly
 * what is missing.
 */
final class ServerFinder {
  private final Directory directory;
  private final Checkpoint checkpoint;
  private final EngineSettings settings;

  /**
   * @param checkpoint the client's model or part
   * @param settings the arithmetic that the client asks for
   */
  ServerFinder(Directory directory, Checkpoint checkpoint, EngineSettings settings) {
    this.directory = directory;
    this.checkpoint = checkpoint;
    this.settings = settings;
  }

  /** Holders that can be used, and why others cannot. */
  private record Candidates(List<Holder> usable, List<Absent> refused) {

    /** The holders that agree with a profile. */
    List<Holder> agreeing(ArithmeticProfile profile) {
      return usable.stream().filter(each -> Profiles.agree(profile, each.profile())).toList();
    }
  }

  /**
   * The servers that compute a span one after another, with equal arithmetic.
   *
   * @throws ProfileException if servers hold the span together and compute differently
   * @throws IOException if there are none; the message says what is missing
   */
  List<Member> cover(Span span) throws IOException {
    Wanted wanted = new Wanted(hash(), span, Optional.empty());
    Candidates candidates = candidates(directory.find(wanted));
    Cover best = null;
    for (Holder first : candidates.usable()) {
      Optional<Cover> found =
          Cover.find(candidates.agreeing(first.profile()), span)
              .filter(each -> conflict(each.members()) == null);
      if (found.isPresent() && (best == null || found.get().isBetterThan(best))) {
        best = found.get();
      }
    }
    if (best == null) {
      Optional<Cover> unequal = Cover.find(candidates.usable(), span);
      ProfileException conflict = unequal.isEmpty() ? null : conflict(unequal.get().members());
      throw conflict == null ? missing(span, candidates) : conflict;
    }
    return best.members();
  }

  /**
   * A server in place of a member of a chain.
   *
   * @param lost the member, whose server is preferred: it may still hold the sequences
   * @param chain the arithmetic of all members
   * @throws IOException if there is none at the moment
   */
  Member replacement(Member lost, List<ArithmeticProfile> chain) throws IOException {
    ArithmeticProfile profile = lost.holder().profile();
    Wanted wanted = new Wanted(Optional.of(profile.modelHash()), lost.span(), Optional.of(profile));
    Candidates candidates = candidates(directory.find(wanted));
    List<Holder> agreeing =
        candidates.usable().stream()
            .filter(each -> chain.stream().allMatch(one -> Profiles.agree(one, each.profile())))
            .toList();
    List<Holder> whole =
        agreeing.stream().filter(each -> each.span().contains(lost.span())).toList();
    for (Holder holder : whole) {
      if (holder.server().equals(lost.holder().server())) {
        return new Member(holder, lost.span());
      }
    }
    Optional<Cover> found = Cover.find(whole, lost.span());
    if (found.isPresent()) {
      return found.get().members().get(0);
    }
    List<Absent> refused = new ArrayList<>(candidates.refused());
    for (Holder holder : candidates.usable()) {
      if (!agreeing.contains(holder)) {
        refused.add(
            new Absent(
                holder.server(),
                new ProfileException(
                    holder.address(), Profiles.conflicts(profile, holder.profile()))));
      }
    }
    throw missing(lost.span(), new Candidates(agreeing, refused));
  }

  private Optional<String> hash() throws IOException {
    return checkpoint.knowsHash() ? Optional.of(checkpoint.hash().hex()) : Optional.empty();
  }

  private Candidates candidates(Listing listing) throws IOException {
    List<Holder> usable = new ArrayList<>();
    List<Absent> refused = new ArrayList<>();
    boolean several =
        Stream.concat(
                    listing.holders().stream().map(Holder::server),
                    listing.absent().stream().map(Absent::server))
                .distinct()
                .count()
            > 1;
    for (Holder holder : listing.holders()) {
      IOException refusal = refusal(holder, several ? holder.address() : "the server");
      if (refusal == null) {
        usable.add(holder);
      } else {
        refused.add(new Absent(holder.server(), refusal));
      }
    }
    refused.addAll(listing.absent());
    return new Candidates(usable, refused);
  }

  /**
   * Why this client cannot use a holder; null if it can. A part without a hash relies on the
   * server, except for its own tensors, which are compared with the server's list when the stage is
   * opened. A known hash covers the shape, so then only a dishonest server has another one.
   */
  private @Nullable IOException refusal(Holder holder, String server) throws IOException {
    if (checkpoint.knowsHash() && !checkpoint.hash().hex().equals(holder.profile().modelHash())) {
      return Holder.isNot(
          server,
          holder.name(),
          holder.profile().modelHash(),
          checkpoint.name(),
          checkpoint.hash().hex());
    }
    if (!hasShape(holder)) {
      return otherShape(holder, server);
    }
    List<ProfileDifference> differences = requested(holder.profile()).differences(holder.profile());
    return differences.isEmpty() ? null : new ProfileException(server, differences);
  }

  private IOException otherShape(Holder holder, String server) {
    ModelConfig config = checkpoint.config();
    StageSpec offered = holder.offered();
    return new IOException(
        String.format(
            Locale.ROOT,
            "%s describes model %s with %d layers, %d columns, %d tokens and %d positions, this"
                + " client has %d, %d, %d and %d",
            server,
            holder.name(),
            holder.nLayers(),
            offered.dModel(),
            offered.vocabSize(),
            offered.maxSeq(),
            config.nLayers(),
            config.dModel(),
            config.vocabSize(),
            config.maxSeq()));
  }

  private boolean hasShape(Holder holder) {
    ModelConfig config = checkpoint.config();
    StageSpec offered = holder.offered();
    return holder.nLayers() == config.nLayers()
        && offered.dModel() == config.dModel()
        && offered.vocabSize() == config.vocabSize()
        && offered.maxSeq() <= config.maxSeq();
  }

  /** A server's arithmetic, with what this client's settings ask for. */
  private ArithmeticProfile requested(ArithmeticProfile served) {
    return new ArithmeticProfile(
        served.modelHash(),
        served.matrixTypes(),
        settings.activationEval().orElse(served.activationEval()),
        settings.kvType().orElse(served.kvType()),
        settings.reproducible() ? ArithmeticMode.REPRODUCIBLE : served.mode(),
        settings.chunkRows() == 0 ? served.chunkRows() : settings.chunkRows(),
        served.promptKernels(),
        served.blas());
  }

  /** Two members that compute differently; null if all compute alike. */
  private static @Nullable ProfileException conflict(List<Member> members) {
    for (int i = 1; i < members.size(); i++) {
      for (int j = 0; j < i; j++) {
        Holder one = members.get(j).holder();
        Holder other = members.get(i).holder();
        List<ProfileDifference> found = Profiles.conflicts(one.profile(), other.profile());
        if (!found.isEmpty()) {
          return new ProfileException(other.address(), one.address(), found);
        }
      }
    }
    return null;
  }

  /** The one reason there is, or what is missing and what there is. */
  private IOException missing(Span span, Candidates candidates) {
    List<Absent> refused = candidates.refused();
    if (candidates.usable().isEmpty() && refused.size() == 1) {
      return refused.get(0).cause();
    }
    String gap = Cover.missing(candidates.usable(), span);
    String what =
        candidates.usable().isEmpty()
            ? "no server can be used"
            : gap.isEmpty()
                ? "no server holds all of " + span.inWords() + " of " + checkpoint.name()
                : "no server holds " + gap + " of " + checkpoint.name();
    String held =
        candidates.usable().stream()
            .map(each -> each.address() + " holds " + each.span().inWords())
            .collect(Collectors.joining(", "));
    String others =
        refused.stream()
            .map(each -> String.valueOf(each.cause().getMessage()))
            .collect(Collectors.joining("; "));
    IOException failure =
        new IOException(
            Stream.of(what, held, others)
                .filter(each -> !each.isEmpty())
                .collect(Collectors.joining("; ")));
    refused.forEach(each -> failure.addSuppressed(each.cause()));
    return failure;
  }
}
