package dev.tandem.convert;

import dev.tandem.formats.Checkpoints;
import dev.tandem.model.Checkpoint;
import dev.tandem.tensor.DType;
import dev.tandem.types.ConversionProgress;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.locks.LockSupport;

/** {@code OUT run|stop-half-way|large}: a conversion in a process of its own. */
public final class ConversionMain {
  private static final int VOCAB = 50_257;
  private static final int WIDTH = 1024;

  private ConversionMain() {}

  /** Says {@code half} half-way and then waits to be killed, or says what went wrong. */
  public static void main(String[] args) throws Exception {
    Path out = Path.of(args[0]);
    String model = args[1].equals("large") ? large(out).toString() : "stories260K";
    DType type = args[1].equals("large") ? DType.Q8_0 : DType.F32;
    ConversionProgress progress =
        args[1].equals("stop-half-way") ? new StopsHalfWay() : ConversionProgress.NONE;
    try (Checkpoint checkpoint = Checkpoints.open(model, Optional.empty())) {
      ConversionOptions options = new ConversionOptions(Optional.of(type), Optional.empty(), false);
      Conversion.of(checkpoint, out, options).run(progress);
    } catch (IOException e) {
      System.out.println(e.getMessage());
      System.exit(1);
    }
  }

  private static final class StopsHalfWay implements ConversionProgress {
    private long left;

    @Override
    public void begin(long totalBytes) {
      left = totalBytes / 2;
    }

    @Override
    public void advance(String tensor, long bytes) {
      left -= bytes;
      if (left < 0) {
        System.out.print("half");
        System.out.flush();
        while (true) {
          LockSupport.park();
        }
      }
    }
  }

  /** A GPT-2 of one layer with zero weights: a file with holes, which takes no room on the disk. */
  private static Path large(Path out) throws IOException {
    Path folder = Files.createDirectory(out.resolveSibling("large"));
    Files.writeString(
        folder.resolve("config.json"),
        "{\"model_type\": \"gpt2\", \"n_layer\": 1, \"n_head\": 16, \"n_embd\": 1024,"
            + " \"n_inner\": 16384, \"vocab_size\": 50257, \"n_positions\": 8}");
    String[] names = {
      "wte.weight " + VOCAB + "," + WIDTH,
      "wpe.weight 8," + WIDTH,
      "h.0.ln_1.weight " + WIDTH,
      "h.0.ln_1.bias " + WIDTH,
      "h.0.attn.c_attn.weight " + WIDTH + "," + 3 * WIDTH,
      "h.0.attn.c_attn.bias " + 3 * WIDTH,
      "h.0.attn.c_proj.weight " + WIDTH + "," + WIDTH,
      "h.0.attn.c_proj.bias " + WIDTH,
      "h.0.ln_2.weight " + WIDTH,
      "h.0.ln_2.bias " + WIDTH,
      "h.0.mlp.c_fc.weight " + WIDTH + ",16384",
      "h.0.mlp.c_fc.bias 16384",
      "h.0.mlp.c_proj.weight 16384," + WIDTH,
      "h.0.mlp.c_proj.bias " + WIDTH,
      "ln_f.weight " + WIDTH,
      "ln_f.bias " + WIDTH
    };
    StringBuilder header = new StringBuilder("{");
    long end = 0;
    for (String name : names) {
      String[] parts = name.split(" ", 2);
      long bytes = Float.BYTES;
      for (String extent : parts[1].split(",", -1)) {
        bytes *= Long.parseLong(extent);
      }
      header.append(header.length() > 1 ? "," : "").append('"').append(parts[0]).append("\":");
      header.append("{\"dtype\":\"F32\",\"shape\":[").append(parts[1]).append("],");
      header.append("\"data_offsets\":[").append(end).append(',').append(end += bytes);
      header.append("]}");
    }
    byte[] json = header.append('}').toString().getBytes(StandardCharsets.UTF_8);
    try (RandomAccessFile file =
        new RandomAccessFile(folder.resolve("model.safetensors").toFile(), "rw")) {
      ByteBuffer length = ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN);
      file.write(length.putLong(json.length).array());
      file.write(json);
      file.setLength(8 + json.length + end);
    }
    Files.writeString(folder.resolve("merges.txt"), gpt2Merges());
    return folder;
  }

  private static String gpt2Merges() throws IOException {
    try (var in =
        ConversionMain.class.getResourceAsStream("/dev/tandem/tokenizer/files/gpt2-merges.txt")) {
      if (in == null) {
        throw new IOException("no gpt2-merges.txt");
      }
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    }
  }
}
