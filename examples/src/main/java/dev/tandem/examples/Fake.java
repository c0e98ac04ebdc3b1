package dev.tandem.examples;

import dev.tandem.api.Conversation;
import dev.tandem.api.Generation;
import dev.tandem.api.GenerationListener;
import dev.tandem.api.ModelInfo;
import dev.tandem.api.TextModel;
import dev.tandem.generation.GenerationRequest;
import dev.tandem.settings.Note;
import dev.tandem.tokenizer.Tokenizer;
import java.util.List;

/** A model of one's own, to test a program without a real one. */
public final class Fake implements TextModel {

  @Override
  public ModelInfo info() {
    return new ModelInfo("fake", "none", "none", 0, 0, 0, 0);
  }

  @Override
  public Tokenizer tokenizer() {
    throw new UnsupportedOperationException("a fake has no tokenizer");
  }

  @Override
  public boolean exact() {
    return false;
  }

  @Override
  public List<Note> notes() {
    return List.of();
  }

  @Override
  public Generation start(GenerationRequest request, GenerationListener listener) {
    throw new UnsupportedOperationException("a fake starts nothing");
  }

  @Override
  public String generate(String prompt) {
    return prompt + " yourself";
  }

  @Override
  public Conversation conversation() {
    throw new UnsupportedOperationException("a fake does not talk");
  }

  @Override
  public void close() {}

  /** Prints what the fake says. */
  public static void main(String[] args) {
    try (TextModel model = new Fake()) {
      System.out.println(model.generate("know"));
    }
  }
}
