package dev.tandem.files;

import dev.tandem.settings.WeightType;
import java.util.Optional;

/**
 * How a model is written.
 *
 * @param type the type of the matrices; empty for each tensor's own. Vectors are always f32
 * @param format one of {@link ModelFiles#formats}; if empty, the output's name decides
 * @param overwrite whether an existing model is replaced
 */
public record WriteOptions(Optional<WeightType> type, Optional<String> format, boolean overwrite) {

  /** Each tensor keeps its type, the output's name decides the format, nothing is replaced. */
  public static WriteOptions defaults() {
    return new WriteOptions(Optional.empty(), Optional.empty(), false);
  }

  /** The same with matrices of another type. */
  public WriteOptions withType(WeightType value) {
    return new WriteOptions(Optional.of(value), format, overwrite);
  }

  /** The same in another format. */
  public WriteOptions withFormat(String value) {
    return new WriteOptions(type, Optional.of(value), overwrite);
  }

  /** The same, replacing an existing model or not. */
  public WriteOptions withOverwrite(boolean value) {
    return new WriteOptions(type, format, value);
  }
}
