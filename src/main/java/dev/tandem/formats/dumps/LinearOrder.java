package dev.tandem.formats.dumps;

import dev.tandem.formats.dumps.FlatFormat.FlatModel;
import dev.tandem.formats.dumps.FlatFormat.Undecided;
import dev.tandem.formats.files.Folder.OpenFile;
import dev.tandem.settings.Note;
import dev.tandem.tokenizer.Tokenizer;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/**
 * Decides between two ways to read a GPT-2 by the loss of a sentence under each: with its matrices
 * turned the wrong way a model predicts nothing.
 */
final class LinearOrder {
  /** Common words in a common order: a model of any English text predicts some of them. */
  private static final String SENTENCE =
      "The man said that he would go to the house, and that she was not there.";

  /** Enough to tell; each costs a product with every matrix of the model. */
  private static final int MAX_TOKENS = 16;

  private static final int MIN_TOKENS = 4;

  /** Nats per token by which one loss must be below the other, and below that of a mere guess. */
  private static final double CLEAR = 1;

  private static final double BETTER_THAN_GUESSING = 0.5;

  private LinearOrder() {}

  /**
   * The clearly better of two readings, with a note.
   *
   * @throws IOException if none is, which is the question to the user, or the file cannot be read
   */
  static FlatModel decided(OpenFile file, Undecided models, Tokenizer tokenizer)
      throws IOException {
    int vocabSize = models.first().config().vocabSize();
    int[] ids = tokenizer.encode(SENTENCE, false);
    ids = Arrays.copyOf(ids, Math.min(ids.length, Math.min(MAX_TOKENS, maxSeq(models))));
    boolean known = Arrays.stream(ids).allMatch(id -> id < vocabSize);
    if (ids.length < MIN_TOKENS || !known) {
      throw models.question();
    }
    double first = loss(file, models.first(), ids);
    double second = loss(file, models.second(), ids);
    double lower = Math.min(first, second);
    boolean clear = Math.max(first, second) - lower >= CLEAR;
    if (!clear || lower > Math.log(vocabSize) - BETTER_THAN_GUESSING) {
      throw models.question();
    }
    FlatModel better = first < second ? models.first() : models.second();
    List<Note> notes = new ArrayList<>(better.notes());
    notes.add(
        new Note(
            String.format(
                Locale.ROOT,
                "took it for a %s: so a sentence's loss is %.2f nats per token, else %.2f",
                better.format(),
                lower,
                Math.max(first, second))));
    return new FlatModel(better.format(), better.config(), better.layout(), notes);
  }

  private static int maxSeq(Undecided models) {
    return models.first().config().maxSeq();
  }

  private static double loss(OpenFile file, FlatModel model, int[] ids) throws IOException {
    return SentenceLoss.of(model.config(), model.layout().tensors(file), ids);
  }
}
