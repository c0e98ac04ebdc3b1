package dev.tandem.formats.dumps;

import dev.tandem.formats.files.Folder;
import dev.tandem.formats.files.Folder.OpenFile;
import dev.tandem.formats.files.JsonObject;
import dev.tandem.formats.files.TokenizerFolder;
import dev.tandem.model.ModelConfig;
import dev.tandem.model.ModelFormatException;
import dev.tandem.model.TensorPlan;
import dev.tandem.tensor.DType;
import dev.tandem.tokenizer.Tokenizer;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Map;

/**
 * llm.c's GPT-2 checkpoints, such as {@code gpt2_124M.bin}: 256 x i32 {magic, version, context,
 * vocabulary, layers, heads, width, padded vocabulary, 0 ...}, then f32 (version 3) or bf16
 * (version 5) tensors, each kind grouped over all layers, linear layers {@code [out, in]}. The rows
 * that pad the vocabulary are left out.
 *
 * <p>Source: {@code train_gpt2.py} and {@code train_gpt2.c} of llm.c.
 */
final class LlmcFormat implements FlatFormat {
  private static final int MAGIC = 20240326;
  private static final int HEADER_BYTES = 256 * Integer.BYTES;
  private static final int F32_VERSION = 3;
  private static final int BF16_VERSION = 5;

  /** In file order; each with a weight and a bias. */
  private static final List<String> LAYER_KINDS =
      List.of("attn_norm", "attn_qkv", "attn_output", "ffn_norm", "ffn_up", "ffn_down");

  @Override
  public String reads() {
    return "llm.c";
  }

  @Override
  public boolean hasMagic(ByteBuffer head) {
    return head.getInt(0) == MAGIC;
  }

  @Override
  public Finding examine(OpenFile file, JsonObject stated) throws IOException {
    if (file.data().bytes() < Integer.BYTES || !hasMagic(file.data().slice(0, Integer.BYTES))) {
      return new NotThis("magic number: expected " + MAGIC, List.of());
    }
    if (file.data().bytes() < HEADER_BYTES) {
      throw new ModelFormatException(
          file.path(),
          "file length",
          "at least " + HEADER_BYTES + " B of header",
          file.data().bytes() + " B");
    }
    ByteBuffer header = file.data().slice(0, HEADER_BYTES).position(Integer.BYTES);
    int version = header.getInt();
    if (version != F32_VERSION && version != BF16_VERSION) {
      throw new ModelFormatException(
          file.path(),
          "llm.c version",
          F32_VERSION + " (f32) or " + BF16_VERSION + " (bf16); export it with a newer llm.c",
          "" + version);
    }
    int maxSeq = header.getInt();
    int vocabSize = header.getInt();
    int nLayers = header.getInt();
    int nHeads = header.getInt();
    int width = header.getInt();
    int paddedVocab = header.getInt();
    ModelConfig config =
        config(
            file,
            stated,
            Map.of(
                "n_positions", maxSeq,
                "vocab_size", vocabSize,
                "n_layer", nLayers,
                "n_head", nHeads,
                "n_embd", width));
    if (paddedVocab < vocabSize) {
      throw new ModelFormatException(
          file.path(), "padded vocabulary", "at least " + vocabSize, "" + paddedVocab);
    }
    DType dtype = version == F32_VERSION ? DType.F32 : DType.BF16;
    FlatLayout layout = layout(config, dtype, paddedVocab);
    layout.check(file);
    return new FlatModel("llm.c version " + version, config, layout, List.of());
  }

  /** Reports an error of the config as an error of the header, if the header is the only source. */
  private static ModelConfig config(OpenFile file, JsonObject stated, Map<String, Integer> header)
      throws ModelFormatException {
    try {
      Gpt2Dumps.config(JsonObject.empty(file.path()), header);
    } catch (ModelFormatException e) {
      throw new ModelFormatException(file.path(), "header: " + e.problem(), e.remedies());
    }
    return Gpt2Dumps.config(stated, header);
  }

  private static FlatLayout layout(ModelConfig config, DType dtype, int paddedVocab) {
    FlatLayout layout = new FlatLayout(TensorPlan.of(config), HEADER_BYTES);
    layout.placePadded(TensorPlan.TOKEN_EMBEDDING, dtype, paddedVocab);
    layout.place(TensorPlan.POSITION_EMBEDDING, dtype);
    for (String kind : LAYER_KINDS) {
      for (String part : List.of(".weight", ".bias")) {
        for (int layer = 0; layer < config.nLayers(); layer++) {
          layout.place("blk." + layer + "." + kind + part, dtype);
        }
      }
    }
    layout.place("output_norm.weight", dtype);
    layout.place("output_norm.bias", dtype);
    return layout;
  }

  @Override
  public Tokenizer tokenizer(Folder folder, FlatModel model) throws IOException {
    return new TokenizerFolder(folder).ofModel(model.config().vocabSize());
  }
}
