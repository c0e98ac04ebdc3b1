package dev.tandem.tokenizer.files;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.BooleanNode;
import com.fasterxml.jackson.databind.node.ContainerNode;
import com.fasterxml.jackson.databind.node.IntNode;
import com.fasterxml.jackson.databind.node.NullNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.node.TextNode;
import com.sun.management.ThreadMXBean;
import dev.tandem.tokenizer.Tokenizer;
import dev.tandem.tokenizer.bpe.RandomText;
import dev.tandem.tokenizer.bpe.TokenizerFormatException;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.Test;

/** Files that are not what they should be. */
class TokenizerFilesTest {
  /** Mutations of each of the ten forms of a file. */
  private static final int MUTATIONS = TestTokenizers.LONG ? 2_000 : 250;

  private static final long MAX_EXTRA_BYTES = 64 << 20;

  /** Reads a mutated file. */
  private interface Reader {
    Tokenizer read(byte[] file) throws TokenizerFormatException;
  }

  @Test
  void tokenizerBin() {
    byte[] file = TestTokenizers.storiesBin();
    rejects(() -> Tokenizers.llama2c(file, 511), "its end after 511 tokens", "11 B more");
    rejects(() -> Tokenizers.llama2c(file, 513), "token 512", "got 0 B");
    rejects(() -> Tokenizers.llama2c(file, 100_000), "at least 800004 B", "6227 B");
    rejects(() -> Tokenizers.llama2c(file, Integer.MAX_VALUE), "at least", "6227 B");
    rejects(() -> Tokenizers.llama2c(file, 258), "at least 259", "258");
    rejects(() -> Tokenizers.llama2c(file, -1), "at least 259", "-1");
    rejects(() -> Tokenizers.llama2c(new byte[0], 512), "at least", "0 B");
    byte[] longer = Arrays.copyOf(file, file.length + 1);
    rejects(() -> Tokenizers.llama2c(longer, 512), "its end", "1 B more");
    byte[] shorter = Arrays.copyOf(file, file.length - 1);
    rejects(() -> Tokenizers.llama2c(shorter, 512), "token 511 length", "0..");
    TokenizerBin valid = new TokenizerBin().add(" ", 0);
    byte[] bytes = valid.file(6);
    assertThat(read(bytes, valid.count()).vocabSize()).isEqualTo(260);
    rejects(() -> Tokenizers.llama2c(valid.file(5), 260), "length", "0..5", "got 6");
    rejectsBin(new TokenizerBin().addRaw(0, -1), "token 259 length", "-1");
    rejectsBin(new TokenizerBin().addRaw(0, Integer.MAX_VALUE), "length", "2147483647");
    rejectsBin(new TokenizerBin().addRaw(Float.NaN, 1, (byte) ' '), "score", "NaN");
    rejectsBin(new TokenizerBin().add("x", 0), "one space", "none");
    byte[] noByte = bytes.clone();
    noByte[bytes.length - 9 - 2] = '0'; // <0xFF> becomes <0xF0>
    rejects(() -> Tokenizers.llama2c(noByte, 260), "token 258", "<0xFF>", "\"<0xF0>\"");
  }

  @Test
  void vocabJson() {
    rejectsVocab("", "vocab.json", "null");
    rejectsVocab("[]", "an object", "START_ARRAY");
    rejectsVocab("{", "JSON");
    rejectsVocab("{\"a\": 0}", "a token for each byte", "byte 0");
    rejectsVocab("{\"a\": 0, \"a\": 1}", "each token once", "\"a\" twice");
    rejectsVocab("{\"a\": 0, \"b\": 2}", "\"b\"", "0..1", "got 2");
    rejectsVocab("{\"a\": 0, \"b\": 0}", "an unused id", "got 0");
    rejectsVocab("{\"a\": -1}", "got -1");
    rejectsVocab("{\"a\": 1.5}", "a number", "VALUE_NUMBER_FLOAT");
    rejectsVocab("{\"a\": {}}", "a number", "START_OBJECT");
    rejectsVocab("{\"a\": 99999999999}", "JSON", "Numeric value");
    rejectsVocab("{\"a\": 0} x", "vocab.json");
    rejectsVocab("{\"a\": 0} {}", "its end", "more");
  }

  @Test
  void mergesTxt() {
    rejectsMerges("", "a header or a merge", "empty");
    rejectsMerges("t h\nth", "line 2", "two tokens", "\"th\"");
    rejectsMerges("t h e", "line 1", "two tokens");
    rejectsMerges(" t", "line 1");
    rejectsMerges("t ", "line 1");
    rejectsMerges("zq xj", "line 1", "tokens of the vocabulary", "\"zq\"");
    rejectsMerges("t h\nt h", "line 2", "a new pair");
    rejects(
        () ->
            Tokenizers.byteLevelBpe(
                TestTokenizers.shakespeareVocab(), new byte[] {'t', ' ', (byte) 0xFF}),
        "merges.txt",
        "UTF-8");
    rejects(() -> Tokenizers.byteLevelBpeFromMerges(utf8("t h\nt h")), "line 2", "a new token");
    rejects(() -> Tokenizers.byteLevelBpeFromMerges(utf8("th e")), "line 1", "\"th\"");
  }

  @Test
  void theExceptionSaysWhatIsWhere() {
    TokenizerFormatException e = new TokenizerFormatException("merges.txt line 3", "this", "that");
    assertThat(e).hasMessage("merges.txt line 3: expected this, got that");
    assertThat(e.what() + e.expected() + e.got()).isEqualTo("merges.txt line 3thisthat");
  }

  @Test
  void mutatedFilesGiveTheirExceptionOrAValidTokenizer() {
    mutate("tokenizer.bin", TestTokenizers.storiesBin(), file -> Tokenizers.llama2c(file, 512));
    byte[] merges = TestTokenizers.shakespeareMerges();
    byte[] vocab = TestTokenizers.shakespeareVocab();
    mutate("vocab.json", vocab, file -> Tokenizers.byteLevelBpe(file, merges));
    mutate("merges.txt", merges, file -> Tokenizers.byteLevelBpe(vocab, file));
    mutate("merges.txt alone", merges, Tokenizers::byteLevelBpeFromMerges);
  }

  @Test
  void mutatedFilesOfManyForms() throws IOException {
    mutate("gpt2 json", Gpt2Forms.smallTokenizerJson().file(), Tokenizers::huggingFace);
    mutate("llama json", LlamaForms.smallTokenizerJson().file(), Tokenizers::huggingFace);
    LlamaForms.Protobuf identity = new LlamaForms.Protobuf().text(1, "identity");
    mutate("tokenizer.model", LlamaForms.model(identity, 300), Tokenizers::sentencePiece);
    mutate("vocab.bin", Gpt2Forms.vocabBin(300), Tokenizers::vocabBin);
    mutate("gpt2_tokenizer.bin", Gpt2Forms.llmc(2, 300), Tokenizers::llmc);
    mutate("StaticGrad", Gpt2Forms.staticGrad(), Tokenizers::staticGrad, MUTATIONS / 10);
  }

  /** Valid JSON in which a value is another one, or one from elsewhere in the file. */
  @Test
  void jsonWithOtherValues() throws IOException {
    ObjectMapper mapper = new ObjectMapper();
    for (TokenizerJson file :
        List.of(Gpt2Forms.smallTokenizerJson(), LlamaForms.smallTokenizerJson())) {
      long seed = 20_240_129;
      Random random = new Random(seed);
      JsonNode valid = mapper.readTree(file.file());
      int read = 0;
      for (int i = 0; i < MUTATIONS; i++) {
        ObjectNode root = valid.deepCopy();
        List<ContainerNode<?>> places = new ArrayList<>();
        containers(root, places);
        ContainerNode<?> place = places.get(random.nextInt(places.size()));
        JsonNode value =
            switch (random.nextInt(8)) {
              case 0 -> places.get(random.nextInt(places.size())).deepCopy();
              case 1 -> IntNode.valueOf(random.nextInt(600) - 2);
              case 2 -> IntNode.valueOf(Integer.MAX_VALUE);
              case 3 -> TextNode.valueOf("x");
              case 4 -> BooleanNode.valueOf(random.nextBoolean());
              case 5 -> NullNode.getInstance();
              case 6 -> mapper.createArrayNode();
              default -> mapper.createObjectNode();
            };
        int at = place.isEmpty() ? 0 : random.nextInt(place.size());
        if (place instanceof ArrayNode array) {
          array.insert(at, value);
        } else if (place instanceof ObjectNode object && !object.isEmpty()) {
          List<String> names = new ArrayList<>();
          object.fieldNames().forEachRemaining(names::add);
          object.set(names.get(at), value);
        }
        byte[] bytes = root.toString().getBytes(StandardCharsets.UTF_8);
        read += tries(Tokenizers::huggingFace, bytes, "th 1", "seed " + seed + ", " + i) ? 1 : 0;
      }
      assertThat(read).isBetween(1, MUTATIONS - 1);
    }
  }

  private static void containers(JsonNode node, List<ContainerNode<?>> found) {
    if (node instanceof ContainerNode<?> container) {
      found.add(container);
      container.forEach(child -> containers(child, found));
    }
  }

  private static void mutate(String name, byte[] file, Reader reader) {
    mutate(name, file, reader, MUTATIONS);
  }

  private static void mutate(String name, byte[] file, Reader reader, int mutations) {
    long seed = 20_240_111;
    Random random = new Random(seed);
    RandomText texts = new RandomText(random);
    int read = 0;
    for (int i = 0; i < mutations; i++) {
      byte[] mutated = mutation(file, random);
      String text = texts.next();
      String description = name + ", seed " + seed + ", mutation " + i;
      read += tries(reader, mutated, text, description) ? 1 : 0;
    }
    assertThat(read).as(name + ": how many could be read").isBetween(1, mutations - 1);
  }

  /** Whether a file can be read; if so, it must work, and otherwise be refused as it should. */
  private static boolean tries(Reader reader, byte[] file, String text, String description) {
    return Assertions.assertTimeoutPreemptively(
        Duration.ofSeconds(20),
        () -> {
          ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
          long before = threads.getCurrentThreadAllocatedBytes();
          boolean read = true;
          try {
            use(reader.read(file), text);
          } catch (TokenizerFormatException e) {
            assertThat(e).as(description).hasMessageContaining("expected");
            assertThat(e.getMessage()).as(description).doesNotContain("\n");
            read = false;
          }
          assertThat(threads.getCurrentThreadAllocatedBytes() - before)
              .as(description)
              .isLessThan(file.length + MAX_EXTRA_BYTES);
          return read;
        },
        description);
  }

  private static void use(Tokenizer tokenizer, String text) {
    int[] ids = tokenizer.encodePrompt(text, true);
    assertThat(Arrays.stream(ids)).allMatch(id -> id >= 0 && id < tokenizer.vocabSize());
    for (int id = 0; id < tokenizer.vocabSize(); id++) {
      tokenizer.bytes(id);
    }
    tokenizer.decode(ids);
  }

  private static byte[] mutation(byte[] file, Random random) {
    byte[] bytes = file.clone();
    int at = random.nextInt(bytes.length);
    switch (random.nextInt(6)) {
      case 0 -> bytes = Arrays.copyOf(bytes, at);
      case 1 -> bytes = Arrays.copyOf(bytes, bytes.length + 1 + random.nextInt(20));
      case 2 -> bytes[at] ^= (byte) (1 << random.nextInt(8));
      case 3 -> {
        for (int i = at; i < Math.min(bytes.length, at + 4); i++) {
          bytes[i] = (byte) random.nextInt(256);
        }
      }
      case 4 -> Arrays.fill(bytes, at, Math.min(bytes.length, at + 8), (byte) -random.nextInt(2));
      default -> {
        int from = random.nextInt(bytes.length);
        int count = Math.min(random.nextInt(40), bytes.length - Math.max(at, from));
        System.arraycopy(file, from, bytes, at, count);
      }
    }
    return bytes;
  }

  private static Tokenizer read(byte[] bin, int vocabSize) {
    try {
      return Tokenizers.llama2c(bin, vocabSize);
    } catch (TokenizerFormatException e) {
      throw new AssertionError(e);
    }
  }

  private static void rejectsBin(TokenizerBin bin, String... parts) {
    rejects(() -> Tokenizers.llama2c(bin.file(1000), bin.count()), parts);
  }

  private static void rejectsVocab(String json, String... parts) {
    rejects(() -> Tokenizers.byteLevelBpe(utf8(json), utf8("#version: 0.2\n")), parts);
  }

  private static void rejectsMerges(String merges, String... parts) {
    rejects(() -> Tokenizers.byteLevelBpe(TestTokenizers.shakespeareVocab(), utf8(merges)), parts);
  }

  private static void rejects(ThrowingCallable reading, String... parts) {
    assertThatThrownBy(reading)
        .isExactlyInstanceOf(TokenizerFormatException.class)
        .hasMessageContainingAll(parts);
  }

  private static byte[] utf8(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }
}
