package dev.tandem.formats.families;

import dev.tandem.formats.files.JsonObject;
import dev.tandem.model.ModelConfig;
import dev.tandem.model.ModelFormatException;
import dev.tandem.model.TensorPlan;
import dev.tandem.tensor.Tensor;
import java.io.IOException;
import java.util.List;
import java.util.Map;

/**
 * How the files of one family of models name and lay out their tensors, whatever container holds
 * them, and what their config means.
 */
interface ForeignFamily {

  /** Whether tensors are named as this family's. */
  boolean recognises(NamedTensors stored);

  /**
   * The model that some tensors are.
   *
   * @param stored tensors of this family
   * @param config the config's members; none if there is no config
   * @throws ModelFormatException if the config asks for what is not supported, or tensors are
   *     missing, superfluous, or of the wrong shape or type
   * @throws IOException if a file cannot be read
   */
  Model read(NamedTensors stored, JsonObject config) throws IOException;

  /**
   * A model as this program names things.
   *
   * @param family for people, such as {@code Hugging Face GPT-2}
   * @param tensors by canonical name, as {@link TensorPlan} lists them
   * @param notes what was assumed; one line each
   */
  record Model(
      String family, ModelConfig config, Map<String, Tensor> tensors, List<String> notes) {}
}
