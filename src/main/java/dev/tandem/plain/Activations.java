package dev.tandem.plain;

import dev.tandem.model.Activation;
import dev.tandem.model.ModelConfig;
import dev.tandem.model.Tables;
import dev.tandem.settings.ActivationEval;
import dev.tandem.tensor.Float16;
import java.nio.ShortBuffer;

/** The feed-forward network's non-linearity, by table or by formula. */
final class Activations {
  private final Activation activation;
  private final ActivationEval eval;
  private final float[] table; // indexed by f16 bits; empty for the formula

  Activations(ModelConfig config, ActivationEval eval) {
    activation = config.activation();
    this.eval = eval;
    table = eval == ActivationEval.TABLE ? table(activation) : new float[0];
  }

  private static float[] table(Activation activation) {
    ShortBuffer halves = Tables.activation(activation);
    float[] table = new float[halves.limit()];
    for (int bits = 0; bits < table.length; bits++) {
      table[bits] = Float16.toFloat(halves.get(bits));
    }
    return table;
  }

  ActivationEval eval() {
    return eval;
  }

  float of(float x) {
    return table.length > 0
        ? table[Short.toUnsignedInt(Float16.fromFloat(x))]
        : (float) Tables.activate(activation, x);
  }
}
