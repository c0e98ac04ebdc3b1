package dev.tandem.convert;

import dev.tandem.tensor.DType;
import java.util.Optional;

/**
 * How a model is to be written.
 *
 * @param type the type that its matrices get; empty keeps each tensor's own
 * @param format a name of {@link dev.tandem.formats.ModelWriters#formats}; empty if the output's
 *     name says it
 * @param overwrite whether something that is there already is replaced
 */
public record ConversionOptions(Optional<DType> type, Optional<String> format, boolean overwrite) {

  /** Each tensor's own type, the format that the name says, nothing replaced. */
  public static ConversionOptions defaults() {
    return new ConversionOptions(Optional.empty(), Optional.empty(), false);
  }
}
