package dev.tandem.formats.dumps;

import dev.tandem.formats.families.LlamaConfig;
import dev.tandem.formats.files.Folder;
import dev.tandem.formats.files.Folder.OpenFile;
import dev.tandem.formats.files.JsonObject;
import dev.tandem.formats.files.TokenizerFolder;
import dev.tandem.model.Architecture;
import dev.tandem.model.LinearBias;
import dev.tandem.model.ModelConfig;
import dev.tandem.model.ModelFormatException;
import dev.tandem.model.TensorPlan;
import dev.tandem.tensor.DType;
import dev.tandem.tokenizer.Tokenizer;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * llama2.c checkpoints; matrices are {@code [out, in]}, each kind is grouped over all layers.
 *
 * <pre>
 * version 0   7 x i32 (a negative vocab_size: the head is not tied), then f32 tensors
 * version 1   u32 magic, i32 1, 7 x i32, u8 tied, zeros up to 256 B, then f32 tensors
 * version 2   u32 magic, i32 2, 7 x i32, u8 tied, i32 group size (not aligned), zeros up to 256 B,
 *             then the norms in f32 and the matrices as {@link Int8Groups}
 * </pre>
 *
 * Source: {@code export.py}, {@code run.c} and {@code runq.c} of llama2.c.
 */
final class Llama2cFormat implements FlatFormat {
  /** "ak42" backwards. */
  private static final int MAGIC = 0x616b3432;

  private static final int MAGIC_BYTES = 2 * Integer.BYTES;
  private static final int SHAPE_BYTES = 7 * Integer.BYTES;
  private static final int VOCAB_SIZE_AT = 5 * Integer.BYTES;
  private static final int LATER_HEADER_BYTES = 256;

  /** Constants of llama2.c's run.c, which the file does not store. */
  private static final float NORM_EPS = 1e-5f;

  private static final double ROPE_THETA = 10_000;

  /** In the order of all versions; llama2.c calls the last three w1, w2 and w3. */
  private static final List<String> ATTENTION =
      List.of("attn_q", "attn_k", "attn_v", "attn_output");

  private static final List<String> FFN = List.of("ffn_gate", "ffn_down", "ffn_up");

  private static final String OUTPUT_NORM = "output_norm.weight";

  @Override
  public String reads() {
    return "llama2.c";
  }

  @Override
  public boolean hasMagic(ByteBuffer head) {
    return head.getInt(0) == MAGIC;
  }

  @Override
  public Finding examine(OpenFile file, JsonObject stated) throws IOException {
    if (file.data().bytes() >= MAGIC_BYTES) {
      ByteBuffer start = file.data().slice(0, MAGIC_BYTES);
      if (start.getInt() == MAGIC) {
        return later(file, start.getInt(), stated);
      }
    }
    FlatLayout layout;
    ModelConfig alone;
    try {
      ByteBuffer header = header(file, SHAPE_BYTES);
      alone = config(file, header, header.getInt(VOCAB_SIZE_AT) > 0, true);
      layout = layoutOfVersion0(alone);
      layout.check(file);
    } catch (ModelFormatException e) {
      return new NotThis(e.problem(), e.remedies());
    }
    return new FlatModel("llama2.c version 0", agreed(stated, alone), layout, List.of());
  }

  private static FlatModel later(OpenFile file, int version, JsonObject stated) throws IOException {
    if (version != 1 && version != 2) {
      throw new ModelFormatException(file.path(), "llama2.c version", "0, 1 or 2", "" + version);
    }
    ByteBuffer header = header(file, LATER_HEADER_BYTES).position(MAGIC_BYTES);
    ByteBuffer shape = header.slice(MAGIC_BYTES, SHAPE_BYTES).order(header.order());
    int shared = header.get(MAGIC_BYTES + SHAPE_BYTES);
    if (shared != 0 && shared != 1) {
      throw new ModelFormatException(file.path(), "shared_classifier", "0 or 1", "" + shared);
    }
    ModelConfig config = agreed(stated, config(file, shape, shared == 1, false));
    int used = MAGIC_BYTES + SHAPE_BYTES + 1;
    FlatLayout layout;
    if (version == 2) {
      int groupSize = header.getInt(used);
      used += Integer.BYTES;
      checkGroups(file, config, groupSize);
      layout = layoutOfLater(config, (l, name) -> l.placeInt8Groups(name, groupSize));
    } else {
      layout = layoutOfLater(config, (l, name) -> l.place(name, DType.F32));
    }
    for (int at = used; at < LATER_HEADER_BYTES; at++) {
      if (header.get(at) != 0) { // a variant of the format that is not supported
        throw new ModelFormatException(
            file.path(), "header byte " + at, "0, as llama2.c leaves it", "" + header.get(at));
      }
    }
    layout.check(file);
    return new FlatModel("llama2.c version " + version, config, layout, List.of());
  }

  private static ByteBuffer header(OpenFile file, int bytes) throws IOException {
    if (file.data().bytes() < bytes) {
      throw new ModelFormatException(
          file.path(),
          "file length",
          "at least " + bytes + " B of header",
          file.data().bytes() + " B");
    }
    return file.data().slice(0, bytes);
  }

  private static ModelConfig config(OpenFile file, ByteBuffer header, boolean tied, boolean signed)
      throws ModelFormatException {
    int dModel = header.getInt();
    int dFf = header.getInt();
    int nLayers = header.getInt();
    int nHeads = header.getInt();
    int nKvHeads = header.getInt();
    int vocabSize = header.getInt();
    int maxSeq = header.getInt();
    if (dModel < 1) {
      throw new ModelFormatException(file.path(), "dim", "a positive integer", "" + dModel);
    }
    if (nHeads < 1 || dModel % nHeads != 0) {
      throw new ModelFormatException(
          file.path(), "n_heads", "a divisor of dim " + dModel, "" + nHeads);
    }
    try {
      return ModelConfig.builder(Architecture.LLAMA)
          .nLayers(nLayers)
          .nHeads(nHeads)
          .nKvHeads(nKvHeads)
          .headDim(dModel / nHeads)
          .dModel(dModel)
          .dFf(dFf)
          .vocabSize(signed && vocabSize < 0 ? Math.negateExact(vocabSize) : vocabSize)
          .maxSeq(maxSeq)
          .normEps(NORM_EPS)
          .ropeTheta(ROPE_THETA)
          .tiedHead(tied)
          .build();
    } catch (IllegalArgumentException | ArithmeticException e) {
      throw new ModelFormatException(file.path(), "header: " + e.getMessage());
    }
  }

  /**
   * The config of a file together with stated fields: the base of the rotary frequencies and the
   * epsilon, which the file does not store. Other stated fields must agree with the file.
   *
   * @param stated by Hugging Face's names
   */
  private static ModelConfig agreed(JsonObject stated, ModelConfig header)
      throws ModelFormatException {
    if (stated.isEmpty()) {
      return header;
    }
    Map<String, Integer> sizes = new LinkedHashMap<>();
    sizes.put("hidden_size", header.dModel());
    sizes.put("intermediate_size", header.dFf());
    sizes.put("num_hidden_layers", header.nLayers());
    sizes.put("num_attention_heads", header.nHeads());
    sizes.put("num_key_value_heads", header.nKvHeads());
    sizes.put("vocab_size", header.vocabSize());
    sizes.put("max_position_embeddings", header.maxSeq());
    Map<String, String> fields = new LinkedHashMap<>();
    for (Map.Entry<String, Integer> size : sizes.entrySet()) {
      int value = size.getValue();
      if (stated.integer(size.getKey(), value) != value) {
        throw stated.wrong(size.getKey(), value + ", as the model's file says");
      }
      fields.put(size.getKey(), Integer.toString(value));
    }
    if (!stated.has("rms_norm_eps")) {
      fields.put("rms_norm_eps", Float.toString(NORM_EPS));
    }
    ModelConfig config = LlamaConfig.of(stated.with(fields), !header.tiedHead()).model();
    if (config.ropeFactors()) {
      throw stated.wrong("rope_scaling", "none, because llama2.c does not support it");
    }
    if (config.bias() != LinearBias.NONE || config.headDim() != header.headDim()) {
      throw new ModelFormatException(
          stated.path(), "biases and heads of another size do not fit a llama2.c file");
    }
    if (config.tiedHead() != header.tiedHead()) {
      throw stated.wrong("tie_word_embeddings", header.tiedHead() + ", as the model's file says");
    }
    return config;
  }

  private static void checkGroups(OpenFile file, ModelConfig config, int groupSize)
      throws ModelFormatException {
    boolean whole = groupSize > 0;
    for (TensorPlan.Spec spec : TensorPlan.of(config).specs()) {
      whole = whole && (spec.rows() == 1 || spec.elements() % groupSize == 0);
    }
    if (!whole) {
      throw new ModelFormatException(
          file.path(),
          "group_size",
          "a divisor of every matrix's number of elements",
          "" + groupSize);
    }
  }

  private static FlatLayout layoutOfVersion0(ModelConfig config) {
    FlatLayout layout = new FlatLayout(TensorPlan.of(config), SHAPE_BYTES);
    layout.place(TensorPlan.TOKEN_EMBEDDING, DType.F32);
    Placer f32 = (l, name) -> l.place(name, DType.F32);
    placeKinds(layout, config, List.of("attn_norm"), f32);
    placeKinds(layout, config, ATTENTION, f32);
    placeKinds(layout, config, List.of("ffn_norm"), f32);
    placeKinds(layout, config, FFN, f32);
    layout.place(OUTPUT_NORM, DType.F32);
    long rotations = Math.multiplyExact((long) config.maxSeq(), config.headDim() / 2);
    layout.skip(DType.F32.bytes(2 * rotations)); // cosines and sines, which we compute ourselves
    if (!config.tiedHead()) {
      layout.place(TensorPlan.OUTPUT, DType.F32);
    }
    return layout;
  }

  private static FlatLayout layoutOfLater(ModelConfig config, Placer matrices) {
    FlatLayout layout = new FlatLayout(TensorPlan.of(config), LATER_HEADER_BYTES);
    placeKinds(layout, config, List.of("attn_norm", "ffn_norm"), (l, n) -> l.place(n, DType.F32));
    layout.place(OUTPUT_NORM, DType.F32);
    matrices.place(layout, TensorPlan.TOKEN_EMBEDDING);
    placeKinds(layout, config, ATTENTION, matrices);
    placeKinds(layout, config, FFN, matrices);
    if (!config.tiedHead()) {
      matrices.place(layout, TensorPlan.OUTPUT);
    }
    return layout;
  }

  /** Decides the stored form of a tensor. */
  private interface Placer {
    void place(FlatLayout layout, String name);
  }

  private static void placeKinds(
      FlatLayout layout, ModelConfig config, List<String> kinds, Placer placer) {
    for (String kind : kinds) {
      for (int layer = 0; layer < config.nLayers(); layer++) {
        placer.place(layout, "blk." + layer + "." + kind + ".weight");
      }
    }
  }

  @Override
  public Tokenizer tokenizer(Folder folder, FlatModel model) throws IOException {
    return new TokenizerFolder(folder).ofLlama2c(model.config().vocabSize());
  }
}
