package dev.tandem.tokenizer.sentencepiece;

import dev.tandem.tokenizer.Tokenizer;
import dev.tandem.tokenizer.bpe.BpeTokenizer;
import dev.tandem.tokenizer.bpe.Quote;
import dev.tandem.tokenizer.bpe.ScoreMerges;
import dev.tandem.tokenizer.bpe.StopIds;
import dev.tandem.tokenizer.bpe.TokenType;
import dev.tandem.tokenizer.bpe.TokenizerFormatException;
import dev.tandem.tokenizer.bpe.TokenizerSpec;
import dev.tandem.tokenizer.text.Normalizer;
import dev.tandem.tokenizer.text.Spaces;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * Reads SentencePiece's {@code tokenizer.model} of the type BPE. Sources: {@code
 * sentencepiece_model.proto}, and {@code normalizer.cc} and {@code bpe_model.cc} for the meaning of
 * the fields. Prompts begin with the beginning-of-sequence token if it exists, as Llama's do.
 */
public final class SentencePieceFile {
  private static final String FILE = "tokenizer.model";
  private static final String[] MODEL_TYPES = {"", "unigram", "BPE", "word", "char"};
  private static final int UNIGRAM = 1;
  private static final int BPE = 2;

  private final List<String> names = new ArrayList<>();
  private final List<TokenType> types = new ArrayList<>();
  private final FloatBuilder scores = new FloatBuilder();
  private final Map<String, Integer> ids = new HashMap<>();

  private long modelType = UNIGRAM; // the default values of the .proto file
  private boolean byteFallback;
  private String bosName = "<s>";
  private String eosName = "</s>";
  private boolean addDummyPrefix = true;
  private boolean removeExtraWhitespaces = true;
  private boolean escapeWhitespaces = true;

  private SentencePieceFile() {}

  /**
   * The tokenizer of such a file.
   *
   * @param stopIds ids that end a text, besides the file's own {@code eos_piece}
   * @throws TokenizerFormatException if the file does not hold that, or asks for what is not
   *     supported; it names the field
   */
  public static Tokenizer read(byte[] tokenizerModel, int... stopIds)
      throws TokenizerFormatException {
    SentencePieceFile file = new SentencePieceFile();
    ProtobufReader in = new ProtobufReader(FILE, tokenizerModel);
    while (in.next()) {
      switch (in.field()) {
        case 1 -> file.readPiece(in.message(FILE + " piece " + file.names.size()));
        case 2 -> file.readTrainer(in.message(FILE + " trainer_spec"));
        case 3 -> file.readNormalizer(in.message(FILE + " normalizer_spec"));
        case 5 -> requireNoCharsmap(in.message(FILE + " denormalizer_spec"));
        default -> in.skip(); // 4: the trainer's self-test
      }
    }
    return new BpeTokenizer(file.spec(stopIds));
  }

  private void readPiece(ProtobufReader in) throws TokenizerFormatException {
    int id = names.size();
    String what = FILE + " piece " + id;
    String name = "";
    float score = 0;
    long type = TokenType.NORMAL.number();
    while (in.next()) {
      switch (in.field()) {
        case 1 -> name = in.string();
        case 2 -> score = in.fixedFloat();
        case 3 -> type = in.varint();
        default -> in.skip();
      }
    }
    TokenType known = TokenType.of(type).orElse(null);
    if (known == null) {
      throw new TokenizerFormatException(what + " type", "1..6", Long.toString(type));
    }
    if (name.isEmpty() || ids.put(name, id) != null) {
      throw new TokenizerFormatException(what, "a name that no other piece has", Quote.of(name));
    }
    if (Float.isNaN(score)) {
      throw new TokenizerFormatException(what + " score", "a number", "NaN");
    }
    if (known == TokenType.BYTE && TokenizerSpec.byteOf(name) < 0) {
      throw new TokenizerFormatException(what, "a byte <0x00>..<0xFF>", Quote.of(name));
    }
    names.add(name);
    types.add(known);
    scores.add(score);
  }

  private void readTrainer(ProtobufReader in) throws TokenizerFormatException {
    while (in.next()) {
      switch (in.field()) {
        case 3 -> modelType = in.varint();
        case 24 -> requireNot("trainer_spec.treat_whitespace_as_suffix", in.varint() != 0);
        case 35 -> byteFallback = in.varint() != 0;
        case 46 -> bosName = in.string();
        case 47 -> eosName = in.string();
        default -> in.skip(); // how it was trained
      }
    }
  }

  private void readNormalizer(ProtobufReader in) throws TokenizerFormatException {
    String name = "";
    int charsmapBytes = 0;
    while (in.next()) {
      switch (in.field()) {
        case 1 -> name = in.string();
        case 2 -> charsmapBytes = in.bytesLength();
        case 3 -> addDummyPrefix = in.varint() != 0;
        case 4 -> removeExtraWhitespaces = in.varint() != 0;
        case 5 -> escapeWhitespaces = in.varint() != 0;
        default -> in.skip(); // 6: what the map was made from
      }
    }
    if (charsmapBytes > 0) {
      throw new TokenizerFormatException(
          FILE + " normalizer_spec.precompiled_charsmap",
          "none: only the normalizer identity is supported",
          Quote.of(name) + " with " + charsmapBytes + " B");
    }
  }

  private static void requireNoCharsmap(ProtobufReader in) throws TokenizerFormatException {
    while (in.next()) {
      if (in.field() == 2) {
        requireNot("denormalizer_spec.precompiled_charsmap", in.bytesLength() > 0);
      } else {
        in.skip();
      }
    }
  }

  private static void requireNot(String field, boolean present) throws TokenizerFormatException {
    if (present) {
      throw new TokenizerFormatException(FILE + " " + field, "none (not supported)", "one");
    }
  }

  private TokenizerSpec spec(int... stopIds) throws TokenizerFormatException {
    if (names.isEmpty()) {
      throw new TokenizerFormatException(FILE, "pieces", "none");
    }
    if (modelType != BPE) {
      boolean known = modelType > 0 && modelType < MODEL_TYPES.length;
      throw new TokenizerFormatException(
          FILE + " trainer_spec.model_type",
          "BPE",
          known ? MODEL_TYPES[(int) modelType] : Long.toString(modelType));
    }
    TokenizerSpec spec =
        new TokenizerSpec(names.toArray(new String[0]), types.toArray(new TokenType[0]), false);
    spec.scores = scores.toArray();
    spec.normalizer =
        new Normalizer(
            false,
            addDummyPrefix ? Normalizer.Prefix.TEXT_START : Normalizer.Prefix.NEVER,
            escapeWhitespaces ? Spaces.AS_U2581 : Spaces.LITERAL,
            removeExtraWhitespaces);
    spec.dropsSpace = addDummyPrefix;
    spec.byteFallback = byteFallback;
    spec.bosId = control(bosName);
    spec.promptPrefix = spec.bosId.stream().toArray();
    Set<Integer> stops = StopIds.of(stopIds);
    control(eosName).ifPresent(stops::add);
    spec.stopIds = stops;
    SentencePieceRules.apply(FILE, spec);
    if (spec.unknownId.isEmpty()) {
      throw new TokenizerFormatException(FILE, "a piece of type unknown", "none");
    }
    spec.normalizedTokens =
        IntStream.range(0, names.size())
            .filter(id -> spec.types[id] == TokenType.USER_DEFINED)
            .boxed()
            .collect(Collectors.toSet());
    spec.merges = ScoreMerges.table(FILE, spec);
    return spec;
  }

  private OptionalInt control(String name) {
    Integer id = ids.get(name);
    return id != null && types.get(id) == TokenType.CONTROL
        ? OptionalInt.of(id)
        : OptionalInt.empty();
  }
}
