package dev.tandem.convert;

import dev.tandem.formats.ModelWriters;
import dev.tandem.formats.files.ModelWriter;
import dev.tandem.model.Checkpoint;
import dev.tandem.settings.Note;
import dev.tandem.types.ConversionProgress;
import dev.tandem.types.TypePlan;
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
 * <p>The output appears under its name only when it is complete and safe on the disk. Until then it
 * lies beside its place under another name, and is removed if anything fails.
 */
public final class Conversion {
  private final Checkpoint checkpoint;
  private final Path out;
  private final boolean overwrite;
  private final ModelWriter writer;
  private final TypePlan plan;
  private final List<Note> notes;

  private Conversion(
      Checkpoint checkpoint,
      Path out,
      boolean overwrite,
      ModelWriter writer,
      TypePlan plan,
      List<Note> notes) {
    this.checkpoint = checkpoint;
    this.out = out;
    this.overwrite = overwrite;
    this.writer = writer;
    this.plan = plan;
    this.notes = notes;
  }

  /**
   * Plans a conversion, but writes nothing yet.
   *
   * @param checkpoint must stay open until the conversion has run; the caller closes it
   * @param out the path of the output
   * @throws dev.tandem.settings.InvalidSettingException if the format is unknown
   * @throws IllegalArgumentException if the format cannot hold the type
   * @throws FileAlreadyExistsException if the output exists and may not be replaced
   * @throws FileNotFoundException if the directory of the output does not exist
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
   * @throws IOException if they do not fit, or may not be written
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

  /** The path of the output. */
  public Path out() {
    return out;
  }

  /** The name of the output's format. */
  public String format() {
    return writer.format();
  }

  /** The type of each tensor in the output, with the reason. */
  public TypePlan plan() {
    return plan;
  }

  /** Notes for the user about the result. */
  public List<Note> notes() {
    return notes;
  }

  /**
   * Writes the model.
   *
   * @param progress receives the progress every few MiB; may stop the work by throwing
   * @throws dev.tandem.model.ModelFormatException if a type cannot hold a value
   * @throws IOException if a file cannot be read or written, or the progress stops the work; then
   *     no file is left
   */
  public void run(ConversionProgress progress) throws IOException {
    try (AtomicOutput output = AtomicOutput.of(out, overwrite)) {
      writer.write(checkpoint, plan, output.temporary(), progress);
      output.commit();
    }
  }
}
