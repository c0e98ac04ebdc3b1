package dev.tandem.cli.options;

import dev.tandem.api.EngineSettings;
import dev.tandem.cli.terminal.Usage;
import dev.tandem.stage.ActivationEval;
import dev.tandem.stage.KvType;
import java.util.Optional;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** What decides the bits. */
@Command(optionListHeading = "Engine:")
public final class ArithmeticMixin {
  private static final int MAX_CHUNK = 4096;

  @Spec(Spec.Target.MIXEE)
  private CommandSpec spec;

  @Option(
      names = "--gelu",
      paramLabel = "table|formula",
      description =
          "How the model's activation is evaluated. Default: table for GELU, formula for SiLU")
  private Optional<ActivationEval> gelu = Optional.empty();

  @Option(
      names = "--kv-type",
      paramLabel = "f32|f16|q8_0",
      description =
          "How keys and values are kept. Default: f16 for models with q8_0, q4_0, q4_k or q6_k"
              + " matrices, else f32; or what the server has")
  private Optional<KvType> kvType = Optional.empty();

  @Option(
      names = "--reproducible",
      fallbackValue = "true",
      description = "The same bits on every CPU; slower prompts.")
  private boolean reproducible;

  @Option(
      names = "--chunk",
      paramLabel = "C",
      defaultValue = "0",
      description = "Prompt rows computed together; 0 for 256, or what the server has. Default: 0")
  private int chunk;

  public EngineSettings settings(int threads) {
    if (chunk < 0 || chunk > MAX_CHUNK) {
      throw Usage.wrong(spec, "--chunk", "must be in 0.." + MAX_CHUNK, chunk);
    }
    return new EngineSettings(threads, "", gelu, kvType, reproducible, chunk);
  }
}
