package dev.tandem.runtime;

import dev.tandem.client.RemoteStage;
import dev.tandem.client.ServerConnection;
import dev.tandem.client.ServerConnections;
import dev.tandem.client.ServerStage;
import dev.tandem.client.StageRequest;
import dev.tandem.client.Traffic;
import dev.tandem.directory.Cover.Member;
import dev.tandem.directory.Holder;
import dev.tandem.directory.Load;
import dev.tandem.model.Checkpoint;
import dev.tandem.settings.Reply;
import dev.tandem.stage.ArithmeticProfile;
import dev.tandem.stage.Span;
import dev.tandem.stage.Stage;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.stream.Collectors;

/**
 * The servers that compute what a client does not, one after another. Each that is lost is replaced
 * by itself; the others stay.
 */
final class ServerChain implements AutoCloseable {
  private final ServerFinder finder;
  private final ServerConnections connections;
  private final Checkpoint checkpoint;
  private final SplitOptions split;
  private final Reply reply;
  private final int topLogits;
  private final List<ChainMember> members = new CopyOnWriteArrayList<>();
  private final List<ServerStage> stages = new ArrayList<>();

  /**
   * Finds servers and connects to them.
   *
   * @param finder finds servers
   * @param connections closed with this, and if this fails
   * @param checkpoint the client's model or part
   * @param span what the servers compute together
   * @param reply what the last of them sends
   * @throws IOException if they cannot be found, or one cannot be used
   */
  ServerChain(
      ServerFinder finder,
      ServerConnections connections,
      Checkpoint checkpoint,
      SplitOptions split,
      Span span,
      Reply reply)
      throws IOException {
    this.finder = finder;
    this.connections = connections;
    this.checkpoint = checkpoint;
    this.split = split;
    this.reply = reply;
    topLogits = split.topLogits();
    try (ResourceScope scope = new ResourceScope()) {
      scope.add(connections);
      List<Member> cover = finder.cover(span);
      for (int i = 0; i < cover.size(); i++) {
        ChainMember member = new ChainMember(cover.get(i), i == cover.size() - 1);
        members.add(member);
        stages.add(scope.add(new ServerStage(member, split.patience(), split.listener())));
      }
      connections.closeIdle();
      scope.succeeded();
    }
  }

  /** The arithmetic of the first server, with which that of the others agrees. */
  ArithmeticProfile profile() {
    return stages.get(0).profile();
  }

  /** The arithmetic of every server. */
  List<ArithmeticProfile> profiles() {
    return members.stream().map(each -> each.chosen.holder().profile()).toList();
  }

  /** The stages in the order of their layers. */
  List<Stage> stages() {
    return stages(reply);
  }

  /**
   * The stages in the order of their layers, with another reply of the last one.
   *
   * @param other {@code TOPK} if {@link #hasTop}; otherwise the chain's own reply
   */
  List<Stage> stages(Reply other) {
    List<Stage> all = new ArrayList<>(stages);
    if (other == Reply.TOPK) {
      int last = all.size() - 1;
      members.get(last).needsHead = true;
      all.set(last, stages.get(last).top(topLogits));
    }
    return all;
  }

  /**
   * A stage of the last server that has no layers: one that sends back what it gets, or the head
   * with the best logits of each row. It is lost with that server's connection.
   */
  Stage lastWithoutLayers(boolean head) throws IOException {
    RemoteStage stage = stages.get(stages.size() - 1).withoutLayers();
    return head ? stage.top(topLogits) : stage;
  }

  /** Whether the last server can send the best logits. */
  boolean hasTop() {
    ChainMember last = members.get(members.size() - 1);
    return last.hasTop && last.chosen.holder().span().hasHead();
  }

  /** What all connections have carried. */
  Traffic traffic() {
    return stages.stream().map(ServerStage::traffic).reduce(new Traffic(0, 0, 0, 0), Traffic::plus);
  }

  /** Which server computes what, and what is known of each. */
  String inWords() {
    return members.stream().map(ChainMember::inWords).collect(Collectors.joining(", "));
  }

  @Override
  public void close() {
    connections.close();
    stages.forEach(ServerStage::close);
  }

  /** Connects to the server of one span, or to another one in its place. */
  private final class ChainMember implements ServerStage.Connector {
    private final boolean last;
    private volatile Member chosen;
    private volatile boolean hasTop;

    /** Whether the head is used, too, which is not part of the span where rows are hidden. */
    private volatile boolean needsHead;

    private boolean connected;

    /**
     * @param chosen the first server
     * @param last whether its answers are what the client asks for
     */
    ChainMember(Member chosen, boolean last) {
      this.chosen = chosen;
      this.last = last;
    }

    @Override
    public RemoteStage connect() throws IOException {
      Member next = connected ? finder.replacement(needed(), profiles()) : chosen;
      Member member = new Member(next.holder(), chosen.span());
      RemoteStage stage = connect(member);
      chosen = member;
      if (connected) {
        connections.closeIdle();
      }
      connected = true;
      return stage;
    }

    /** What another server must hold. */
    private Member needed() {
      Span span = chosen.span();
      return needsHead
          ? new Member(chosen.holder(), Span.toLogits(span.begin(), span.end()))
          : chosen;
    }

    private RemoteStage connect(Member member) throws IOException {
      ServerConnection connection = connections.take(member.holder().server());
      boolean usable = false;
      try {
        if (last && reply == Reply.TOPK) {
          connection.checkTop();
        }
        hasTop = connection.hasTop();
        RemoteStage stage =
            connection.stage(
                new StageRequest(
                    member.span(),
                    member.holder().profile(),
                    split.wire(),
                    split.wire(),
                    TensorHashes.of(checkpoint.heldTensors())));
        usable = true;
        return stage;
      } finally {
        if (!usable) {
          connection.close();
        }
      }
    }

    String inWords() {
      Holder holder = chosen.holder();
      Load load = holder.load();
      StringBuilder known = new StringBuilder();
      if (load.roundTripMillis() > 0) {
        known.append(String.format(Locale.ROOT, "round trip %.1f ms", load.roundTripMillis()));
      }
      load.millisPerLayer()
          .ifPresent(
              millis ->
                  known
                      .append(known.isEmpty() ? "" : ", ")
                      .append(String.format(Locale.ROOT, "%.2f ms per layer", millis)));
      return chosen.span().inWords()
          + " on "
          + holder.address()
          + (known.isEmpty() ? "" : " (" + known + ")");
    }
  }
}
