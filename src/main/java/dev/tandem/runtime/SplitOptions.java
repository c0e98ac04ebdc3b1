package dev.tandem.runtime;

import dev.tandem.endpoints.ConnectionOptions;
import dev.tandem.sampling.TopLogits;
import dev.tandem.settings.ConnectionListener;
import dev.tandem.settings.InvalidSettingException;
import dev.tandem.settings.Reply;
import dev.tandem.settings.RowType;
import java.net.URI;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * The place where a model is cut, and the reply of the server.
 *
 * @param servers each e.g. {@code ws://127.0.0.1:8080/v1/split}; as few as possible are used that
 *     hold the layers together
 * @param localLayers layers {@code 0 .. localLayers - 1} run here, the others on the server; empty
 *     for all that a part of a model holds, none of a whole model
 * @param measured whether the number of layers that run here is chosen by measuring, and the reply
 *     too if it is empty; {@code localLayers} is then empty
 * @param reply {@code HIDDEN}: the logits are computed here; otherwise on the server; empty: here,
 *     if the head is here
 * @param topLogits logits of a row that come with {@code TOPK}, 1 to {@link TopLogits#MAX_SIZE}
 * @param wire how rows travel in both directions
 * @param patience how long a lost server is looked for; zero: not at all
 * @param listener is called when a server is lost or found
 * @param connection how long the client waits
 */
public record SplitOptions(
    List<URI> servers,
    OptionalInt localLayers,
    boolean measured,
    Optional<Reply> reply,
    int topLogits,
    RowType wire,
    Duration patience,
    ConnectionListener listener,
    ConnectionOptions connection) {
  /** How long a lost server is looked for where nothing else is said. */
  public static final Duration PATIENCE = Duration.ofMinutes(2);

  /**
   * Copies the list.
   *
   * @throws InvalidSettingException if a number is out of range
   */
  public SplitOptions {
    servers = List.copyOf(servers);
    if (measured && localLayers.isPresent()) {
      throw new IllegalArgumentException("layers are given, and are to be measured");
    }
    if (topLogits < 1 || topLogits > TopLogits.MAX_SIZE) {
      throw new InvalidSettingException(
          "topLogits", "must be in 1.." + TopLogits.MAX_SIZE, topLogits);
    }
  }

  /** The same with that reply, and with that many layers here unless this is to be measured. */
  SplitOptions withChoices(int newLocalLayers, Optional<Reply> newReply) {
    return new SplitOptions(
        servers,
        measured ? OptionalInt.empty() : OptionalInt.of(newLocalLayers),
        measured,
        newReply,
        topLogits,
        wire,
        patience,
        listener,
        connection);
  }

  /** Options with both choices made. */
  public SplitOptions(URI server, int localLayers, Reply reply) {
    this(
        List.of(server),
        OptionalInt.of(localLayers),
        false,
        Optional.of(reply),
        TopLogits.DEFAULT_SIZE,
        RowType.F32,
        PATIENCE,
        ConnectionListener.NONE,
        ConnectionOptions.defaults());
  }

  /** Options with both choices left to the checkpoint. */
  public SplitOptions(URI server) {
    this(
        List.of(server),
        OptionalInt.empty(),
        false,
        Optional.empty(),
        TopLogits.DEFAULT_SIZE,
        RowType.F32,
        PATIENCE,
        ConnectionListener.NONE,
        ConnectionOptions.defaults());
  }
}
