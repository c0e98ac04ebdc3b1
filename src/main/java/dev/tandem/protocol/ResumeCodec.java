package dev.tandem.protocol;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Optional;

/** The messages with which sequences move to other connections, to JSON and back. */
final class ResumeCodec {
  private static final String TOKEN = "resume";

  private ResumeCodec() {}

  static void put(ObjectNode json, Resume resume) {
    json.put("type", "resume")
        .put("version", Protocol.VERSION)
        .put("request", resume.request())
        .put(TOKEN, resume.token().hex());
  }

  static void put(ObjectNode json, Resumed resumed) {
    json.put("type", "resumed")
        .put("request", resumed.request())
        .put("sequence", resumed.sequence())
        .put("epoch", resumed.epoch())
        .put("length", resumed.length());
  }

  /** The token of a sequence that was opened, if there is one. */
  static void putToken(ObjectNode json, Optional<ResumeToken> token) {
    token.ifPresent(value -> json.put(TOKEN, value.hex()));
  }

  static Resume resume(ControlFields json) throws ProtocolException {
    int request = json.integer("request", 1, Integer.MAX_VALUE);
    return new Resume(
        request,
        token(json)
            .orElseThrow(
                () ->
                    new ProtocolException(
                        ErrorCode.PROTOCOL, "field " + TOKEN + " is missing", request, 0)));
  }

  static Resumed resumed(ControlFields json) throws ProtocolException {
    return new Resumed(
        json.integer("request", 1, Integer.MAX_VALUE),
        json.integer("sequence", 1, Integer.MAX_VALUE),
        json.integer("epoch", 1, Integer.MAX_VALUE),
        json.integer("length", 0, Integer.MAX_VALUE));
  }

  static Optional<ResumeToken> token(ControlFields json) throws ProtocolException {
    String hex = json.stringOrEmpty(TOKEN);
    try {
      return hex.isEmpty() ? Optional.empty() : Optional.of(new ResumeToken(hex));
    } catch (IllegalArgumentException e) {
      throw new ProtocolException(ErrorCode.PROTOCOL, "field " + TOKEN + ": " + e.getMessage());
    }
  }
}
