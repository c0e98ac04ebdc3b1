package dev.tandem.cli.models;

import dev.tandem.files.ModelFiles;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** The option for random weights in place of a model. */
@Command(optionListHeading = "Model:")
public final class ShapeMixin {
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

  /** The name of the shape; a usage error if there is no such shape. */
  public String name() {
    if (!ModelFiles.shapes().contains(shape)) {
      throw new ParameterException(
          spec.commandLine(),
          "no shape '" + shape + "'; there are " + String.join(", ", ModelFiles.shapes()));
    }
    return shape;
  }
}
