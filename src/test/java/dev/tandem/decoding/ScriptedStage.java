package dev.tandem.decoding;

import dev.tandem.settings.ActivationEval;
import dev.tandem.settings.ArithmeticMode;
import dev.tandem.settings.KvType;
import dev.tandem.stage.ArithmeticProfile;
import dev.tandem.stage.Batch;
import dev.tandem.stage.Sequence;
import dev.tandem.stage.Span;
import dev.tandem.stage.Stage;
import dev.tandem.stage.StageSpec;
import dev.tandem.tensor.DType;
import java.nio.FloatBuffer;
import java.util.Set;

/** A whole model that says given ids, whatever it is told; after a prompt of one token. */
final class ScriptedStage implements Stage, Sequence {
  private final int[] script;
  private final StageSpec spec;
  private int position;

  ScriptedStage(int[] script, int vocabSize) {
    this.script = script;
    spec = new StageSpec(Span.whole(1), 1, vocabSize, script.length);
  }

  @Override
  public StageSpec spec() {
    return spec;
  }

  @Override
  public ArithmeticProfile profile() {
    return new ArithmeticProfile(
        "",
        Set.of(DType.F32),
        ActivationEval.FORMULA,
        KvType.F32,
        ArithmeticMode.FAST,
        256,
        Set.of(),
        "");
  }

  @Override
  public Sequence openSequence(int maxPositions) {
    position = 0;
    return this;
  }

  @Override
  public void step(Batch batch, FloatBuffer in, FloatBuffer out) {
    for (int id = 0; id < spec.vocabSize(); id++) {
      out.put(id, id == script[position] ? 1 : 0);
    }
    position++;
  }

  @Override
  public int length() {
    return position;
  }

  @Override
  public int capacity() {
    return spec.maxSeq();
  }

  @Override
  public void close() {}
}
