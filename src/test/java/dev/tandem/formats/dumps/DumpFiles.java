package dev.tandem.formats.dumps;

import dev.tandem.model.Checkpoint;
import dev.tandem.model.ModelConfig;
import dev.tandem.model.TestModels;
import dev.tandem.tensor.BFloat16;
import dev.tandem.tensor.Tensor;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.List;

/** Independent writers of other engines' formats, after these engines' own exporters. */
public final class DumpFiles {
  private static final int LLAMA2C_MAGIC = 0x616b3432;
  private static final int LLMC_MAGIC = 20240326;
  private static final int LLMC_HEADER_INTS = 256;

  private DumpFiles() {}

  static byte[] ints(int... values) {
    ByteBuffer bytes = ByteBuffer.allocate(4 * values.length).order(ByteOrder.LITTLE_ENDIAN);
    bytes.asIntBuffer().put(values);
    return bytes.array();
  }

  public static byte[] floats(float[] values) {
    ByteBuffer bytes = ByteBuffer.allocate(4 * values.length).order(ByteOrder.LITTLE_ENDIAN);
    bytes.asFloatBuffer().put(values);
    return bytes.array();
  }

  /** All elements in logical order. */
  public static float[] values(Tensor tensor) throws IOException {
    float[] stored = new float[(int) tensor.elements()];
    tensor.read(0, stored.length, stored, 0);
    if (!tensor.transposed()) {
      return stored;
    }
    float[] turned = new float[stored.length];
    int rows = (int) tensor.rows();
    int cols = (int) tensor.cols();
    for (int i = 0; i < stored.length; i++) {
      turned[i] = stored[i % cols * rows + i / cols];
    }
    return turned;
  }

  /** The elements as f32, {@code [out, in]}, or {@code [in, out]} if they are to be turned. */
  static byte[] f32(Tensor tensor, boolean turn) throws IOException {
    float[] values = values(tensor);
    if (!turn || tensor.rows() == 1) {
      return floats(values);
    }
    float[] turned = new float[values.length];
    int rows = (int) tensor.rows();
    int cols = (int) tensor.cols();
    for (int r = 0; r < rows; r++) {
      for (int c = 0; c < cols; c++) {
        turned[c * rows + r] = values[r * cols + c];
      }
    }
    return floats(turned);
  }

  /** llama2.c's legacy_export (0), version1_export or version2_export with a group size. */
  public static byte[] llama2c(Checkpoint model, int version, int groupSize) throws IOException {
    if (version == 0) {
      return TestModels.llama2c(model);
    }
    ModelConfig c = model.config();
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.writeBytes(ints(LLAMA2C_MAGIC, version));
    out.writeBytes(
        ints(
            c.dModel(), c.dFf(), c.nLayers(), c.nHeads(), c.nKvHeads(), c.vocabSize(), c.maxSeq()));
    out.write(c.tiedHead() ? 1 : 0);
    if (version == 2) {
      out.writeBytes(ints(groupSize));
    }
    out.writeBytes(new byte[256 - out.size()]);
    for (String norm : List.of("attn_norm", "ffn_norm")) {
      for (int layer = 0; layer < c.nLayers(); layer++) {
        out.writeBytes(f32(model.tensor("blk." + layer + "." + norm + ".weight"), false));
      }
    }
    out.writeBytes(f32(model.tensor("output_norm.weight"), false));
    int group = version == 2 ? groupSize : 0;
    matrix(out, model.tensor("token_embd.weight"), group);
    for (String kind :
        List.of("attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_down", "ffn_up")) {
      for (int layer = 0; layer < c.nLayers(); layer++) {
        matrix(out, model.tensor("blk." + layer + "." + kind + ".weight"), group);
      }
    }
    if (!c.tiedHead()) {
      matrix(out, model.tensor("output.weight"), group);
    }
    return out.toByteArray();
  }

  private static void matrix(ByteArrayOutputStream out, Tensor tensor, int groupSize)
      throws IOException {
    if (groupSize == 0) {
      out.writeBytes(f32(tensor, false));
    } else {
      quantized(out, values(tensor), groupSize);
    }
  }

  /** quantize_q80: absmax / 127 is a group's scale; first all integers, then all scales. */
  static void quantized(ByteArrayOutputStream out, float[] values, int groupSize) {
    float[] scales = new float[values.length / groupSize];
    for (int group = 0; group < scales.length; group++) {
      float max = 0;
      for (int i = 0; i < groupSize; i++) {
        max = Math.max(max, Math.abs(values[group * groupSize + i]));
      }
      scales[group] = max / 127;
    }
    for (int i = 0; i < values.length; i++) {
      float scale = scales[i / groupSize];
      out.write((int) Math.rint(scale == 0 ? 0 : values[i] / scale));
    }
    out.writeBytes(floats(scales));
  }

  /** llm.c's write_model: every tensor in one type, the vocabulary padded with zeros. */
  public static byte[] llmc(Checkpoint model, int version, int paddedVocab) throws IOException {
    ModelConfig c = model.config();
    int[] header = new int[LLMC_HEADER_INTS];
    int[] used = {
      LLMC_MAGIC,
      version,
      c.maxSeq(),
      c.vocabSize(),
      c.nLayers(),
      c.nHeads(),
      c.dModel(),
      paddedVocab
    };
    System.arraycopy(used, 0, header, 0, used.length);
    ByteArrayOutputStream data = new ByteArrayOutputStream();
    data.writeBytes(f32(model.tensor("token_embd.weight"), false));
    data.writeBytes(new byte[4 * c.dModel() * (paddedVocab - c.vocabSize())]);
    data.writeBytes(f32(model.tensor("position_embd.weight"), false));
    String[] kinds = {"attn_norm", "attn_qkv", "attn_output", "ffn_norm", "ffn_up", "ffn_down"};
    for (String kind : kinds) {
      for (String part : List.of("weight", "bias")) {
        for (int layer = 0; layer < c.nLayers(); layer++) {
          data.writeBytes(f32(model.tensor("blk." + layer + "." + kind + "." + part), false));
        }
      }
    }
    data.writeBytes(f32(model.tensor("output_norm.weight"), false));
    data.writeBytes(f32(model.tensor("output_norm.bias"), false));
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.writeBytes(ints(header));
    out.writeBytes(version == 5 ? halved(data.toByteArray()) : data.toByteArray());
    return out.toByteArray();
  }

  private static byte[] halved(byte[] f32) {
    ByteBuffer from = ByteBuffer.wrap(f32).order(ByteOrder.LITTLE_ENDIAN);
    ByteBuffer to = ByteBuffer.allocate(f32.length / 2).order(ByteOrder.LITTLE_ENDIAN);
    while (from.hasRemaining()) {
      to.putShort(BFloat16.fromFloat(from.getFloat()));
    }
    return to.array();
  }

  /** named_parameters() of GPT-2, linear layers turned or not. */
  public static byte[] parameters(Checkpoint model, boolean turned) throws IOException {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.writeBytes(f32(model.tensor("token_embd.weight"), false));
    out.writeBytes(f32(model.tensor("position_embd.weight"), false));
    String[] kinds = {"attn_norm", "attn_qkv", "attn_output", "ffn_norm", "ffn_up", "ffn_down"};
    for (int layer = 0; layer < model.config().nLayers(); layer++) {
      for (String kind : kinds) {
        String name = "blk." + layer + "." + kind;
        out.writeBytes(f32(model.tensor(name + ".weight"), turned));
        out.writeBytes(f32(model.tensor(name + ".bias"), false));
      }
    }
    out.writeBytes(f32(model.tensor("output_norm.weight"), false));
    out.writeBytes(f32(model.tensor("output_norm.bias"), false));
    return out.toByteArray();
  }

  /** The multi-backend engine's model.bin. */
  public static byte[] modelBin(Checkpoint model, boolean turned) throws IOException {
    ModelConfig c = model.config();
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.writeBytes(ints(c.nLayers(), c.nHeads(), c.dModel(), c.vocabSize(), c.maxSeq()));
    out.writeBytes(parameters(model, turned));
    return out.toByteArray();
  }

  /** What numpy.save writes for a matrix. */
  public static byte[] npy(String descr, String fortranOrder, String shape, byte[] data) {
    StringBuilder header =
        new StringBuilder(
            String.format(
                "{'descr': '%s', 'fortran_order': %s, 'shape': %s, }", descr, fortranOrder, shape));
    while ((10 + header.length() + 1) % 64 != 0) {
      header.append(' ');
    }
    byte[] text = header.append('\n').toString().getBytes(StandardCharsets.ISO_8859_1);
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.writeBytes(new byte[] {(byte) 0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0});
    out.writeBytes(new byte[] {(byte) text.length, (byte) (text.length >> 8)});
    out.writeBytes(text);
    out.writeBytes(data);
    return out.toByteArray();
  }
}
