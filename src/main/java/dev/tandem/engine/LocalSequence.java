package dev.tandem.engine;

import dev.tandem.engine.TandemApi.SequenceHandle;
import dev.tandem.stage.Sequence;

/** One KV cache of a {@link LocalStage}. */
final class LocalSequence implements Sequence {
  private final LocalStage stage;
  private final int capacity;
  private final SequenceHandle sequence = new SequenceHandle();
  private final NativeHandle handle;

  LocalSequence(LocalStage stage, int maxPositions) {
    this.stage = stage;
    this.capacity = maxPositions;
    stage.handle().acquire();
    try {
      NativeCalls.check(
          "td_sequence_open", TandemApi.td_sequence_open(stage.pointer(), maxPositions, sequence));
      SequenceHandle owned = sequence;
      handle =
          new NativeHandle(
              "the sequence", () -> TandemApi.td_sequence_close(owned), stage.handle());
    } finally {
      stage.handle().release();
    }
    handle.closeWith(this);
  }

  @Override
  public int length() {
    handle.acquire();
    try {
      return TandemApi.td_sequence_length(sequence);
    } finally {
      handle.release();
    }
  }

  @Override
  public int capacity() {
    return capacity;
  }

  LocalStage stage() {
    return stage;
  }

  SequenceHandle pointer() {
    return sequence;
  }

  NativeHandle handle() {
    return handle;
  }

  @Override
  public void close() {
    handle.run();
  }
}
