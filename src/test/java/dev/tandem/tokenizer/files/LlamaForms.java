package dev.tandem.tokenizer.files;

import static java.util.Objects.requireNonNull;

import dev.tandem.tokenizer.Tokenizer;
import dev.tandem.tokenizer.bpe.TokenizerFormatException;
import dev.tandem.tokenizer.gguf.GgufVocabulary;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.stream.IntStream;

/**
 * Llama 2's vocabulary of 32,000 pieces in every form: {@code llama2-tokenizer.bin} is llama2.c's
 * export of it, with its scores.
 */
public final class LlamaForms {
  static final int VOCAB_SIZE = 32_000;
  static final byte[] TOKENIZER_BIN =
      TestTokenizers.resource("/dev/tandem/tokenizer/llama2-tokenizer.bin");

  /** As SentencePiece writes them: U+2581 for spaces. */
  static final List<String> NAMES = new ArrayList<>();

  static final List<Float> SCORES = new ArrayList<>();

  static {
    ByteBuffer in = ByteBuffer.wrap(TOKENIZER_BIN).order(ByteOrder.LITTLE_ENDIAN).position(4);
    for (int id = 0; id < VOCAB_SIZE; id++) {
      SCORES.add(in.getFloat());
      byte[] token = new byte[in.getInt()];
      in.get(token);
      String name = new String(token, StandardCharsets.UTF_8);
      NAMES.add(id < 3 ? name.strip() : name.replace(' ', '\u2581'));
    }
  }

  private LlamaForms() {}

  private static int type(int id) {
    return id == 0 ? 2 : id < 3 ? 3 : id < 259 ? 6 : 1;
  }

  /** {@code tokenizer.model} with the settings of Llama 2's. */
  public static byte[] model() {
    return model(new Protobuf().number(3, 1).number(4, 0).text(1, "identity"), NAMES.size());
  }

  /** The first pieces and all single characters, with a normalizer_spec. */
  static byte[] model(Protobuf normalizer, int count) {
    Protobuf file = new Protobuf();
    int firstCharacter = Math.max(count, 29_871); // Llama 2's have their ids from here on
    int[] ids =
        IntStream.concat(IntStream.range(0, count), IntStream.range(firstCharacter, VOCAB_SIZE))
            .toArray();
    for (int id : ids) {
      Protobuf piece = new Protobuf().text(1, NAMES.get(id)).fixed(2, SCORES.get(id));
      file.message(1, type(id) == 1 ? piece : piece.number(3, type(id)));
    }
    file.message(2, new Protobuf().number(3, 2).number(4, ids.length).number(35, 1));
    return file.message(3, normalizer).bytes();
  }

  /**
   * Merges as Hugging Face's converter makes them: every pair of pieces that is a piece, in the
   * order of its score, then of the ids of both.
   */
  static List<String> merges() {
    Map<String, Integer> ids = ids();
    record Merge(String text, float score, int left, int right) {}
    List<Merge> merges = new ArrayList<>();
    for (int id = 259; id < VOCAB_SIZE; id++) {
      String name = NAMES.get(id);
      for (int cut = 1; cut < name.length(); cut++) {
        Integer left = ids.get(name.substring(0, cut));
        Integer right = ids.get(name.substring(cut));
        if (left != null && right != null) {
          String text = NAMES.get(left) + " " + NAMES.get(right);
          merges.add(new Merge(text, SCORES.get(id), left, right));
        }
      }
    }
    merges.sort(
        Comparator.comparing((Merge merge) -> -merge.score)
            .thenComparing(Merge::left)
            .thenComparing(Merge::right));
    return merges.stream().map(Merge::text).toList();
  }

  static Map<String, Integer> ids() {
    Map<String, Integer> ids = new LinkedHashMap<>();
    NAMES.forEach(name -> ids.put(name, ids.size()));
    return ids;
  }

  /** {@code tokenizer.json} as that of TinyLlama. */
  public static TokenizerJson tokenizerJson() {
    return tokenizerJson(ids(), merges());
  }

  /** The same with five pieces only. */
  static TokenizerJson smallTokenizerJson() {
    Map<String, Integer> ids = ids();
    ids.values().removeIf(id -> id >= 259);
    List<String> pieces = List.of("\u2581", "t", "h", "\u2581t", "\u2581th");
    pieces.forEach(piece -> ids.put(piece, ids.size()));
    return tokenizerJson(ids, List.of("\u2581 t", "\u2581t h"));
  }

  private static TokenizerJson tokenizerJson(Map<String, Integer> ids, List<String> merges) {
    return new TokenizerJson()
        .vocab(ids)
        .merges(merges, false)
        .withModel("unk_token", "'<unk>'")
        .withModel("fuse_unk", "true")
        .withModel("byte_fallback", "true")
        .with("normalizer", TokenizerJson.LLAMA_NORMALIZER)
        .with("post_processor", TokenizerJson.LLAMA_TEMPLATE)
        .with("decoder", TokenizerJson.LLAMA_DECODER)
        .added(0, "<unk>", true, false)
        .added(1, "<s>", true, false)
        .added(2, "</s>", true, false);
  }

  /** As llama.cpp's converter writes it. */
  static GgufVocabulary gguf() {
    return new GgufVocabulary(
        "llama",
        "default",
        NAMES,
        SCORES,
        IntStream.range(0, VOCAB_SIZE).map(LlamaForms::type).boxed().toList(),
        List.of(),
        OptionalInt.of(1),
        OptionalInt.of(2),
        OptionalInt.empty(),
        OptionalInt.of(0),
        Optional.of(true),
        Optional.of(false),
        Optional.empty(),
        Map.of());
  }

  /** A tokenizer from each of the forms. */
  static Map<String, Tokenizer> tokenizers() throws TokenizerFormatException {
    Map<String, Tokenizer> tokenizers = new LinkedHashMap<>();
    tokenizers.put("tokenizer.bin", Tokenizers.llama2c(TOKENIZER_BIN, VOCAB_SIZE));
    tokenizers.put("tokenizer.model", Tokenizers.sentencePiece(model()));
    tokenizers.put("tokenizer.json", Tokenizers.huggingFace(tokenizerJson().file()));
    tokenizers.put("GGUF", Tokenizers.gguf(gguf()));
    for (String form : List.copyOf(tokenizers.keySet())) {
      GgufVocabulary written = Tokenizers.vocabularyOf(requireNonNull(tokenizers.get(form)));
      tokenizers.put(form + " written to GGUF", Tokenizers.gguf(written));
    }
    return tokenizers;
  }

  /** Writes protobuf messages. */
  static final class Protobuf {
    private final ByteArrayOutputStream out = new ByteArrayOutputStream();

    private Protobuf varint(long value) {
      long rest = value;
      while ((rest & ~0x7FL) != 0) {
        out.write((int) (rest & 0x7F) | 0x80);
        rest >>>= 7;
      }
      out.write((int) rest);
      return this;
    }

    Protobuf number(int field, long value) {
      return varint((long) field << 3).varint(value);
    }

    Protobuf text(int field, String value) {
      return raw(field, value.getBytes(StandardCharsets.UTF_8));
    }

    Protobuf message(int field, Protobuf value) {
      return raw(field, value.bytes());
    }

    Protobuf raw(int field, byte[] value) {
      varint((long) field << 3 | 2).varint(value.length);
      out.writeBytes(value);
      return this;
    }

    Protobuf fixed(int field, float value) {
      varint((long) field << 3 | 5);
      out.writeBytes(ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN).putFloat(value).array());
      return this;
    }

    byte[] bytes() {
      return out.toByteArray();
    }
  }
}
