package dev.tandem.scheduler;

import dev.tandem.settings.ActivationEval;
import dev.tandem.settings.ArithmeticMode;
import dev.tandem.settings.KvType;
import dev.tandem.stage.ArithmeticProfile;
import dev.tandem.stage.Batch;
import dev.tandem.stage.PromptKernel;
import dev.tandem.stage.Span;
import dev.tandem.stage.Stage;
import dev.tandem.stage.StageSpec;
import dev.tandem.stage.ToyStage;
import dev.tandem.tensor.DType;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;

/** Opens toy stages of a model with 4 layers. */
public final class ToyProvider implements StageProvider {
  /** Layers of the toy model. */
  public static final int LAYERS = 4;

  private final StageSpec offered;
  private final ArithmeticProfile profile;
  private final AtomicInteger openSequences = new AtomicInteger();
  private volatile Consumer<Batch> onStep = batch -> {};

  /** A model. */
  public ToyProvider(int chunkRows, int dModel, int vocabSize, int maxSeq) {
    this.offered = new StageSpec(Span.whole(LAYERS), dModel, vocabSize, maxSeq);
    this.profile =
        new ArithmeticProfile(
            "5eed" + "0".repeat(60),
            Set.of(DType.F32),
            ActivationEval.TABLE,
            KvType.F32,
            ArithmeticMode.FAST,
            chunkRows,
            Set.of(PromptKernel.SGEMM),
            "ToyBLAS 1.0");
  }

  /** What to do with every batch before it is computed, on the engine thread. */
  public void onStep(Consumer<Batch> action) {
    onStep = action;
  }

  /** Sequences open in all stages. */
  public int openSequences() {
    return openSequences.get();
  }

  @Override
  public StageSpec offered() {
    return offered;
  }

  @Override
  public ArithmeticProfile profile() {
    return profile;
  }

  @Override
  public Stage open(Span span) {
    return new ToyStage(
        offered.withSpan(span), profile, batch -> onStep.accept(batch), openSequences);
  }
}
