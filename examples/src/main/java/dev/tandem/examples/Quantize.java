package dev.tandem.examples;

import dev.tandem.files.ModelFiles;
import dev.tandem.files.ModelOutput;
import dev.tandem.files.WriteOptions;
import dev.tandem.measure.MeasuredModel;
import dev.tandem.measure.Perplexity;
import dev.tandem.settings.EngineSettings;
import dev.tandem.settings.WeightType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** A model with matrices of 8 bits: its size, and how much worse it predicts a text. */
public final class Quantize {
  private static final String MODEL = "gpt2-shakespeare";
  private static final String TEXT =
      "ROMEO:\nBut, soft! what light through yonder window breaks?\n"
          + "It is the east, and Juliet is the sun.\n";

  private Quantize() {}

  /** Writes the model, prints both and deletes it again. */
  public static void main(String[] args) throws IOException {
    Path directory = Files.createTempDirectory("quantize");
    Path small = directory.resolve("small.gguf");
    try (ModelFiles files = ModelFiles.open(MODEL)) {
      ModelOutput output =
          files.convert(small, WriteOptions.defaults().withType(WeightType.Q8_0));
      System.out.println("bytes: " + files.describe().tensorBytes() + ", " + output.bytes());
      output.write();
    }
    System.out.println("perplexity as it is: " + perplexity(MODEL));
    System.out.println("perplexity q8_0: " + perplexity(small.toString()));
    Files.delete(small);
    Files.delete(directory);
  }

  private static double perplexity(String name) {
    try (MeasuredModel model = MeasuredModel.open(name)) {
      int[] ids = model.tokenizer().encode(TEXT, false);
      Perplexity.Options windows = new Perplexity.Options(ids.length, ids.length);
      EngineSettings settings = EngineSettings.defaults();
      return Perplexity.measure(model, settings, ids, windows, soFar -> {}).perplexity();
    }
  }
}
