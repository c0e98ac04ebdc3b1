package dev.tandem.runtime;

import dev.tandem.model.Checkpoint;
import dev.tandem.model.ModelPart;
import dev.tandem.settings.InvalidSettingException;
import dev.tandem.stage.Span;
import java.io.IOException;

/** The part of a model that a server of some layers loads. */
public final class ServedPart {
  private ServedPart() {}

  /**
   * The layers, and the head if the last layer of the model is among them and the checkpoint holds
   * it. Tensors of other layers, and the table of a head that is left out, are not part of it.
   *
   * @param checkpoint a whole model or a part; it must stay open
   * @param layers without the head; no layers at the model's end for the head alone
   * @throws InvalidSettingException if the checkpoint does not hold them
   * @throws IOException if the model's hash must be computed and a file cannot be read
   */
  public static Checkpoint of(Checkpoint checkpoint, Span layers) throws IOException {
    int nLayers = checkpoint.config().nLayers();
    ModelPart part = checkpoint.part();
    boolean head = part.head() && layers.end() == nLayers;
    Span held = part.layers();
    if (layers.hasLayers() ? !held.contains(layers) : !head) {
      String range = held.hasLayers() ? held.begin() + ":" + held.end() : "none";
      throw new InvalidSettingException(
          "servedLayers",
          "must be layers of " + checkpoint.name() + ", which holds " + range,
          layers.begin() + ":" + layers.end());
    }
    return checkpoint.cut(new ModelPart(false, layers, head));
  }
}
