package dev.tandem.api;

/**
 * What happened in runs of {@link ChaosTest}.
 *
 * @param kills of server processes
 * @param inReplays kills among these while a client sent its rows again after another one
 * @param breaks of wires
 * @param replays after which a client computed on with a new sequence
 * @param moves replays among these on another server
 * @param resumed losses after which it went on with the one it had
 */
record ChaosCounts(int kills, int inReplays, int breaks, int replays, int moves, int resumed) {
  static final ChaosCounts NONE = new ChaosCounts(0, 0, 0, 0, 0, 0);

  ChaosCounts plus(ChaosCounts more) {
    return new ChaosCounts(
        kills + more.kills,
        inReplays + more.inReplays,
        breaks + more.breaks,
        replays + more.replays,
        moves + more.moves,
        resumed + more.resumed);
  }
}
