package dev.tandem.convert;

import dev.tandem.tensor.DType;
import java.util.Optional;

/**
 * The way to write a model.
 *
 * @param type the type of the matrices; if empty, each tensor keeps its own
 * @param format a name of {@link dev.tandem.formats.ModelWriters#formats}; if empty, the output's
 *     name decides
 * @param overwrite whether to replace an existing output
 */
public record ConversionOptions(Optional<DType> type, Optional<String> format, boolean overwrite) {

  /** Each tensor keeps its type, the name decides the format, and nothing is replaced. */
  static ConversionOptions defaults() {
    return new ConversionOptions(Optional.empty(), Optional.empty(), false);
  }
}
