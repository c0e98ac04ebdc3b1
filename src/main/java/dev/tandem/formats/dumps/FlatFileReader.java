package dev.tandem.formats.dumps;

import dev.tandem.formats.dumps.FlatFormat.Finding;
import dev.tandem.formats.dumps.FlatFormat.FlatModel;
import dev.tandem.formats.dumps.FlatFormat.NotThis;
import dev.tandem.formats.families.ForeignModels;
import dev.tandem.formats.files.Folder;
import dev.tandem.formats.files.Folder.OpenFile;
import dev.tandem.formats.files.JsonObject;
import dev.tandem.formats.files.ModelLocation;
import dev.tandem.formats.files.ModelReader;
import dev.tandem.formats.files.OpenOptions;
import dev.tandem.formats.files.UnreadFields;
import dev.tandem.model.Checkpoint;
import dev.tandem.model.ModelFormatException;
import dev.tandem.tokenizer.files.Tokenizers;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;

/**
 * Files named {@code .bin}, which many engines write in different formats. A magic number decides
 * the format. A file without one has the format whose header (or config) implies exactly its
 * length.
 */
public final class FlatFileReader implements ModelReader {
  private static final String SUFFIX = ".bin";
  private static final String MODEL = "model" + SUFFIX;

  private static final List<FlatFormat> FORMATS =
      List.of(
          new Llama2cFormat(), new LlmcFormat(), new ModelBinFormat(), new HeaderlessGpt2Format());

  /**
   * A format that fits a file.
   *
   * @param stated the statements about the file that the format read
   */
  private record Match(FlatFormat format, FlatModel model, JsonObject stated) {}

  @Override
  public String reads() {
    return "a .bin file of "
        + FORMATS.stream().map(FlatFormat::reads).collect(Collectors.joining(", "));
  }

  @Override
  public boolean accepts(ModelLocation location) {
    return location.file().isPresent()
        ? location.file().get().endsWith(SUFFIX)
        : location.folder().contains(fileIn(location));
  }

  /** In a directory, the file with the directory's name. */
  private static String fileIn(ModelLocation location) {
    String named = location.name() + SUFFIX;
    return location.folder().contains(named) ? named : MODEL;
  }

  @Override
  public Checkpoint read(ModelLocation location, OpenOptions options) throws IOException {
    Folder folder = location.folder();
    OpenFile file = folder.open(location.file().orElseGet(() -> fileIn(location)));
    try {
      Match match = match(file, options.configOf(folder));
      FlatModel model = match.model();
      boolean builtIn =
          ForeignModels.hasBuiltInTokenizer(location, options, model.config(), new int[0]);
      List<String> notes = new ArrayList<>(model.notes());
      notes.addAll(UnreadFields.check(match.stated()));
      if (builtIn) {
        notes.add(ForeignModels.BUILT_IN_NOTE);
      }
      return new Checkpoint(
          location.name(),
          model.format(),
          model.config(),
          model.layout().tensors(file),
          () ->
              builtIn
                  ? Tokenizers.padded(Tokenizers.gpt2(), model.config().vocabSize())
                  : match.format().tokenizer(folder, options, model),
          file.closeables(),
          notes);
    } catch (IOException | RuntimeException e) {
      file.close();
      throw e;
    }
  }

  private static Match match(OpenFile file, JsonObject stated) throws IOException {
    List<Match> matches = new ArrayList<>();
    List<String> reasons = new ArrayList<>();
    for (FlatFormat format : candidates(file)) {
      JsonObject own = stated.unread();
      Finding finding = format.examine(file, own);
      if (finding instanceof FlatModel model) {
        matches.add(new Match(format, model, own));
      } else if (finding instanceof NotThis other) {
        reasons.add(format.reads() + " (" + other.reason() + ")");
      }
    }
    if (matches.size() > 1) {
      throw new ModelFormatException(
          file.path(),
          "ambiguous: its length fits "
              + matches.stream().map(m -> m.model().format()).collect(Collectors.joining(" and ")));
    }
    if (matches.isEmpty()) {
      throw new ModelFormatException(
          file.path(), "not in a known .bin format: not " + String.join("; not ", reasons));
    }
    return matches.get(0);
  }

  /** The format of a file's magic number, otherwise all formats. */
  private static List<FlatFormat> candidates(OpenFile file) throws IOException {
    if (file.data().bytes() >= Integer.BYTES) {
      ByteBuffer head = file.data().slice(0, Integer.BYTES);
      for (FlatFormat format : FORMATS) {
        if (format.hasMagic(head)) {
          return List.of(format);
        }
      }
    }
    return FORMATS;
  }
}
