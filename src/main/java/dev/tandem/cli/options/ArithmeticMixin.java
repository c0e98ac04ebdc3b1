package dev.tandem.cli.options;

import dev.tandem.cli.terminal.Usage;
import dev.tandem.settings.ActivationEval;
import dev.tandem.settings.EngineSettings;
import dev.tandem.settings.KvType;
import java.util.Optional;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** The options that decide the bits. */
@Command(optionListHeading = "Engine:")
public final class ArithmeticMixin {
  private static final int MAX_CHUNK = 4096;

  @Spec(Spec.Target.MIXEE)
  private CommandSpec spec;

  @Option(
      names = "--gelu",
      paramLabel = "table|formula",
      description =
          "How to evaluate the model's activation. Default: table for GELU, formula for SiLU")
  private Optional<ActivationEval> gelu = Optional.empty();

  @Option(
      names = "--kv-type",
      paramLabel = "f32|f16|q8_0",
      description =
          "The type of keys and values. Default: f16 for models with q8_0, q4_0, q4_k or q6_k"
              + " matrices, otherwise f32; for a client, the server's")
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
      description =
          "Prompt rows computed together; 0 for 256, or for a client the server's. Default: 0")
  private int chunk;

  /** The settings; a usage error if one is out of range. */
  public EngineSettings settings(int threads) {
    if (chunk < 0 || chunk > MAX_CHUNK) {
      throw Usage.wrong(spec, "--chunk", "must be in 0.." + MAX_CHUNK, chunk);
    }
    return new EngineSettings(threads, "", gelu, kvType, reproducible, chunk);
  }
}
