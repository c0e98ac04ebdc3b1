package dev.tandem.decoding;

/** A request cannot be carried out with this model; the message says why in one line. */
public final class GenerationException extends Exception {

  GenerationException(String message) {
    super(message);
  }
}
