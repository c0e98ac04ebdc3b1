import com.github.tjake.jlama.model.AbstractModel;
import com.github.tjake.jlama.model.ModelSupport;
import com.github.tjake.jlama.safetensors.DType;
import com.github.tjake.jlama.tensor.AbstractTensor;
import com.github.tjake.jlama.tensor.KvBufferCache;
import com.github.tjake.jlama.util.PhysicalCoreExecutor;
import dev.tandem.peers.Contestant;
import java.io.File;
import java.io.IOException;
import java.util.Optional;

/**
 * Jlama, below its sampler and tokenizer. Run as a source file by a Java that can read Jlama's
 * classes, which the Java that compiles this project cannot.
 */
final class JlamaContestant implements Contestant {
  private final AbstractModel model;
  private final KvBufferCache kvBuffers;

  private JlamaContestant(File directory, DType activations, DType weights) {
    Optional<DType> quantized = Optional.of(weights).filter(type -> type != DType.F32);
    model =
        ModelSupport.loadModel(
            directory, null, DType.F32, activations, quantized, Optional.empty());
    kvBuffers = new KvBufferCache(model);
  }

  @Override
  public void generate(int[] promptIds, int nTokens) {
    try (KvBufferCache.KvBuffer kv = kvBuffers.getEphemeralKvBuffer()) {
      AbstractTensor rows = model.batchForward(promptIds, 0, kv);
      AbstractTensor last = rows.slice(rows.shape().first() - 1); // of the last batch
      for (int i = 0; ; i++) {
        int id = argmax(model.getLogits(last));
        if (i == nTokens - 1) {
          return;
        }
        last = model.forward(id, promptIds.length + i, kv, Optional.empty());
      }
    }
  }

  private static int argmax(float[] logits) {
    int best = 0;
    for (int id = 1; id < logits.length; id++) {
      best = logits[id] > logits[best] ? id : best;
    }
    return best;
  }

  @Override
  public void close() {
    model.close();
  }

  /** Arguments: the model's directory, the number of threads, types of activations and weights. */
  public static void main(String[] args) throws IOException {
    PhysicalCoreExecutor.overrideThreadCount(Integer.parseInt(args[1]));
    Contestant.serve(
        new JlamaContestant(new File(args[0]), DType.valueOf(args[2]), DType.valueOf(args[3])));
  }
}
