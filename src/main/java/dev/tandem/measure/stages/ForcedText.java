package dev.tandem.measure.stages;

import dev.tandem.stage.Batch;
import dev.tandem.stage.ForwardingStage;
import dev.tandem.stage.Stage;
import java.io.IOException;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.List;

/**
 * Makes a model continue a given text, whatever its weights say: the stages run, and then the logit
 * of the text's next token is raised above all others. A greedy draw gives that token. One sequence
 * at a time.
 */
public final class ForcedText {
  private static final float CERTAIN = 1e30f;

  private int[] ids = new int[0];

  /** Position of the last step's first output row. */
  private int first;

  /** The text of the next sequence, by position; its own rows beyond the end are left alone. */
  public void set(int[] text) {
    ids = text.clone();
  }

  /** The same model, with draws from the text. */
  public List<Stage> force(List<Stage> stages) {
    List<Stage> forced = new ArrayList<>();
    for (Stage stage : stages) {
      Stage noting = stage.spec().span().hasLayers() ? new Positions(stage) : stage;
      forced.add(stage.spec().span().hasHead() ? new Logits(noting) : noting);
    }
    return forced;
  }

  /** A head alone does not know positions, so the stages before it note them. */
  private final class Positions extends ForwardingStage {
    Positions(Stage stage) {
      super(stage);
    }

    @Override
    public void step(Batch batch, FloatBuffer in, FloatBuffer out) throws IOException {
      first = batch.position(0) + batch.outBegin(0);
      super.step(batch, in, out);
    }
  }

  private final class Logits extends ForwardingStage {
    Logits(Stage stage) {
      super(stage);
    }

    @Override
    public void step(Batch batch, FloatBuffer in, FloatBuffer out) throws IOException {
      super.step(batch, in, out);
      for (int row = 0; row < batch.totalOut(); row++) {
        int next = first + row + 1;
        if (next < ids.length) {
          out.put(row * spec().outWidth() + ids[next], CERTAIN);
        }
      }
    }
  }
}
