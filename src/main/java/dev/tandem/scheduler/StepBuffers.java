package dev.tandem.scheduler;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;

/** The direct buffers of a model's steps; they are reused and only grow. */
final class StepBuffers {
  private FloatBuffer in = allocate(0);
  private FloatBuffer out = allocate(0);

  /** Room for that many floats of input. */
  FloatBuffer in(long floats) {
    if (in.capacity() < floats) {
      in = allocate(floats);
    }
    return in;
  }

  /** Room for that many floats of output. */
  FloatBuffer out(long floats) {
    if (out.capacity() < floats) {
      out = allocate(floats);
    }
    return out;
  }

  private static FloatBuffer allocate(long floats) {
    return ByteBuffer.allocateDirect(Math.toIntExact(4 * floats))
        .order(ByteOrder.nativeOrder())
        .asFloatBuffer();
  }
}
