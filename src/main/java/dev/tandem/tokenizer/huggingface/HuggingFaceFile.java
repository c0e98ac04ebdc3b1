package dev.tandem.tokenizer.huggingface;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import dev.tandem.tokenizer.bpe.Quote;
import dev.tandem.tokenizer.bpe.TokenizerFormatException;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Parses Hugging Face's {@code tokenizer.json}: the vocabulary and the merges as a stream, because
 * they are large, everything else as {@link JsonFields}. {@link TokenizerJsonReader} interprets it.
 */
final class HuggingFaceFile {
  static final String FILE = "tokenizer.json";

  private static final String MODEL = FILE + " model";

  /** Ids by token. */
  final Map<String, Integer> vocab = new HashMap<>();

  /** The tokens of each merge, the left one and the right one in turn. */
  final List<String> merges = new ArrayList<>();

  /** The rest of the member {@code model}. */
  final JsonFields model;

  /** The members of the file but {@code model}. */
  final JsonFields top;

  private HuggingFaceFile(byte[] tokenizerJson) throws IOException {
    Map<String, @Nullable Object> topMembers = new LinkedHashMap<>();
    Map<String, @Nullable Object> modelMembers = null;
    try (JsonParser json = JsonFields.FACTORY.createParser(tokenizerJson)) {
      if (json.nextToken() != JsonToken.START_OBJECT) {
        throw new TokenizerFormatException(FILE, "an object", String.valueOf(json.currentToken()));
      }
      while (json.nextToken() == JsonToken.FIELD_NAME) {
        String key = json.currentName();
        json.nextToken();
        if (key.equals("model")) {
          if (modelMembers != null) {
            throw new TokenizerFormatException(FILE, "each member once", "\"model\" twice");
          }
          modelMembers = readModel(json);
        } else {
          put(FILE, topMembers, key, JsonFields.read(FILE + " " + key, json));
        }
      }
      if (json.nextToken() != null) {
        throw new TokenizerFormatException(FILE, "its end after the object", "more");
      }
    }
    if (modelMembers == null) {
      throw new TokenizerFormatException(MODEL, "an object", "nothing");
    }
    top = new JsonFields(FILE, topMembers);
    model = new JsonFields(MODEL, modelMembers);
  }

  static HuggingFaceFile parse(byte[] tokenizerJson) throws TokenizerFormatException {
    try {
      return new HuggingFaceFile(tokenizerJson);
    } catch (IOException e) {
      throw JsonFields.malformed(FILE, e);
    }
  }

  private Map<String, @Nullable Object> readModel(JsonParser json) throws IOException {
    expect(MODEL, json, JsonToken.START_OBJECT, "an object");
    Map<String, @Nullable Object> members = new LinkedHashMap<>();
    while (json.nextToken() == JsonToken.FIELD_NAME) {
      String key = json.currentName();
      json.nextToken();
      boolean vocabulary = key.equals("vocab") && json.currentToken() == JsonToken.START_OBJECT;
      if (vocabulary && vocab.isEmpty()) {
        readVocab(json);
      } else if (key.equals("merges") && merges.isEmpty()) {
        readMerges(json);
      } else {
        put(MODEL, members, key, JsonFields.read(MODEL + "." + key, json));
      }
    }
    return members;
  }

  private void readVocab(JsonParser json) throws IOException {
    while (json.nextToken() == JsonToken.FIELD_NAME) {
      String token = json.currentName();
      json.nextToken();
      expect(MODEL + ".vocab " + Quote.of(token), json, JsonToken.VALUE_NUMBER_INT, "a number");
      if (vocab.put(token, json.getIntValue()) != null) {
        throw new TokenizerFormatException(
            MODEL + ".vocab", "each token once", Quote.of(token) + " twice");
      }
    }
  }

  private void readMerges(JsonParser json) throws IOException {
    expect(MODEL + ".merges", json, JsonToken.START_ARRAY, "a list");
    while (json.nextToken() != JsonToken.END_ARRAY) {
      int number = merges.size() / 2;
      if (json.currentToken() == JsonToken.START_ARRAY) {
        json.nextToken();
        expect(mergeName(number), json, JsonToken.VALUE_STRING, "a string");
        merges.add(json.getText());
        json.nextToken();
        expect(mergeName(number), json, JsonToken.VALUE_STRING, "a string");
        merges.add(json.getText());
        json.nextToken();
        expect(mergeName(number), json, JsonToken.END_ARRAY, "two strings");
      } else {
        expect(mergeName(number), json, JsonToken.VALUE_STRING, "a string or two in a list");
        addMerge(number, json.getText());
      }
    }
  }

  private void addMerge(int number, String merge) throws TokenizerFormatException {
    int space = merge.indexOf(' ');
    if (space <= 0 || space == merge.length() - 1 || merge.indexOf(' ', space + 1) >= 0) {
      throw new TokenizerFormatException(
          mergeName(number), "two tokens with a space between", Quote.of(merge));
    }
    merges.add(merge.substring(0, space));
    merges.add(merge.substring(space + 1));
  }

  private static String mergeName(int number) {
    return MODEL + ".merges[" + number + "]";
  }

  private static void expect(String what, JsonParser json, JsonToken wanted, String expected)
      throws TokenizerFormatException {
    if (json.currentToken() != wanted) {
      throw new TokenizerFormatException(what, expected, String.valueOf(json.currentToken()));
    }
  }

  private static void put(
      String path, Map<String, @Nullable Object> members, String key, @Nullable Object value)
      throws TokenizerFormatException {
    if (value != null && members.put(key, value) != null) {
      throw new TokenizerFormatException(path, "each member once", Quote.of(key) + " twice");
    }
  }
}
