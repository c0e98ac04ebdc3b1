package dev.tandem.convert;

import dev.tandem.formats.ModelWriters;
import dev.tandem.formats.files.ConversionProgress;
import dev.tandem.formats.files.ModelWriter;
import dev.tandem.formats.files.TypePlan;
import dev.tandem.model.Checkpoint;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileStore;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Writes a model in another format or type.
 *
 * <pre>{@code
 * try (Checkpoint checkpoint = Checkpoints.open("gpt2-shakespeare", Optional.empty())) {
 *   Conversion.of(checkpoint, Path.of("shakespeare.gguf"), ConversionOptions.defaults())
 *       .run(ConversionProgress.NONE);
 * }
 * }</pre>
 *
 * <p>The output appears under its name only when it is complete and safe on the disk; until then it
 * lies beside it under another name, and is removed if anything fails.
 */
public final class Conversion {
  private final Checkpoint checkpoint;
  private final Path out;
  private final boolean overwrite;
  private final ModelWriter writer;
  private final TypePlan plan;
  private final List<String> notes;

  private Conversion(
      Checkpoint checkpoint,
      Path out,
      boolean overwrite,
      ModelWriter writer,
      TypePlan plan,
      List<String> notes) {
    this.checkpoint = checkpoint;
    this.out = out;
    this.overwrite = overwrite;
    this.writer = writer;
    this.plan = plan;
    this.notes = notes;
  }

  /**
   * Plans a conversion; nothing is written yet.
   *
   * @param checkpoint stays the caller's, and open until the conversion has run
   * @param out where to write
   * @throws IllegalArgumentException if the format is unknown or cannot hold the type
   * @throws FileAlreadyExistsException if something is there and may not be replaced
   * @throws FileNotFoundException if there is no directory to write to
   * @throws dev.tandem.model.ModelFormatException if the format cannot hold the model
   * @throws IOException if a file cannot be read
   */
  public static Conversion of(Checkpoint checkpoint, Path out, ConversionOptions options)
      throws IOException {
    ModelWriter writer = ModelWriters.of(options.format(), out);
    TypePlan plan = TypePlan.of(checkpoint, options.type(), writer.types());
    Conversion conversion =
        new Conversion(
            checkpoint, out, options.overwrite(), writer, plan, writer.notes(checkpoint));
    checkSpace(List.of(conversion));
    return conversion;
  }

  /**
   * Checks that the outputs of several conversions fit on their disks together.
   *
   * @throws IOException if they do not, or may not be written
   */
  public static void checkSpace(List<Conversion> conversions) throws IOException {
    List<DiskSpace.Need> needs = new ArrayList<>();
    for (Conversion conversion : conversions) {
      try (AtomicOutput output = AtomicOutput.of(conversion.out, conversion.overwrite)) {
        FileStore store = output.store();
        needs.add(
            new DiskSpace.Need(
                conversion.out, conversion.plan.bytes(), store, store.getUsableSpace()));
      }
    }
    DiskSpace.check(needs);
  }

  /** Where it is written to. */
  public Path out() {
    return out;
  }

  /** The name of the format that is written. */
  public String format() {
    return writer.format();
  }

  /** The type that each tensor gets, and why. */
  public TypePlan plan() {
    return plan;
  }

  /** What a user should know of the result, one line each. */
  public List<String> notes() {
    return notes;
  }

  /**
   * Writes the model.
   *
   * @param progress told of every few MiB; may give up by throwing
   * @throws dev.tandem.model.ModelFormatException if a type cannot hold a value
   * @throws IOException if a file cannot be read or written, or the progress gives up; nothing is
   *     then left behind
   */
  public void run(ConversionProgress progress) throws IOException {
    try (AtomicOutput output = AtomicOutput.of(out, overwrite)) {
      writer.write(checkpoint, plan, output.temporary(), progress);
      output.commit();
    }
  }
}
