package dev.tandem.api;

import dev.tandem.generation.GeneratedToken;
import dev.tandem.generation.GenerationResult;
import java.util.ArrayList;
import java.util.List;

/** Keeps the events that a listener gets. */
final class Recorder implements GenerationListener {
  private final List<String> events = new ArrayList<>();
  private final List<Integer> ids = new ArrayList<>();
  private final StringBuilder text = new StringBuilder();

  @Override
  public synchronized void token(GeneratedToken token) {
    events.add("token");
    ids.add(token.id());
  }

  @Override
  public synchronized void text(String piece) {
    events.add("text");
    text.append(piece);
  }

  @Override
  public synchronized void completed(GenerationResult result) {
    events.add("completed");
  }

  @Override
  public synchronized void cancelled(GenerationResult result) {
    events.add("cancelled");
  }

  @Override
  public synchronized void failed(TandemException failure) {
    events.add("failed");
  }

  synchronized List<String> events() {
    return List.copyOf(events);
  }

  synchronized List<Integer> ids() {
    return List.copyOf(ids);
  }

  synchronized String text() {
    return text.toString();
  }
}
