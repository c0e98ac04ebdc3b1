package dev.tandem.weights;

import dev.tandem.config.ModelConfig;
import dev.tandem.tensor.DType;
import java.io.IOException;
import java.util.List;

/** Random weights in known shapes. */
public final class RandomModels {
  private RandomModels() {}

  /** Names. */
  public static List<String> shapeNames() {
    return List.of();
  }

  /** By name. */
  public static Checkpoint of(String shapeName, DType dtype, long seed) throws IOException {
    throw new IllegalArgumentException(shapeName);
  }

  /** By config. */
  public static Checkpoint of(String name, ModelConfig config, DType dtype, long seed)
      throws IOException {
    throw new IllegalArgumentException(name);
  }
}
