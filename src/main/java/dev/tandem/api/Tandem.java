package dev.tandem.api;

import dev.tandem.runtime.Models;
import dev.tandem.settings.ModelSource;
import dev.tandem.tokenizer.Tokenizer;
import java.io.IOException;
import java.util.List;

/**
 * Where everything begins. A model is named by the path of a file or directory, by an embedded name
 * such as {@code gpt2-shakespeare}, or by the name of a pulled model.
 *
 * <pre>{@code
 * try (TextModel model = Tandem.open("gpt2-shakespeare")) {
 *   System.out.println(model.generate("ROMEO:"));
 * }
 *
 * TextModel small = Tandem.model("model.gguf").type(WeightType.Q8_0).threads(2).open();
 * SplitModel split = Tandem.split("model.gguf").server("ws://big:8080/v1/split").layers(1).connect();
 * ModelServer server = Tandem.server("model.gguf").port(8080).start();
 * }</pre>
 */
public final class Tandem {
  private Tandem() {}

  /**
   * Opens a whole model, which owns its files, with the default settings.
   *
   * @throws ModelException as {@link ModelBuilder#open} says
   */
  public static TextModel open(String name) {
    return model(name).open();
  }

  /** Opens a whole model with settings of your own. */
  public static ModelBuilder model(String name) {
    return model(ModelSource.of(name));
  }

  /** As {@link #model(String)}, with more said about the model. */
  public static ModelBuilder model(ModelSource source) {
    return new ModelBuilder(source);
  }

  /**
   * Opens the model of a server without files here: this client's part is downloaded from the
   * server, checked, and kept in the directory of pulled models.
   */
  public static SplitBuilder split() {
    return split(ModelSource.ofServer());
  }

  /** Opens a model whose layers run partly on a server. */
  public static SplitBuilder split(String name) {
    return split(ModelSource.of(name));
  }

  /** As {@link #split(String)}, with more said about the model. */
  public static SplitBuilder split(ModelSource source) {
    return new SplitBuilder(source);
  }

  /** Offers a model's layers and head to clients. */
  public static ServerBuilder server(String name) {
    return server(ModelSource.of(name));
  }

  /** As {@link #server(String)}, with more said about the model. */
  public static ServerBuilder server(ModelSource source) {
    return new ServerBuilder(source);
  }

  /**
   * A tokenizer without its model: {@code gpt2} for GPT-2's own vocabulary, the name of a model, or
   * the path of tokenizer files.
   *
   * @throws ModelException if there is none, or it is damaged
   */
  public static Tokenizer tokenizer(String name) {
    return tokenizer(ModelSource.of(name));
  }

  /**
   * As {@link #tokenizer(String)}, with the directory of pulled models; the rest of the source does
   * not count.
   *
   * @throws ModelException if there is none, or it is damaged
   */
  public static Tokenizer tokenizer(ModelSource source) {
    try {
      return Models.tokenizer(source.name(), source.cache());
    } catch (IOException e) {
      throw Failures.ofModel(e);
    }
  }

  /** The names of the models inside this program, the default first. */
  public static List<String> embeddedModels() {
    return Models.embeddedNames();
  }
}
