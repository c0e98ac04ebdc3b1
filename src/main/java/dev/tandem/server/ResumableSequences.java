package dev.tandem.server;

import dev.tandem.protocol.ErrorCode;
import dev.tandem.protocol.ProtocolException;
import dev.tandem.protocol.Resume;
import dev.tandem.protocol.ResumeToken;
import io.vertx.core.Vertx;
import java.security.SecureRandom;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/**
 * Finds a server's sequences by their resume tokens, and keeps those of lost connections for the
 * grace period. Only the event loop uses it.
 */
final class ResumableSequences {
  private final Vertx vertx;
  private final long graceMillis;
  private final SecureRandom random = new SecureRandom();
  private final Map<ResumeToken, ServedSequence> byToken = new HashMap<>();

  /** Those that no connection has, the oldest first, with the timers that end them. */
  private final Map<ServedSequence, Long> detached = new LinkedHashMap<>();

  /**
   * @param graceMillis how long a sequence is kept without a connection; 0: not at all
   */
  ResumableSequences(Vertx vertx, long graceMillis) {
    this.vertx = vertx;
    this.graceMillis = graceMillis;
  }

  /** Whether sequences outlive their connections. */
  boolean isOffered() {
    return graceMillis > 0;
  }

  /** Gives a new sequence a token; empty if sequences end with their connections. */
  Optional<ResumeToken> register(ServedSequence sequence) {
    if (!isOffered()) {
      return Optional.empty();
    }
    ResumeToken token = ResumeToken.random(random);
    byToken.put(token, sequence);
    sequence.setToken(token);
    return Optional.of(token);
  }

  /** Its connection is lost: it is kept for the grace period. */
  void detach(ServedSequence sequence) {
    sequence.setOwner(null);
    var unused = sequence.scheduled().detach();
    detached.put(sequence, vertx.setTimer(graceMillis, timer -> end(sequence)));
  }

  /** Frees a sequence, and forgets it; idempotent. */
  void end(ServedSequence sequence) {
    forget(sequence);
    sequence.release();
    var unused = sequence.scheduled().close();
  }

  /** The sequence has ended, or will in a moment; idempotent. */
  void forget(ServedSequence sequence) {
    sequence.token().ifPresent(byToken::remove);
    stopTimer(sequence);
  }

  private void stopTimer(ServedSequence sequence) {
    Long timer = detached.remove(sequence);
    if (timer != null) {
      vertx.cancelTimer(timer);
    }
  }

  /**
   * Takes a sequence away from the connection that has it, if one does. The caller ends the move.
   *
   * @throws ProtocolException if there is none with this token and account, or it moves already,
   *     too often
   */
  ServedSequence take(Resume message, ClientAccount account) throws ProtocolException {
    ServedSequence sequence = byToken.get(message.token());
    if (sequence == null || !sequence.account().equals(account)) {
      throw new ProtocolException(
          ErrorCode.UNKNOWN_SEQUENCE,
          "the sequence to resume is not held any more, or it belongs to another API key",
          message.request(),
          0);
    }
    if (!sequence.beginMove()) {
      throw new ProtocolException(
          ErrorCode.LIMIT,
          "more than "
              + ServedSequence.MAX_MOVES
              + " resumes of a sequence at once; try again later",
          message.request(),
          0);
    }
    stopTimer(sequence);
    ConnectionSequences owner = sequence.owner();
    if (owner != null) {
      owner.lose(sequence);
    }
    return sequence;
  }

  /** The oldest sequence that no connection has and that counts in a quota. */
  Optional<ServedSequence> oldest(Quota quota) {
    return detached.keySet().stream().filter(sequence -> sequence.countsIn(quota)).findFirst();
  }
}
