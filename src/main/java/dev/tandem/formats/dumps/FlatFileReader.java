package dev.tandem.formats.dumps;

import dev.tandem.formats.dumps.FlatFormat.Finding;
import dev.tandem.formats.dumps.FlatFormat.FlatModel;
import dev.tandem.formats.dumps.FlatFormat.NotThis;
import dev.tandem.formats.dumps.FlatFormat.Undecided;
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
import dev.tandem.settings.Note;
import dev.tandem.settings.Remedy;
import dev.tandem.tokenizer.Tokenizer;
import dev.tandem.tokenizer.files.Tokenizers;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
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
   * @param model the model in the file, or one way to read it
   * @param undecided both ways to read it, if there are two
   * @param stated the statements about the file that the format read
   */
  private record Match(
      FlatFormat format, FlatModel model, Optional<Undecided> undecided, JsonObject stated) {}

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
      boolean builtIn =
          ForeignModels.hasBuiltInTokenizer(location, options, match.model().config(), new int[0]);
      int vocabSize = match.model().config().vocabSize();
      Checkpoint.TokenizerOpener own =
          () ->
              builtIn
                  ? Tokenizers.fitted(Tokenizers.gpt2(), vocabSize)
                  : match.format().tokenizer(folder, match.model());
      Checkpoint.TokenizerOpener opener =
          options.tokenizer().isPresent() ? () -> options.tokenizer().get().open(vocabSize) : own;
      FlatModel model = decided(match, file, opener);
      List<Note> notes = new ArrayList<>(model.notes());
      notes.addAll(UnreadFields.check(match.stated()));
      if (builtIn) {
        notes.add(ForeignModels.BUILT_IN_NOTE);
      }
      return Checkpoint.builder(location.name(), model.config())
          .format(model.format())
          .tensors(model.layout().tensors(file))
          .tokenizer(own)
          .files(file.closeables())
          .notes(notes)
          .build();
    } catch (IOException | RuntimeException e) {
      file.close();
      throw e;
    }
  }

  private static FlatModel decided(Match match, OpenFile file, Checkpoint.TokenizerOpener opener)
      throws IOException {
    if (match.undecided().isEmpty()) {
      return match.model();
    }
    Tokenizer tokenizer;
    try {
      tokenizer = opener.open();
    } catch (IOException e) { // without a tokenizer there is no sentence to try
      ModelFormatException question = match.undecided().get().question();
      question.addSuppressed(e);
      throw question;
    }
    return LinearOrder.decided(file, match.undecided().get(), tokenizer);
  }

  private static Match match(OpenFile file, JsonObject stated) throws IOException {
    List<Match> matches = new ArrayList<>();
    List<String> reasons = new ArrayList<>();
    Set<Remedy> remedies = new LinkedHashSet<>();
    for (FlatFormat format : candidates(file)) {
      JsonObject own = stated.unread();
      Finding finding = format.examine(file, own);
      if (finding instanceof FlatModel model) {
        matches.add(new Match(format, model, Optional.empty(), own));
      } else if (finding instanceof Undecided undecided) {
        matches.add(new Match(format, undecided.first(), Optional.of(undecided), own));
      } else if (finding instanceof NotThis other) {
        reasons.add(format.reads() + " (" + other.reason() + ")");
        remedies.addAll(other.remedies());
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
          file.path(),
          "not in a known .bin format: not " + String.join("; not ", reasons),
          List.copyOf(remedies));
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
