package dev.tandem.server;

import dev.tandem.protocol.CloseSequence;
import dev.tandem.protocol.ErrorCode;
import dev.tandem.protocol.Open;
import dev.tandem.protocol.Opened;
import dev.tandem.protocol.ProtocolException;
import dev.tandem.protocol.Resume;
import dev.tandem.protocol.Resumed;
import dev.tandem.protocol.SequenceLimits;
import dev.tandem.scheduler.Lane;
import dev.tandem.scheduler.ScheduledSequence;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** The sequences of one connection: opens, resumes and closes them. Only the event loop uses it. */
final class ConnectionSequences {

  /** A model, and this connection's lane in its scheduler. */
  private record Share(ModelService model, Lane lane) {}

  private final ClientConnection connection;
  private final Client client;
  private final int epoch;
  private final ResumableSequences resumable;
  private final List<Share> shares;
  private final Map<Integer, ServedSequence> byId = new HashMap<>();

  /** Those that are on their way here from another connection. */
  private final Set<ServedSequence> arriving = new LinkedHashSet<>();

  private int last;

  ConnectionSequences(
      ClientConnection connection,
      List<ModelService> models,
      Client client,
      int epoch,
      ResumableSequences resumable) {
    this.connection = connection;
    this.client = client;
    this.epoch = epoch;
    this.resumable = resumable;
    shares = models.stream().map(model -> new Share(model, model.lane(client.account()))).toList();
  }

  /** The connection's epoch, which every frame repeats. */
  int epoch() {
    return epoch;
  }

  void open(Open open) throws ProtocolException {
    Share share = share(open);
    share.model().check(open);
    count(open);
    Optional<PromptPrefix> prefix =
        client.account().prefixScope().map(scope -> share.model().prefix(open, scope));
    List<String> known = prefix.map(PromptPrefix::keys).orElse(List.of());
    connection.whenDone(
        share.lane().open(open.span(), open.maxPositions(), known),
        opened -> opened(open, share, opened, prefix),
        failure -> {
          client.closeSequence();
          connection.refuse(Replies.refusal(failure, open.request(), 0));
        });
  }

  /**
   * Counts a sequence before the engine looks at it, so that not more can wait for the engine
   * either. Where a limit is reached, the oldest lost sequence under it gives way, unless the other
   * limit refuses this one all the same.
   */
  private void count(Open open) throws ProtocolException {
    ClientAccount account = client.account();
    ClientAddress address = client.address();
    checkRoom(open, account.sequences(), "the clients of key " + account.name());
    checkRoom(open, address.sequences(), "the clients of address " + address.host());
    for (Quota quota : List.of(account.sequences(), address.sequences())) {
      if (quota.isFull()) {
        resumable.oldest(quota).ifPresent(resumable::end);
      }
    }
    client.openSequence();
  }

  private void checkRoom(Open open, Quota quota, String whose) throws ProtocolException {
    if (quota.isFull() && resumable.oldest(quota).isEmpty()) {
      throw ModelService.refused(
          ErrorCode.CAPACITY,
          open,
          whose
              + " may have "
              + quota.max()
              + " sequences together, and all of them are open or being opened; close one, or try"
              + " again later");
    }
  }

  private Share share(Open open) throws ProtocolException {
    for (Share share : shares) {
      if (open.model().isEmpty() || open.model().equals(share.model().hash())) {
        return share;
      }
    }
    throw ModelService.refused(
        ErrorCode.MODEL,
        open,
        "model " + open.model() + " is not served; " + shares.get(0).model().hash() + " is");
  }

  private void opened(
      Open open, Share share, ScheduledSequence scheduled, Optional<PromptPrefix> prefix) {
    if (connection.isClosing()) {
      client.closeSequence(); // closing the lane has freed it
      return;
    }
    ModelService model = share.model();
    SequenceLimits limits = model.limits(scheduled.spec(), open);
    prefix.ifPresent(chunks -> chunks.restored(scheduled.restored()));
    ServedSequence sequence = new ServedSequence(scheduled, limits, open, client, model, prefix);
    connection.whenDone(scheduled.ended(), v -> ended(sequence), failure -> {});
    connection.whenDone(scheduled.reclaimed(), why -> reclaimed(sequence, why), failure -> {});
    int id = add(sequence);
    connection.reply(
        new Opened(
            open.request(),
            id,
            epoch,
            model.hash(),
            model.profile(),
            limits,
            resumable.register(sequence),
            scheduled.restored()));
  }

  private int add(ServedSequence sequence) {
    sequence.setOwner(this);
    byId.put(++last, sequence);
    return last;
  }

  /** Its memory is returned, however that came about. */
  private void ended(ServedSequence sequence) {
    sequence.release();
    resumable.forget(sequence);
  }

  /** Another sequence needed its room, while it had no step. */
  private static void reclaimed(ServedSequence sequence, String why) {
    ConnectionSequences owner = sequence.owner();
    if (owner != null) {
      owner.tellReclaimed(sequence, why);
    }
  }

  private void tellReclaimed(ServedSequence sequence, String why) {
    for (Map.Entry<Integer, ServedSequence> each : List.copyOf(byId.entrySet())) {
      if (each.getValue().equals(sequence)) {
        int id = each.getKey();
        byId.remove(id);
        connection.refuse(Replies.reclaimed(id, why));
      }
    }
  }

  void resume(Resume message) throws ProtocolException {
    ServedSequence sequence = resumable.take(message, client.account());
    sequence.setOwner(this);
    arriving.add(sequence);
    connection.whenDone(
        sequence.scheduled().moveTo(laneOf(sequence)),
        length -> resumed(message, sequence, length),
        failure -> {
          sequence.endMove();
          arriving.remove(sequence);
          connection.refuse(Replies.refusal(failure, message.request(), 0));
        });
  }

  private Lane laneOf(ServedSequence sequence) {
    for (Share share : shares) {
      if (share.model().equals(sequence.model())) {
        return share.lane();
      }
    }
    throw new IllegalStateException("a sequence of a model that is not served");
  }

  private void resumed(Resume message, ServedSequence sequence, int length) {
    sequence.endMove();
    if (!arriving.remove(sequence)) {
      connection.refuse(Replies.unknown(message.request(), 0)); // yet another connection has it
      return;
    }
    int id = add(sequence);
    sequence.movedTo(epoch, id);
    connection.reply(new Resumed(message.request(), id, epoch, length));
  }

  /** Another connection has it from now on. */
  void lose(ServedSequence sequence) {
    arriving.remove(sequence);
    byId.values().remove(sequence);
  }

  void close(int id) throws ProtocolException {
    ServedSequence sequence = get(0, id);
    byId.remove(id);
    resumable.forget(sequence);
    sequence.release();
    connection.whenDone(
        sequence.scheduled().close(), v -> connection.reply(new CloseSequence(id)), failure -> {});
  }

  /**
   * A sequence by its id.
   *
   * @param request the request or step that names it
   * @throws ProtocolException if there is no such sequence
   */
  ServedSequence get(int request, int id) throws ProtocolException {
    ServedSequence sequence = byId.get(id);
    if (sequence == null) {
      throw Replies.unknown(request, id);
    }
    return sequence;
  }

  /** Whether the client still waits for steps of the sequence. */
  boolean has(int id, ServedSequence sequence) {
    return sequence.equals(byId.get(id));
  }

  /** Its engine failed, and has freed it. */
  void failed(int id) {
    ServedSequence sequence = byId.remove(id);
    if (sequence != null) {
      ended(sequence);
    }
  }

  /** A step was refused unread; the sequence begins again. */
  void invalidate(int id) {
    ServedSequence sequence = byId.get(id);
    if (sequence != null) {
      sequence.scheduled().invalidate();
    }
  }

  /** Computes nothing, because the client does not read. */
  void pause() {
    shares.stream().map(Share::lane).forEach(Lane::pause);
  }

  void goOn() {
    shares.stream().map(Share::lane).forEach(Lane::resume);
  }

  /**
   * The connection has ended. What waits is dropped.
   *
   * @param keep whether the client may resume its sequences
   */
  void end(boolean keep) {
    arriving.addAll(byId.values());
    byId.clear();
    arriving.forEach(keep && resumable.isOffered() ? resumable::detach : resumable::end);
    arriving.clear();
    shares.stream().map(Share::lane).forEach(Lane::close);
  }
}
