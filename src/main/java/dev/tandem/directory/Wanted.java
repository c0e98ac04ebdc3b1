package dev.tandem.directory;

import dev.tandem.stage.ArithmeticProfile;
import dev.tandem.stage.Span;
import java.util.List;
import java.util.Optional;

/**
 * What a client needs from servers.
 *
 * @param modelHash the model; empty if the client does not know it
 * @param span the layers, and perhaps the head
 * @param profile the arithmetic that the others have; empty if there are none yet
 */
public record Wanted(Optional<String> modelHash, Span span, Optional<ArithmeticProfile> profile) {

  /** Whether a holder may be used, whatever it holds. */
  public boolean fits(Holder holder) {
    return (modelHash.isEmpty() || modelHash.get().equals(holder.profile().modelHash()))
        && (profile.isEmpty() || Profiles.agree(profile.get(), holder.profile()));
  }

  /** Whether holders can give it together. */
  public boolean isMetBy(List<Holder> holders) {
    return Cover.find(holders.stream().filter(this::fits).toList(), span).isPresent();
  }
}
