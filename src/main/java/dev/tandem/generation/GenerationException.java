package dev.tandem.generation;

/**
 * A request cannot be carried out with this model; the message says why in one line, for the user.
 */
public final class GenerationException extends Exception {

  GenerationException(String message) {
    super(message);
  }
}
