package dev.tandem.measure;

import dev.tandem.api.ModelException;
import dev.tandem.decoding.EmbeddingTable;
import dev.tandem.engine.Engine;
import dev.tandem.engine.LoadedModel;
import dev.tandem.engine.ReferenceSwitches;
import dev.tandem.measure.stages.SequenceGroup;
import dev.tandem.model.Checkpoint;
import dev.tandem.runtime.ResourceScope;
import dev.tandem.settings.ActivationEval;
import dev.tandem.settings.EngineSettings;
import dev.tandem.settings.InvalidSettingException;
import dev.tandem.stage.Span;
import dev.tandem.stage.Stage;
import java.io.IOException;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.function.Consumer;

/**
 * The classic study of what makes decoding fast: the same transformer in f32, with products by
 * OpenBLAS, gets one saving after another. The rows are measured in turn, run by run, so that a
 * slow moment of the machine affects all of them.
 */
public final class Ablation {
  private static final long SEED = 42;
  private static final int WARM_UP = 1;

  /** The savings of one row. */
  private record Variant(
      String name,
      boolean kvCache,
      boolean linear,
      boolean activation,
      boolean residual,
      ActivationEval eval) {

    ReferenceSwitches switches() {
      return new ReferenceSwitches(true, kvCache, linear, activation, residual);
    }
  }

  private static final List<Variant> VARIANTS =
      List.of(
          new Variant("none", false, false, false, false, ActivationEval.FORMULA),
          new Variant("KV + linear + residual", true, true, false, true, ActivationEval.FORMULA),
          new Variant(
              "KV + linear + residual + table", true, true, false, true, ActivationEval.TABLE),
          new Variant(
              "KV + linear + GELU + residual", true, true, true, true, ActivationEval.FORMULA),
          new Variant("all", true, true, true, true, ActivationEval.TABLE));

  private Ablation() {}

  /**
   * Measures all rows and passes them on context by context.
   *
   * @param settings only threads and instruction set are used
   * @param contexts positions before the token that is timed
   * @param repeat runs of each row
   * @throws InvalidSettingException if a context leaves no room for a token
   * @throws ModelException if the model cannot be read, or the native libraries cannot be loaded
   */
  public static void run(
      MeasuredModel model,
      EngineSettings settings,
      List<Integer> contexts,
      int repeat,
      Consumer<AblationRow> rows) {
    model.measure(
        checkpoint -> {
          run(checkpoint, settings, contexts, repeat, rows);
          return rows;
        });
  }

  private static void run(
      Checkpoint checkpoint,
      EngineSettings settings,
      List<Integer> contexts,
      int repeat,
      Consumer<AblationRow> rows)
      throws IOException {
    int maxSeq = checkpoint.config().maxSeq();
    for (int context : contexts) {
      if (context < 0 || context >= maxSeq) {
        throw new InvalidSettingException("contexts", "must be in 0.." + (maxSeq - 1), context);
      }
    }
    try (ResourceScope opening = new ResourceScope()) {
      Engine engine = opening.add(new Engine(settings.threads(), settings.isa()));
      LoadedModel model = opening.add(engine.load(checkpoint));
      List<Stage> stages = new ArrayList<>();
      for (Variant variant : VARIANTS) {
        int nLayers = checkpoint.config().nLayers();
        stages.add(
            opening.add(
                model.openReference(Span.whole(nLayers), variant.switches(), variant.eval())));
      }
      for (int context : contexts) {
        measure(checkpoint, stages, context, repeat, rows);
      }
    }
  }

  private static void measure(
      Checkpoint checkpoint,
      List<Stage> stages,
      int context,
      int repeat,
      Consumer<AblationRow> rows)
      throws IOException {
    double[][] ms = new double[stages.size()][repeat];
    FloatBuffer inputs = inputs(checkpoint, context + 1);
    int width = checkpoint.config().dModel();
    FloatBuffer token = SequenceGroup.direct(width);
    token.put(0, inputs, context * width, width);
    try (ResourceScope opening = new ResourceScope()) {
      List<SequenceGroup> sequences = new ArrayList<>();
      for (Stage stage : stages) {
        SequenceGroup group = opening.add(new SequenceGroup(List.of(stage), 1, context + 1));
        sequences.add(group);
        if (context > 0) {
          group.prompt(0, inputs, context);
        }
      }
      for (int run = -WARM_UP; run < repeat; run++) {
        for (int i = 0; i < stages.size(); i++) {
          long nanos = sequences.get(i).generated(context, token);
          if (run >= 0) {
            ms[i][run] = nanos / 1e6;
          }
        }
      }
    }
    double slowest = Quartiles.of(ms[0]).median();
    for (int i = 0; i < stages.size(); i++) {
      Quartiles quartiles = Quartiles.of(ms[i]);
      rows.accept(
          new AblationRow(
              VARIANTS.get(i).name(), context, quartiles, slowest / quartiles.median()));
    }
  }

  private static FloatBuffer inputs(Checkpoint checkpoint, int n) throws IOException {
    FloatBuffer inputs = SequenceGroup.direct((long) n * checkpoint.config().dModel());
    int[] ids = new Random(SEED).ints(n, 0, checkpoint.config().vocabSize()).toArray();
    EmbeddingTable.of(checkpoint).lookup(ids, 0, n, 0, inputs, 0);
    return inputs;
  }
}
