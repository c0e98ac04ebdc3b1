package dev.tandem.formats.files;

import com.fasterxml.jackson.core.JsonGenerator;
import dev.tandem.model.Checkpoint;
import dev.tandem.model.ModelFormatException;
import dev.tandem.tokenizer.Tokenizer;
import dev.tandem.tokenizer.bpe.TokenizerFormatException;
import dev.tandem.tokenizer.files.Tokenizers;
import dev.tandem.tokenizer.gguf.GgufVocabulary;
import dev.tandem.tokenizer.huggingface.TokenizerSettings;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/**
 * Writes tokenizers as the files of other programs. Each form is read back, and is used only if it
 * gives the same tokenizer, that is, if GGUF describes both in the same way.
 */
public final class TokenizerExport {
  /** SentencePiece's {@code TrainerSpec.model_type}. */
  private static final int BPE = 2;

  private static final int CONTROL = 3;
  private static final int USER_DEFINED = 4;
  private static final int UNUSED = 5;
  private static final char ESCAPED_SPACE = '\u2581';

  private final Tokenizer tokenizer;
  private final GgufVocabulary vocabulary;
  private final int[] stopIds;

  /** The number of ids without padding; a reader adds the padding again. */
  private final int size;

  /**
   * Prepares to write a tokenizer.
   *
   * @throws ModelFormatException if GGUF cannot describe the tokenizer
   */
  private TokenizerExport(String model, Tokenizer tokenizer) throws ModelFormatException {
    this.tokenizer = tokenizer;
    try {
      vocabulary = Tokenizers.vocabularyOf(tokenizer);
    } catch (UnsupportedOperationException e) {
      throw new ModelFormatException(model, String.valueOf(e.getMessage()));
    }
    stopIds = tokenizer.stopIds().stream().mapToInt(id -> id).sorted().toArray();
    int used = vocabulary.tokens().size();
    while (used > 0 && vocabulary.tokenTypes().get(used - 1) == UNUSED) {
      used--;
    }
    size = used;
  }

  /** Reads a tokenizer back from its file. */
  private interface Reader {
    Tokenizer read() throws TokenizerFormatException;
  }

  /**
   * The files of a Hugging Face directory, by name: {@code vocab.json} and {@code merges.txt},
   * perhaps with {@code tokenizer_config.json}, {@code tokenizer.model}, or llama2.c's {@code
   * tokenizer.bin}; none if all would change it. The ids that end a text are the config's to say.
   */
  public static Map<String, byte[]> huggingFace(Checkpoint checkpoint) throws IOException {
    TokenizerExport export = new TokenizerExport(checkpoint.name(), checkpoint.tokenizer());
    byte[] vocab = export.vocabJson();
    byte[] merges = export.mergesTxt();
    if (export.isSame(() -> Tokenizers.byteLevelBpe(vocab, merges, export.stopIds))) {
      Map<String, byte[]> files = new LinkedHashMap<>();
      files.put("vocab.json", vocab);
      files.put("merges.txt", merges);
      return files;
    }
    byte[] settings = export.tokenizerConfig();
    if (export.isSame(() -> export.withSettings(vocab, merges, settings))) {
      Map<String, byte[]> files = new LinkedHashMap<>();
      files.put("vocab.json", vocab);
      files.put("merges.txt", merges);
      files.put(TokenizerSettings.CONFIG, settings);
      return files;
    }
    byte[] pieces = export.tokenizerModel();
    if (export.isSame(() -> Tokenizers.sentencePiece(pieces, export.stopIds))) {
      return Map.of("tokenizer.model", pieces);
    }
    byte[] scored = export.tokenizerBin();
    return export.isSame(() -> Tokenizers.llama2c(scored, export.size))
        ? Map.of("tokenizer.bin", scored)
        : Map.of();
  }

  /** The {@code vocab.bin}; empty if it would change the tokenizer. */
  public static Optional<byte[]> vocabBin(Checkpoint checkpoint) throws IOException {
    TokenizerExport export = new TokenizerExport(checkpoint.name(), checkpoint.tokenizer());
    byte[] file = export.vocabBin();
    return export.isSame(() -> Tokenizers.vocabBin(file)) ? Optional.of(file) : Optional.empty();
  }

  private boolean isSame(Reader reader) {
    try {
      Tokenizer read = reader.read();
      return read.vocabSize() <= tokenizer.vocabSize()
          && vocabulary.equals(
              Tokenizers.vocabularyOf(Tokenizers.fitted(read, tokenizer.vocabSize())));
    } catch (TokenizerFormatException | UnsupportedOperationException e) {
      return false; // the form cannot hold it
    }
  }

  /** 0 where the tokenizer has none. */
  private float score(int id) {
    return vocabulary.scores().isEmpty() ? 0 : vocabulary.scores().get(id);
  }

  private byte[] vocabJson() throws IOException {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    try (JsonGenerator json = JsonObject.JSON.factory().createGenerator(out)) {
      json.writeStartObject();
      for (int id = 0; id < size; id++) {
        json.writeNumberField(vocabulary.tokens().get(id), id);
      }
      json.writeEndObject();
    }
    return out.toByteArray();
  }

  private Tokenizer withSettings(byte[] vocab, byte[] merges, byte[] settings)
      throws TokenizerFormatException {
    return Tokenizers.withSettings(
        Tokenizers.byteLevelBpe(vocab, merges, stopIds),
        TokenizerSettings.read(Map.of(TokenizerSettings.CONFIG, settings)),
        stopIds);
  }

  /** {@code tokenizer_config.json}: which tokens are not text, and what prompts begin with. */
  private byte[] tokenizerConfig() throws IOException {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    try (JsonGenerator json = JsonObject.JSON.factory().createGenerator(out)) {
      json.writeStartObject();
      json.writeStringField("tokenizer_class", "GPT2Tokenizer");
      json.writeBooleanField("add_bos_token", vocabulary.addBos().orElse(false));
      json.writeBooleanField("add_eos_token", vocabulary.addEos().orElse(false));
      if (vocabulary.bosId().isPresent()) {
        json.writeStringField("bos_token", vocabulary.tokens().get(vocabulary.bosId().getAsInt()));
      }
      if (vocabulary.eosId().isPresent()) {
        json.writeStringField("eos_token", vocabulary.tokens().get(vocabulary.eosId().getAsInt()));
      }
      json.writeObjectFieldStart("added_tokens_decoder");
      for (int id = 0; id < size; id++) {
        int type = vocabulary.tokenTypes().get(id);
        if (type == CONTROL || type == USER_DEFINED) {
          json.writeObjectFieldStart(Integer.toString(id));
          json.writeStringField("content", vocabulary.tokens().get(id));
          json.writeBooleanField("lstrip", isListed("take_left", id));
          json.writeBooleanField("rstrip", isListed("take_right", id));
          json.writeBooleanField("normalized", isListed("normalized_tokens", id));
          json.writeBooleanField("single_word", false);
          json.writeBooleanField("special", type == CONTROL);
          json.writeEndObject();
        }
      }
      json.writeEndObject();
      json.writeEndObject();
    }
    return out.toByteArray();
  }

  private boolean isListed(String setting, int id) {
    String ids = vocabulary.own().getOrDefault(setting, "");
    return Arrays.asList(ids.split(",", -1)).contains(Integer.toString(id));
  }

  private byte[] mergesTxt() {
    return ("#version: 0.2\n" + String.join("\n", vocabulary.merges()) + "\n")
        .getBytes(StandardCharsets.UTF_8);
  }

  /** {@code ModelProto}: pieces (1), trainer_spec (2), normalizer_spec (3). */
  private byte[] tokenizerModel() {
    ByteArrayOutputStream model = new ByteArrayOutputStream();
    boolean bytes = false;
    for (int id = 0; id < size; id++) {
      ByteArrayOutputStream piece = new ByteArrayOutputStream();
      field(piece, 1, vocabulary.tokens().get(id).getBytes(StandardCharsets.UTF_8));
      piece.write(2 << 3 | 5); // a float
      piece.writeBytes(f32(score(id)));
      number(piece, 3, vocabulary.tokenTypes().get(id));
      field(model, 1, piece.toByteArray());
      bytes = bytes || vocabulary.tokens().get(id).equals("<0x00>");
    }
    ByteArrayOutputStream trainer = new ByteArrayOutputStream();
    number(trainer, 3, BPE);
    number(trainer, 35, bytes ? 1 : 0); // byte_fallback
    vocabulary.unknownId().ifPresent(id -> number(trainer, 40, id));
    vocabulary.bosId().ifPresent(id -> number(trainer, 41, id));
    vocabulary.eosId().ifPresent(id -> number(trainer, 42, id));
    number(trainer, 43, -1); // no padding
    vocabulary.bosId().ifPresent(id -> name(trainer, 46, id));
    vocabulary.eosId().ifPresent(id -> name(trainer, 47, id));
    field(model, 2, trainer.toByteArray());
    ByteArrayOutputStream normalizer = new ByteArrayOutputStream();
    field(normalizer, 1, "identity".getBytes(StandardCharsets.US_ASCII));
    number(normalizer, 3, vocabulary.addSpacePrefix().orElse(true) ? 1 : 0);
    boolean squeezes = "true".equals(vocabulary.own().get("remove_extra_spaces"));
    number(normalizer, 4, squeezes ? 1 : 0);
    number(normalizer, 5, 1); // spaces are escaped
    field(model, 3, normalizer.toByteArray());
    return model.toByteArray();
  }

  private void name(ByteArrayOutputStream out, int field, int id) {
    field(out, field, vocabulary.tokens().get(id).getBytes(StandardCharsets.UTF_8));
  }

  private static void field(ByteArrayOutputStream out, int field, byte[] content) {
    varint(out, (long) field << 3 | 2);
    varint(out, content.length);
    out.writeBytes(content);
  }

  private static void number(ByteArrayOutputStream out, int field, long value) {
    varint(out, (long) field << 3);
    varint(out, value);
  }

  private static void varint(ByteArrayOutputStream out, long value) {
    long rest = value;
    for (; (rest & ~0x7fL) != 0; rest >>>= 7) {
      out.write((int) (rest & 0x7f) | 0x80);
    }
    out.write((int) rest);
  }

  /** u32 length of the longest token, then for each id f32 score, i32 length, bytes. */
  private byte[] tokenizerBin() {
    ByteArrayOutputStream tokens = new ByteArrayOutputStream();
    int longest = 0;
    for (int id = 0; id < size; id++) {
      String written = vocabulary.tokens().get(id).replace(ESCAPED_SPACE, ' ');
      byte[] token = written.getBytes(StandardCharsets.UTF_8);
      longest = Math.max(longest, token.length);
      tokens.writeBytes(f32(score(id)));
      tokens.writeBytes(i32(token.length));
      tokens.writeBytes(token);
    }
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.writeBytes(i32(longest));
    out.writeBytes(tokens.toByteArray());
    return out.toByteArray();
  }

  /** i32 count, then for each id i32 length, bytes. */
  private byte[] vocabBin() {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.writeBytes(i32(size));
    for (int id = 0; id < size; id++) {
      byte[] token = tokenizer.bytes(id);
      out.writeBytes(i32(token.length));
      out.writeBytes(token);
    }
    return out.toByteArray();
  }

  private static byte[] f32(float value) {
    return i32(Float.floatToRawIntBits(value));
  }

  private static byte[] i32(int value) {
    return ByteBuffer.allocate(Integer.BYTES).order(ByteOrder.LITTLE_ENDIAN).putInt(value).array();
  }
}
