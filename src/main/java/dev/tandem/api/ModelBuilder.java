package dev.tandem.api;

import dev.tandem.runtime.WholeRuntime;
import dev.tandem.settings.Draft;
import dev.tandem.settings.ModelSource;

/** How a whole model is opened here. {@link Tandem#model} returns it. */
public final class ModelBuilder extends EngineBuilder<ModelBuilder> {

  ModelBuilder(ModelSource source) {
    super(source);
  }

  @Override
  ModelBuilder self() {
    return this;
  }

  /**
   * Guesses tokens, so that one step computes several. The text stays the same. Without a call,
   * nothing is guessed.
   */
  public ModelBuilder draft(Draft value) {
    setDraft(value);
    return this;
  }

  /**
   * Loads the model. It owns its files, which stay open until it is closed.
   *
   * @throws ModelException if there is no such model, its files are damaged or ask for what is not
   *     supported, it is only a part of a model, or the named backend cannot be loaded
   * @throws IllegalArgumentException if a setting is out of range
   */
  public TextModel open() {
    return load(files -> new ServedModel(WholeRuntime.open(files, settings(), drafts(files))));
  }
}
