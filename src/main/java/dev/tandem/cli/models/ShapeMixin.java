package dev.tandem.cli.models;

import dev.tandem.model.Checkpoint;
import dev.tandem.random.RandomModels;
import dev.tandem.tensor.DType;
import java.io.IOException;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** The option for random weights in place of a model. */
@Command(optionListHeading = "Model:")
public final class ShapeMixin {
  private static final long SEED = 1;

  @Spec(Spec.Target.MIXEE)
  private CommandSpec spec;

  @Option(
      names = "--shape",
      paramLabel = "NAME",
      defaultValue = "",
      completionCandidates = SynthesizeCommand.Shapes.class,
      description = "Random weights of this shape instead of a model: ${COMPLETION-CANDIDATES}")
  private String shape;

  /** Whether the option is given. */
  public boolean isGiven() {
    return !shape.isEmpty();
  }

  /**
   * The random model, f32; a usage error if there is no such shape.
   *
   * @param inMemory whether the weights are kept in memory, or computed when they are read
   */
  public Checkpoint open(boolean inMemory) throws IOException {
    if (!RandomModels.shapeNames().contains(shape)) {
      throw new ParameterException(
          spec.commandLine(),
          "no shape '" + shape + "'; there are " + String.join(", ", RandomModels.shapeNames()));
    }
    return inMemory
        ? RandomModels.of(shape, DType.F32, SEED)
        : RandomModels.drawn(shape, DType.F32, SEED);
  }
}
