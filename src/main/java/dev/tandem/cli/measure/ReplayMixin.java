package dev.tandem.cli.measure;

import dev.tandem.cli.options.DraftMixin;
import dev.tandem.measure.DraftReplay;
import dev.tandem.measure.DraftReplayRow;
import dev.tandem.measure.MeasuredModel;
import dev.tandem.measure.Placement;
import dev.tandem.settings.Draft;
import dev.tandem.settings.EngineSettings;
import java.io.IOException;
import java.net.URI;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** The options of {@code bench} for drafts on given texts. */
@Command(optionListHeading = "Drafts on a text:")
final class ReplayMixin {
  /** The options that nothing but a replay takes. */
  static final List<String> ONLY_HERE = List.of("--draft", "--draft-tokens", "--server");

  @Option(
      names = "--draft-replay",
      split = ",",
      paramLabel = "FILE",
      description =
          "Measure instead how often drafts are right on these texts: client and server compute"
              + " every step, and the text decides which token is drawn. --prompt-tokens are given"
              + " before the first draw.")
  private List<Path> files = List.of();

  @Option(
      names = "--server",
      paramLabel = "URL",
      description =
          "A server with the same model, for --draft-replay. Default: one in this process, over"
              + " loopback")
  private Optional<URI> server = Optional.empty();

  @Mixin private DraftMixin draft;

  boolean isGiven() {
    return !files.isEmpty();
  }

  /** Replays all texts at one placement. */
  String run(
      MeasuredModel model,
      EngineSettings settings,
      Placement placement,
      int promptTokens,
      boolean json)
      throws IOException {
    Optional<Draft> chosen = draft.draft();
    DraftReplay.Options options =
        new DraftReplay.Options(settings, placement, server, chosen, promptTokens);
    List<DraftReplayRow> rows = new ArrayList<>();
    for (Path file : files) {
      int[] ids = model.tokenizer().encode(text(file), false);
      rows.add(DraftReplay.run(model, options, String.valueOf(file.getFileName()), ids));
    }
    String guesses = chosen.map(ReplayMixin::name).orElse("none");
    return json
        ? ReplayReport.json(model.name(), guesses, rows)
        : ReplayReport.table(model.name(), guesses, rows);
  }

  private static String name(Draft draft) {
    return draft.model().map(source -> source.name()).orElse("ngram");
  }

  private static String text(Path file) throws IOException {
    try {
      return Files.readString(file);
    } catch (CharacterCodingException e) {
      throw new IOException(file + ": not UTF-8; convert the text first", e);
    }
  }
}
