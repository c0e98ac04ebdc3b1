package dev.tandem.api;

import dev.tandem.settings.Note;
import java.util.List;

/** A server that offers one model's layers and head to clients. */
public interface ModelServer extends AutoCloseable {

  /** Where clients connect, such as {@code ws://127.0.0.1:8080/v1/split}. */
  String uri();

  /** The port that it listens on. */
  int port();

  /** The name of the model that it offers. */
  String model();

  /** What it offers of the model, such as {@code layers 0..11 and the head}. */
  String span();

  /** The bytes of weights that it holds: those that a step of the whole offer reads. */
  long weightBytes();

  /** What the user should know of this model here, such as what was assumed. */
  List<Note> notes();

  /** Sequences whose memory is reserved. */
  int activeSequences();

  /** Stops serving and frees the model; idempotent. */
  @Override
  void close();
}
