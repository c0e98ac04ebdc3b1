package dev.tandem.tokenizer.files;

import static java.util.Objects.requireNonNull;

import dev.tandem.tokenizer.Tokenizer;
import dev.tandem.tokenizer.bpe.ByteAlphabet;
import dev.tandem.tokenizer.bpe.TokenizerFormatException;
import dev.tandem.tokenizer.gguf.GgufVocabulary;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;

/** GPT-2's vocabulary, from {@code merges.txt}, in every other form. */
public final class Gpt2Forms {
  static final int END_OF_TEXT = 50_256;

  /** In the order of their ids. */
  static final List<String> NAMES = new ArrayList<>();

  public static final List<String> MERGES;

  static {
    String merges = new String(TestTokenizers.gpt2Merges(), StandardCharsets.UTF_8);
    MERGES = merges.lines().skip(1).toList();
    for (int id = 0; id < 256; id++) {
      NAMES.add(String.valueOf(ByteAlphabet.symbol(ByteAlphabet.byteOfGpt2Id(id))));
    }
    MERGES.forEach(merge -> NAMES.add(merge.replace(" ", "")));
    NAMES.add("<|endoftext|>");
  }

  private Gpt2Forms() {}

  static Map<String, Integer> ids() {
    Map<String, Integer> ids = new LinkedHashMap<>();
    NAMES.forEach(name -> ids.put(name, ids.size()));
    return ids;
  }

  /** As Hugging Face's openai-community/gpt2 has it. */
  public static TokenizerJson tokenizerJson(boolean mergesAsPairs) {
    return tokenizerJson(ids(), MERGES, mergesAsPairs)
        .added(END_OF_TEXT, "<|endoftext|>", true, true);
  }

  /** The first 300 tokens only, with the special one as the next. */
  static TokenizerJson smallTokenizerJson() {
    Map<String, Integer> ids = ids();
    ids.values().removeIf(id -> id >= 300);
    return tokenizerJson(ids, MERGES.subList(0, 300 - 256), false)
        .added(300, "<|endoftext|>", true, true);
  }

  private static TokenizerJson tokenizerJson(
      Map<String, Integer> ids, List<String> merges, boolean mergesAsPairs) {
    return new TokenizerJson()
        .vocab(ids)
        .merges(merges, mergesAsPairs)
        .with("pre_tokenizer", TokenizerJson.BYTE_LEVEL)
        .with("decoder", TokenizerJson.BYTE_LEVEL)
        .with("post_processor", TokenizerJson.BYTE_LEVEL);
  }

  private static byte[] tokens(int count, int lengthBytes) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    for (String name : NAMES.subList(0, count)) {
      byte[] bytes = ByteAlphabet.decode(name);
      byte[] length =
          ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN).putInt(bytes.length).array();
      out.writeBytes(Arrays.copyOf(length, lengthBytes));
      out.writeBytes(bytes);
    }
    return out.toByteArray();
  }

  static byte[] staticGrad() {
    return tokens(NAMES.size(), 1);
  }

  static byte[] vocabBin(int count) {
    byte[] tokens = tokens(count, 4);
    ByteBuffer file = ByteBuffer.allocate(4 + tokens.length).order(ByteOrder.LITTLE_ENDIAN);
    return file.putInt(count).put(tokens).array();
  }

  static byte[] llmc(int version, int count) {
    byte[] tokens = tokens(count, 1);
    ByteBuffer file = ByteBuffer.allocate(1024 + tokens.length).order(ByteOrder.LITTLE_ENDIAN);
    file.putInt(20_240_328).putInt(version).putInt(count);
    file.putInt(version == 1 ? 0 : count - 1);
    return file.position(1024).put(tokens).array();
  }

  /** As llama.cpp's converter writes it. */
  static GgufVocabulary gguf() {
    List<Integer> types = new ArrayList<>(Collections.nCopies(NAMES.size(), 1));
    types.set(END_OF_TEXT, 3);
    OptionalInt end = OptionalInt.of(END_OF_TEXT);
    return new GgufVocabulary(
        "gpt2",
        "gpt-2",
        NAMES,
        List.of(),
        types,
        MERGES,
        end,
        end,
        OptionalInt.empty(),
        end,
        Optional.empty(),
        Optional.empty(),
        Optional.empty(),
        Map.of());
  }

  /** A tokenizer from each of the forms. */
  public static Map<String, Tokenizer> tokenizers() throws TokenizerFormatException {
    Map<String, Tokenizer> tokenizers = new LinkedHashMap<>();
    tokenizers.put("built in", Tokenizers.gpt2());
    tokenizers.put("tokenizer.json", Tokenizers.huggingFace(tokenizerJson(false).file()));
    tokenizers.put("tokenizer.json, pairs", Tokenizers.huggingFace(tokenizerJson(true).file()));
    tokenizers.put("vocab.bin", Tokenizers.vocabBin(vocabBin(NAMES.size())));
    tokenizers.put("gpt2_tokenizer.bin 1", Tokenizers.llmc(llmc(1, NAMES.size())));
    tokenizers.put("gpt2_tokenizer.bin 2", Tokenizers.llmc(llmc(2, NAMES.size())));
    tokenizers.put("StaticGrad", Tokenizers.staticGrad(staticGrad()));
    tokenizers.put("GGUF", Tokenizers.gguf(gguf()));
    for (String form : List.of("tokenizer.json", "vocab.bin", "GGUF")) {
      GgufVocabulary written = Tokenizers.vocabularyOf(requireNonNull(tokenizers.get(form)));
      tokenizers.put(form + " written to GGUF", Tokenizers.gguf(written));
    }
    return tokenizers;
  }
}
