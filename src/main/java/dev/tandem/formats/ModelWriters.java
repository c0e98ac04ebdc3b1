package dev.tandem.formats;

import dev.tandem.formats.dumps.ModelBinWriter;
import dev.tandem.formats.dumps.NpyWriter;
import dev.tandem.formats.files.ModelWriter;
import dev.tandem.formats.gguf.GgufWriter;
import dev.tandem.formats.huggingface.HuggingFaceWriter;
import dev.tandem.settings.InvalidSettingException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;

/** The formats that can be written. */
public final class ModelWriters {
  private static final List<ModelWriter> WRITERS =
      List.of(new GgufWriter(), new HuggingFaceWriter(), new ModelBinWriter(), new NpyWriter());

  private ModelWriters() {}

  /** The names of all formats. */
  public static List<String> formats() {
    return WRITERS.stream().map(ModelWriter::format).toList();
  }

  /**
   * The writer of a format.
   *
   * @param format the format's name; empty if the output's name implies it
   * @throws InvalidSettingException if there is no such format, or the name implies none
   */
  public static ModelWriter of(Optional<String> format, Path out) {
    for (ModelWriter writer : WRITERS) {
      if (format.isPresent() ? writer.format().equals(format.get()) : writer.accepts(out)) {
        return writer;
      }
    }
    String known = WRITERS.stream().map(ModelWriter::writes).collect(Collectors.joining(", "));
    throw format.isPresent()
        ? new InvalidSettingException("format", "must be one of " + known, format.get())
        : new InvalidSettingException(
            "format",
            "must be one of " + known + ", because the name " + out.getFileName() + " implies none",
            "nothing");
  }
}
