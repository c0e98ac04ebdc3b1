package dev.tandem.formats.dumps;

import dev.tandem.formats.files.Folder;
import dev.tandem.formats.files.Folder.OpenFile;
import dev.tandem.formats.files.JsonObject;
import dev.tandem.formats.files.TokenizerFolder;
import dev.tandem.model.ModelConfig;
import dev.tandem.model.ModelFormatException;
import dev.tandem.settings.Remedy;
import dev.tandem.tokenizer.Tokenizer;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * GPT-2 as {@code model.bin} with {@code vocab.bin}: 5 x i32 {n_layer, n_head, n_embd, vocab_size,
 * max_seq_len}, then f32 tensors in the order of {@code named_parameters()}.
 *
 * <p>Exporters of this format differ in whether linear layers are {@code [out, in]} or {@code [in,
 * out]}, and nothing in the file says which: lengths are equal, and any statistic of the weights is
 * a guess. {@code linear=out_in} or {@code linear=in_out} says it; else {@link LinearOrder}
 * decides.
 */
final class ModelBinFormat implements FlatFormat {
  private static final List<String> HEADER =
      List.of("n_layer", "n_head", "n_embd", "vocab_size", "n_positions");
  private static final int HEADER_BYTES = 5 * Integer.BYTES;
  private static final String LINEAR = "linear";
  private static final String OUT_IN = "out_in";
  private static final String IN_OUT = "in_out";

  @Override
  public String reads() {
    return "model.bin + vocab.bin";
  }

  @Override
  public boolean hasMagic(ByteBuffer head) {
    return false;
  }

  @Override
  public Finding examine(OpenFile file, JsonObject stated) throws IOException {
    if (file.data().bytes() < HEADER_BYTES) {
      return new NotThis("file length: expected at least " + HEADER_BYTES + " B", List.of());
    }
    ByteBuffer ints = file.data().slice(0, HEADER_BYTES);
    Map<String, Integer> header = new LinkedHashMap<>();
    HEADER.forEach(key -> header.put(key, ints.getInt()));
    try {
      ModelConfig alone = Gpt2Dumps.config(JsonObject.empty(file.path()), header);
      Gpt2Dumps.inParameterOrder(alone, HEADER_BYTES, false).check(file);
    } catch (ModelFormatException e) {
      return new NotThis(e.problem(), e.remedies());
    }
    ModelConfig config = Gpt2Dumps.config(stated, header);
    return switch (stated.text(LINEAR, "")) {
      case OUT_IN -> model(file, config, false);
      case IN_OUT -> model(file, config, true);
      case "" ->
          new Undecided(model(file, config, false), model(file, config, true), ask(file, ""));
      default -> throw ask(file, stated.text(LINEAR, ""));
    };
  }

  private static FlatModel model(OpenFile file, ModelConfig config, boolean transposed)
      throws ModelFormatException {
    FlatLayout layout = Gpt2Dumps.inParameterOrder(config, HEADER_BYTES, transposed);
    layout.check(file); // n_inner may have been stated
    return new FlatModel(
        "model.bin with linear layers " + (transposed ? "[in, out]" : "[out, in]"),
        config,
        layout,
        List.of());
  }

  private static ModelFormatException ask(OpenFile file, String got) {
    return new ModelFormatException(
        file.path(),
        LINEAR,
        "out_in or in_out: how the exporter stored linear layers, which the file does not say (the"
            + " wrong one gives nonsense)",
        got.isEmpty() ? "nothing" : got,
        Remedy.config(LINEAR, OUT_IN),
        Remedy.config(LINEAR, IN_OUT));
  }

  @Override
  public Tokenizer tokenizer(Folder folder, FlatModel model) throws IOException {
    return new TokenizerFolder(folder).ofModel(model.config().vocabSize());
  }
}
