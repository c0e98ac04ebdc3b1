package dev.tandem.files;

import dev.tandem.api.ModelException;
import dev.tandem.convert.Conversion;
import dev.tandem.settings.LoadListener;
import dev.tandem.settings.Note;
import dev.tandem.types.ConversionProgress;
import dev.tandem.types.TypePlan;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

/**
 * A model, or a part of one, that can be written: everything about it is known and checked, and
 * nothing is written yet. {@link ModelFiles} returns it, which must stay open.
 */
public final class ModelOutput {
  private final Conversion conversion;

  ModelOutput(Conversion conversion) {
    this.conversion = conversion;
  }

  /**
   * A tensor as it will be written.
   *
   * @param source the tensor as it is
   * @param type its type in the output
   * @param reason why that is not the requested type; empty if it is
   */
  public record Choice(TensorInfo source, String type, String reason) {}

  /** The file or directory. */
  public Path path() {
    return conversion.out();
  }

  /** One of {@link ModelFiles#formats}. */
  public String format() {
    return conversion.format();
  }

  /** What a user should know about the result. */
  public List<Note> notes() {
    return conversion.notes();
  }

  /** All tensors, in canonical order. */
  public List<Choice> tensors() {
    return conversion.plan().choices().stream()
        .map(
            choice ->
                new Choice(
                    TensorInfo.of(choice.tensor()), TypePlan.name(choice.type()), choice.reason()))
        .toList();
  }

  /** The bytes of all tensors as they will be written. */
  public long bytes() {
    return conversion.plan().bytes();
  }

  /** As {@link #write(LoadListener)}, without a report of the progress. */
  public void write() {
    write(LoadListener.NONE);
  }

  /**
   * Writes it. It appears under its name when it is complete and safe on the disk; if anything
   * fails, nothing is left.
   *
   * @param progress follows the work, and may stop it
   * @throws ModelException if a file cannot be read or written, a type cannot hold a value, or
   *     {@code progress} stops the work
   */
  public void write(LoadListener progress) {
    try {
      conversion.run(ConversionProgress.of(progress));
    } catch (IOException e) {
      throw ModelFiles.failure(e);
    }
  }
}
