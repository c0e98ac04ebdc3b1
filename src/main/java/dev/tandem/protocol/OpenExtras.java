package dev.tandem.protocol;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tandem.sampling.TopLogits;
import java.util.List;

/** The fields of {@link Open} that only some clients send, to JSON and back. */
final class OpenExtras {
  private static final String PREFIX = "prefix";

  private OpenExtras() {}

  static void putPrefix(ObjectNode json, List<String> hashes) {
    if (!hashes.isEmpty()) {
      ArrayNode array = json.putArray(PREFIX);
      hashes.forEach(array::add);
    }
  }

  static List<String> prefix(ControlFields json) throws ProtocolException {
    List<String> hashes = json.strings(PREFIX);
    try {
      hashes.forEach(PrefixChain::parse);
    } catch (IllegalArgumentException e) {
      throw new ProtocolException(
          ErrorCode.PROTOCOL, "field " + PREFIX + " must be a list of SHA-256s in hexadecimal");
    }
    if (hashes.size() > PrefixChain.MAX_CHUNKS) {
      throw new ProtocolException(
          ErrorCode.PROTOCOL,
          "field "
              + PREFIX
              + " has "
              + hashes.size()
              + " hashes, the limit is "
              + PrefixChain.MAX_CHUNKS);
    }
    return hashes;
  }

  static TopReply top(ControlFields json) throws ProtocolException {
    int k = json.has("k") ? json.integer("k", 1, TopLogits.MAX_SIZE) : TopLogits.DEFAULT_SIZE;
    try {
      return new TopReply(k, json.doubles("temperatures"));
    } catch (IllegalArgumentException e) {
      throw new ProtocolException(ErrorCode.PROTOCOL, String.valueOf(e.getMessage()));
    }
  }

  static void putTop(ObjectNode json, TopReply top) {
    json.put("k", top.k());
    ArrayNode temperatures = json.putArray("temperatures");
    top.temperatures().forEach(temperatures::add);
  }
}
