package dev.tandem.scheduler;

import dev.tandem.stage.CopyingStage;
import dev.tandem.stage.Sequence;
import java.io.IOException;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Whole chunks of prompts that were computed, kept for sequences that begin with the same rows. A
 * chunk is found by its key, which stands for the rows of the chunk and of all before it. What is
 * kept and copied has the bits of what would be computed.
 *
 * <p>The chunks that were not used for longest make room for others. A chunk counts as used after
 * those that follow it, so that none is kept without the chunks before it.
 *
 * <p>It belongs to whoever holds the engine, except {@link #bytes}.
 */
final class PrefixCache implements Reclaimable {
  /**
   * A sequence of one chunk.
   *
   * @param index the number of chunks before it
   * @param previous the key of the chunk before it; empty for the first
   */
  private record Chunk(StageRunner runner, int index, String previous, Sequence state, long bytes) {
    /**
     * Whether a sequence can take it as its chunk of that index. Its state follows from all chunks
     * before it, and the keys are only a claim: each must be known to follow the one before it.
     */
    boolean fits(StageRunner stage, int place, List<String> keys) {
      return runner.equals(stage) && index == place && previous.equals(before(keys, place));
    }

    static String before(List<String> keys, int place) {
      return place == 0 ? "" : keys.get(place - 1);
    }
  }

  private final long maxBytes;
  private final int chunkRows;
  private final Room room;
  private final SchedulerListener listener;

  /** By key; the one that was not used for longest comes first. */
  private final Map<String, Chunk> chunks = new LinkedHashMap<>(16, 0.75f, true);

  private final AtomicLong bytes = new AtomicLong();

  /**
   * A cache.
   *
   * @param maxBytes memory for what it keeps; 0: it keeps nothing
   * @param room what sequences take; the cache takes what they leave
   */
  PrefixCache(long maxBytes, int chunkRows, Room room, SchedulerListener listener) {
    this.maxBytes = chunkRows % CopyingStage.COPY_MULTIPLE == 0 ? maxBytes : 0;
    this.chunkRows = chunkRows;
    this.room = room;
    this.listener = listener;
  }

  /** Memory of what it keeps; any thread may ask. */
  long bytes() {
    return bytes.get();
  }

  /**
   * Copies the longest known beginning into a new sequence, whose length then says how long it is.
   *
   * @param keys of the chunks that the sequence begins with
   */
  void restore(StageRunner runner, Sequence to, List<String> keys) {
    Optional<CopyingStage> stage = runner.copying();
    int found = 0;
    try {
      for (; found < keys.size() && stage.isPresent(); found++) {
        Chunk chunk = chunks.get(keys.get(found));
        int position = found * chunkRows;
        if (chunk == null
            || !chunk.fits(runner, found, keys)
            || position > to.capacity() - chunkRows) {
          break;
        }
        stage.get().copy(chunk.state, 0, to, position, chunkRows);
      }
    } catch (RuntimeException e) {
      listener.failed("a known beginning of a prompt was not copied", e);
    }
    touch(keys.subList(0, found));
  }

  /**
   * Keeps the last chunk of a prompt that was just computed, if there is room and all chunks before
   * it are kept.
   *
   * @param keys of the prompt's chunks up to this one
   */
  void keep(StageRunner runner, Sequence from, List<String> keys) {
    Optional<CopyingStage> stage = runner.copying();
    int last = keys.size() - 1;
    if (maxBytes == 0 || stage.isEmpty() || !chunks.keySet().containsAll(keys.subList(0, last))) {
      return;
    }
    touch(keys);
    String key = keys.get(last);
    long needed = stage.get().stateBytes(chunkRows);
    if (chunks.containsKey(key) || !makeRoom(needed, keys)) {
      return;
    }
    try {
      Sequence state = stage.get().openSequence(chunkRows);
      chunks.put(key, new Chunk(runner, last, Chunk.before(keys, last), state, needed));
      count(needed);
      touch(keys.subList(0, last));
      stage.get().copy(from, last * chunkRows, state, 0, chunkRows);
    } catch (IOException | RuntimeException e) {
      listener.failed("a chunk of a prompt was not kept", e);
      drop(key);
    }
  }

  /** Marks chunks as used, the first one last. */
  private void touch(List<String> keys) {
    for (int i = keys.size() - 1; i >= 0; i--) {
      chunks.get(keys.get(i));
    }
  }

  /** Drops chunks of other prompts until there is room: whether there is. */
  private boolean makeRoom(long needed, List<String> spared) {
    while (bytes.get() + needed > maxBytes || !room.hasBytes(needed)) {
      Iterator<String> oldest = chunks.keySet().iterator();
      if (!oldest.hasNext()) {
        return false;
      }
      String key = oldest.next();
      if (spared.contains(key)) {
        return false;
      }
      drop(key);
    }
    return true;
  }

  @Override
  public Room.Need available(long nowNanos) {
    return new Room.Need(0, bytes.get());
  }

  /** {@inheritDoc} A chunk counts for bytes only. */
  @Override
  public boolean giveBackOne(Room.Need need, long nowNanos) {
    if (need.bytes() == 0 || chunks.isEmpty()) {
      return false;
    }
    drop(chunks.keySet().iterator().next());
    return true;
  }

  /** {@inheritDoc} Chunks count against no tenant's limit. */
  @Override
  public long availableOf(Tenant tenant, long nowNanos) {
    return 0;
  }

  @Override
  public boolean giveBackOneOf(Tenant tenant, long nowNanos) {
    return false;
  }

  /** Drops the chunks of a stage that is about to be closed. */
  void dropAllOf(StageRunner runner) {
    for (String key : List.copyOf(chunks.keySet())) {
      Chunk chunk = chunks.get(key);
      if (chunk != null && chunk.runner.equals(runner)) {
        drop(key);
      }
    }
  }

  private void drop(String key) {
    Chunk chunk = chunks.remove(key);
    if (chunk != null) {
      chunk.state.close();
      count(-chunk.bytes);
    }
  }

  private void count(long more) {
    bytes.addAndGet(more);
    room.takeBytes(more);
  }
}
