package dev.tandem.formats.huggingface;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import dev.tandem.formats.files.JsonObject;
import dev.tandem.model.ModelFormatException;
import dev.tandem.tensor.TensorData;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The header of one safetensors file: u64 N, N bytes of JSON, then the tensors' bytes without holes
 * (the rules of the reference implementation).
 */
public final class Safetensors {
  private static final int LENGTH_BYTES = 8;
  private static final long MAX_HEADER_BYTES = 100_000_000;
  private static final int MAX_TENSORS = 1 << 16;
  private static final int MAX_RANK = 8;

  /** Bytes of one element, for all types of the format. */
  private static final Map<String, Integer> ELEMENT_BYTES =
      Map.ofEntries(
          Map.entry("BOOL", 1),
          Map.entry("U8", 1),
          Map.entry("I8", 1),
          Map.entry("F8_E4M3", 1),
          Map.entry("F8_E5M2", 1),
          Map.entry("U16", 2),
          Map.entry("I16", 2),
          Map.entry("F16", 2),
          Map.entry("BF16", 2),
          Map.entry("U32", 4),
          Map.entry("I32", 4),
          Map.entry("F32", 4),
          Map.entry("U64", 8),
          Map.entry("I64", 8),
          Map.entry("F64", 8));

  /** One tensor. */
  public record Entry(String name, String dtype, List<Long> shape, TensorData data) {}

  /** One tensor as the header states it; the offsets count from the end of the header. */
  private record Stated(String name, String dtype, List<Long> shape, long begin, long end) {}

  private final String path;
  private final long dataBytes;
  private final List<Stated> stated = new ArrayList<>();

  private Safetensors(String path, long dataBytes) {
    this.path = path;
    this.dataBytes = dataBytes;
  }

  /**
   * Reads the header of a file.
   *
   * @param path for messages
   * @param file its whole content
   * @return its tensors by name, in file order
   * @throws ModelFormatException if the header is malformed or does not fit the file
   */
  public static Map<String, Entry> read(String path, TensorData file) throws IOException {
    if (file.bytes() < LENGTH_BYTES) {
      throw new ModelFormatException(
          path, "file length", "at least " + LENGTH_BYTES + " B", file.bytes() + " B");
    }
    long headerBytes = file.slice(0, LENGTH_BYTES).getLong();
    long maxBytes = Math.min(MAX_HEADER_BYTES, file.bytes() - LENGTH_BYTES);
    if (headerBytes < 2 || headerBytes > maxBytes) {
      throw new ModelFormatException(
          path,
          "header length",
          "2 .. " + maxBytes + " B",
          Long.toUnsignedString(headerBytes) + " B");
    }
    byte[] header = new byte[(int) headerBytes];
    file.slice(LENGTH_BYTES, header.length).get(header);
    long dataBegin = LENGTH_BYTES + headerBytes;
    Safetensors tensors = new Safetensors(path, file.bytes() - dataBegin);
    tensors.parse(header);
    tensors.checkLayout();
    Map<String, Entry> entries = new LinkedHashMap<>();
    for (Stated s : tensors.stated) {
      TensorData data = file.region(dataBegin + s.begin, s.end - s.begin);
      entries.put(s.name, new Entry(s.name, s.dtype, s.shape, data));
    }
    return entries;
  }

  private void parse(byte[] header) throws ModelFormatException {
    try (JsonParser parser = JsonObject.JSON.parser(header)) {
      if (parser.nextToken() != JsonToken.START_OBJECT) {
        throw new ModelFormatException(path, "the header is not a JSON object");
      }
      while (parser.nextToken() == JsonToken.FIELD_NAME) {
        String name = parser.currentName();
        parser.nextToken();
        if (name.equals("__metadata__")) {
          parser.skipChildren();
          continue;
        }
        if (stated.size() == MAX_TENSORS) {
          throw new ModelFormatException(path, "more than " + MAX_TENSORS + " tensors");
        }
        stated.add(parseTensor(name, parser));
      }
      if (parser.nextToken() != null) {
        throw new ModelFormatException(path, "more than one JSON value in the header");
      }
    } catch (IOException e) {
      throw JsonObject.malformed(path, e);
    }
  }

  private Stated parseTensor(String name, JsonParser parser) throws IOException {
    if (parser.currentToken() != JsonToken.START_OBJECT) {
      throw new ModelFormatException(path, name, "an object", "something else");
    }
    String dtype = "";
    List<Long> shape = List.of();
    List<Long> offsets = List.of();
    int members = 0;
    for (; parser.nextToken() == JsonToken.FIELD_NAME; members++) {
      String key = parser.currentName();
      parser.nextToken();
      switch (key) {
        case "dtype" -> dtype = parser.getText();
        case "shape" -> shape = parseLongs(name, MAX_RANK, parser);
        case "data_offsets" -> offsets = parseLongs(name, 2, parser);
        default -> throw new ModelFormatException(path, name, "no other member", key);
      }
    }
    if (members != 3 || offsets.size() != 2) {
      throw new ModelFormatException(path, name, "dtype, shape and two data_offsets", "others");
    }
    return checked(new Stated(name, dtype, shape, offsets.get(0), offsets.get(1)));
  }

  private List<Long> parseLongs(String name, int max, JsonParser parser) throws IOException {
    if (parser.currentToken() != JsonToken.START_ARRAY) {
      throw new ModelFormatException(path, name, "an array of integers", "something else");
    }
    List<Long> values = new ArrayList<>();
    while (parser.nextToken() != JsonToken.END_ARRAY) {
      if (parser.currentToken() != JsonToken.VALUE_NUMBER_INT
          || parser.getLongValue() < 0
          || values.size() == max) {
        throw new ModelFormatException(
            path, name, "at most " + max + " integers of at least 0", "something else");
      }
      values.add(parser.getLongValue());
    }
    return List.copyOf(values);
  }

  private Stated checked(Stated s) throws ModelFormatException {
    Integer elementBytes = ELEMENT_BYTES.get(s.dtype);
    if (elementBytes == null) {
      throw new ModelFormatException(path, s.name, "a safetensors type", s.dtype);
    }
    if (s.begin > s.end || s.end > dataBytes) {
      throw new ModelFormatException(
          path, s.name, "offsets within 0 .. " + dataBytes, s.begin + " .. " + s.end);
    }
    try {
      long bytes = elementBytes;
      for (long extent : s.shape) {
        bytes = Math.multiplyExact(bytes, extent);
      }
      if (bytes != s.end - s.begin) {
        throw new ModelFormatException(
            path, s.name, bytes + " B for " + s.dtype + " " + s.shape, s.end - s.begin + " B");
      }
    } catch (ArithmeticException e) {
      throw new ModelFormatException(path, s.name, "a shape within 64 bits", s.shape.toString());
    }
    return s;
  }

  /** Sorts by offset; the tensors must cover the data exactly. */
  private void checkLayout() throws ModelFormatException {
    stated.sort(Comparator.comparingLong(Stated::begin).thenComparingLong(Stated::end));
    long end = 0;
    for (Stated s : stated) {
      if (s.begin != end) {
        throw new ModelFormatException(
            path, s.name, "data that begins where the one before ends, at " + end, "at " + s.begin);
      }
      end = s.end;
    }
    if (end != dataBytes) {
      throw new ModelFormatException(path, "data length", end + " B", dataBytes + " B");
    }
  }
}
