package dev.tandem.tokenizer.bpe;

import dev.tandem.tokenizer.StreamingDecoder;
import dev.tandem.tokenizer.Tokenizer;
import dev.tandem.tokenizer.text.IntBuilder;
import dev.tandem.tokenizer.text.PreTokenizer;
import dev.tandem.tokenizer.text.SplitPattern;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Byte pair encoding of bytes or of characters. It finds special tokens, normalises the text
 * between them, cuts it into words and these into symbols, and merges pairs of symbols. The {@link
 * TokenizerSpec} defines each of these steps.
 */
public final class BpeTokenizer implements Tokenizer {
  private final TokenizerSpec spec;
  private final Vocabulary vocabulary;
  private final Search parsing; // also searches for special tokens
  private final Search notParsing; // searches for user-defined tokens only
  private final WordEncoder words;
  private final WordCache cache;
  private final OptionalInt silentId;

  /** Tokens to search for in a text, and then in its normalised parts. */
  private record Search(SpecialTokens raw, SpecialTokens normalized) {}

  /** A tokenizer of a specification, which must not be changed any more. */
  public BpeTokenizer(TokenizerSpec spec) {
    this(
        spec,
        spec.size(),
        search(spec, true),
        search(spec, false),
        spec.byteLevel ? new ByteWords(spec) : new CharacterWords(spec),
        new WordCache());
  }

  private BpeTokenizer(
      TokenizerSpec spec,
      int vocabSize,
      Search parsing,
      Search notParsing,
      WordEncoder words,
      WordCache cache) {
    this.spec = spec;
    this.vocabulary = vocabulary(spec, vocabSize);
    this.parsing = parsing;
    this.notParsing = notParsing;
    this.words = words;
    this.cache = cache;
    silentId = spec.promptPrefix.length == 0 ? OptionalInt.empty() : spec.bosId;
  }

  /** {@inheritDoc} For a byte-level tokenizer, the split patterns follow in parentheses. */
  @Override
  public String kind() {
    if (spec.byteLevel) {
      String splits =
          spec.preTokenizers.stream()
              .filter(SplitPattern.class::isInstance)
              .map(split -> split.toString().toLowerCase(Locale.ROOT))
              .collect(Collectors.joining(", "));
      return "byte-level BPE" + (splits.isEmpty() ? "" : " (" + splits + ")");
    }
    return spec.scores != null ? "SentencePiece BPE" : "BPE of characters";
  }

  private static Vocabulary vocabulary(TokenizerSpec spec, int vocabSize) {
    byte[][] tokens = new byte[vocabSize][];
    Arrays.fill(tokens, new byte[0]);
    Set<Integer> specials = new TreeSet<>();
    for (int id = 0; id < spec.size(); id++) {
      tokens[id] = spec.bytes(id);
      if (spec.types[id].isSpecial()) {
        specials.add(id);
      }
    }
    Set<Integer> stops = new TreeSet<>(spec.stopIds);
    stops.removeIf(id -> id >= vocabSize);
    return new Vocabulary(tokens, specials, stops);
  }

  private static Search search(TokenizerSpec spec, boolean special) {
    Map<Integer, String> raw = new TreeMap<>();
    Map<Integer, String> normalized = new TreeMap<>();
    for (int id = 0; id < spec.size(); id++) {
      if (spec.types[id] == TokenType.USER_DEFINED || (special && spec.types[id].isSpecial())) {
        if (spec.normalizedTokens.contains(id)) {
          normalized.put(id, spec.normalizedForm(id));
        } else {
          raw.put(id, spec.names[id]);
        }
      }
    }
    return new Search(tokens(spec, raw), tokens(spec, normalized));
  }

  private static SpecialTokens tokens(TokenizerSpec spec, Map<Integer, String> forms) {
    List<SpecialTokens.Entry> entries = new ArrayList<>();
    forms.forEach(
        (id, form) ->
            entries.add(
                new SpecialTokens.Entry(
                    form, id, spec.takeLeft.contains(id), spec.takeRight.contains(id))));
    return new SpecialTokens(entries);
  }

  /** What this tokenizer is made of; ids that {@link #fitted} added are not in it. */
  public TokenizerSpec spec() {
    return spec;
  }

  /**
   * The same tokenizer for a model of {@code nRows} ids: with unused ids behind its own, if the
   * model has more. Ids that neither has end no text.
   *
   * @param notes what the user should know of it besides; one line each
   */
  public BpeTokenizer fitted(int nRows, List<String> notes) {
    int nIds = Math.max(nRows, spec.size());
    if (nIds == vocabSize() && notes.isEmpty() && spec.stopIds.stream().allMatch(id -> id < nIds)) {
      return this;
    }
    TokenizerSpec fitted = spec.withTokens(spec.names, spec.types);
    fitted.stopIds =
        spec.stopIds.stream().filter(id -> id < nIds).collect(Collectors.toUnmodifiableSet());
    fitted.notes = Stream.concat(spec.notes.stream(), notes.stream()).toList();
    return new BpeTokenizer(fitted, nIds, parsing, notParsing, words, cache);
  }

  @Override
  public boolean hasText(int id) {
    return vocabulary.token(id).length > 0;
  }

  @Override
  public List<String> notes() {
    return List.copyOf(spec.notes);
  }

  @Override
  public int vocabSize() {
    return vocabulary.size();
  }

  @Override
  public int[] encode(String text, boolean parseSpecial) {
    IntBuilder ids = new IntBuilder();
    encode(text, parseSpecial, ids);
    return ids.toArray();
  }

  @Override
  public int[] encodePrompt(String text, boolean parseSpecial) {
    IntBuilder ids = new IntBuilder();
    ids.add(spec.promptPrefix, spec.promptPrefix.length);
    encode(text, parseSpecial, ids);
    ids.add(spec.promptSuffix, spec.promptSuffix.length);
    return ids.toArray();
  }

  private void encode(String text, boolean parseSpecial, IntBuilder ids) {
    String wellFormed = Utf8.wellFormed(text);
    Search search = parseSpecial ? parsing : notParsing;
    search.raw.scan(
        wellFormed,
        new SpecialTokens.Sink() {
          private boolean textStart = true;

          @Override
          public void text(int start, int end) {
            String part = wellFormed.substring(start, end);
            encodePart(spec.normalizer.apply(part, textStart), start == 0, search, ids);
            textStart = false;
          }

          @Override
          public void special(int id) {
            ids.add(id);
            textStart = spec.bosId.isPresent() && id == spec.bosId.getAsInt();
          }
        });
  }

  /** Encodes normalised text. */
  private void encodePart(String text, boolean first, Search search, IntBuilder ids) {
    PreTokenizer.Sink sink = (piece, start, end, atStart) -> encodeWord(piece, start, end, ids);
    for (int i = spec.preTokenizers.size() - 1; i >= 0; i--) {
      PreTokenizer preTokenizer = spec.preTokenizers.get(i);
      PreTokenizer.Sink next = sink;
      sink = (piece, start, end, atStart) -> preTokenizer.cut(piece, start, end, atStart, next);
    }
    PreTokenizer.Sink pieces = sink;
    search.normalized.scan(
        text,
        new SpecialTokens.Sink() {
          @Override
          public void text(int start, int end) {
            pieces.piece(text, start, end, first && start == 0);
          }

          @Override
          public void special(int id) {
            ids.add(id);
          }
        });
  }

  private void encodeWord(String text, int start, int end, IntBuilder ids) {
    if (!cache.lookUp(text, start, end, ids)) {
      String word = text.substring(start, end);
      int[] wordIds = words.encode(word);
      ids.add(wordIds, wordIds.length);
      cache.put(word, wordIds);
    }
  }

  @Override
  public byte[] bytes(int id) {
    return vocabulary.token(id).clone();
  }

  @Override
  public StreamingDecoder decoder() {
    return new TokenDecoder(vocabulary, silentId, spec.dropsSpace);
  }

  @Override
  public OptionalInt bosId() {
    return spec.bosId;
  }

  @Override
  public Set<Integer> stopIds() {
    return vocabulary.stopIds();
  }

  @Override
  public boolean isSpecial(int id) {
    return vocabulary.isSpecial(id);
  }
}
