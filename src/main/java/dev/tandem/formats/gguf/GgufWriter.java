package dev.tandem.formats.gguf;

import dev.tandem.formats.files.ModelWriter;
import dev.tandem.model.Approximation;
import dev.tandem.model.Architecture;
import dev.tandem.model.Checkpoint;
import dev.tandem.model.ModelConfig;
import dev.tandem.model.ModelFormatException;
import dev.tandem.model.ModelHash;
import dev.tandem.model.TensorBytes;
import dev.tandem.model.TensorDigest;
import dev.tandem.model.TensorPlan;
import dev.tandem.settings.Note;
import dev.tandem.tensor.DType;
import dev.tandem.tensor.OutputFile;
import dev.tandem.tensor.Tensor;
import dev.tandem.tensor.TensorData.FileRegion;
import dev.tandem.tensor.TensorFile;
import dev.tandem.tokenizer.gguf.GgufVocabulary;
import dev.tandem.types.ConversionProgress;
import dev.tandem.types.TypePlan;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Writes GGUF version 3 for llama.cpp, tensor by tensor in canonical order. Properties that GGUF's
 * keys cannot state are in keys {@code tandem.*}, which llama.cpp ignores. The header is written
 * first with empty digests, and again after the tensors, when their digests are known.
 */
public final class GgufWriter implements ModelWriter {
  private static final String SUFFIX = ".gguf";

  /** The version of the block layouts, in use since 2023. */
  private static final int QUANTIZATION_VERSION = 2;

  /** llama.cpp's numbers for the main type of a file, for information only. */
  private static final Map<DType, Integer> FILE_TYPES = new EnumMap<>(DType.class);

  static {
    FILE_TYPES.put(DType.F32, 0);
    FILE_TYPES.put(DType.F16, 1);
    FILE_TYPES.put(DType.Q4_0, 2);
    FILE_TYPES.put(DType.Q4_1, 3);
    FILE_TYPES.put(DType.Q8_0, 7);
    FILE_TYPES.put(DType.Q5_0, 8);
    FILE_TYPES.put(DType.Q5_1, 9);
    FILE_TYPES.put(DType.Q4_K, 15);
    FILE_TYPES.put(DType.Q5_K, 17);
    FILE_TYPES.put(DType.Q6_K, 18);
    FILE_TYPES.put(DType.IQ4_NL, 25);
    FILE_TYPES.put(DType.BF16, 32);
  }

  @Override
  public String format() {
    return "gguf";
  }

  @Override
  public String writes() {
    return "gguf (a file NAME.gguf)";
  }

  @Override
  public boolean accepts(Path out) {
    return out.toString().endsWith(SUFFIX);
  }

  @Override
  public Set<DType> types() {
    return EnumSet.allOf(DType.class);
  }

  @Override
  public List<Note> notes(Checkpoint checkpoint) throws IOException {
    ModelConfig config = checkpoint.config();
    checkHolds(checkpoint);
    List<Note> notes = new ArrayList<>();
    if (config.activation() != config.architecture().usualActivation()) {
      notes.add(
          new Note(
              "llama.cpp computes "
                  + GgufConfig.name(config.architecture().usualActivation())
                  + " where this model has "
                  + GgufConfig.name(config.activation())
                  + ", so its results will differ; Tandem reads which it is"));
    }
    if (hasInexactTheta(config)) {
      notes.add(
          new Note(
              "llama.cpp reads the RoPE base "
                  + config.ropeTheta()
                  + " as the f32 "
                  + (float) config.ropeTheta()
                  + "; Tandem reads it exactly"));
    }
    if (!checkpoint.isWhole()) {
      notes.add(new Note("a part of a model (" + checkpoint.part() + ") is for Tandem only"));
    }
    if (checkpoint.part().embedding()) {
      GgufVocabulary vocabulary = GgufTokenizer.vocabularyOf(checkpoint);
      GgufTokenizer.notes(vocabulary).stream().map(Note::new).forEach(notes::add);
      if (vocabulary.tokens().size() > config.vocabSize()) {
        notes.add(
            new Note(
                "llama.cpp does not load this file, because the tokenizer has more tokens than the"
                    + " model; Tandem does"));
      }
    }
    return notes;
  }

  private static void checkHolds(Checkpoint checkpoint) throws ModelFormatException {
    ModelConfig config = checkpoint.config();
    if (config.rope() != config.architecture().usualRope()) {
      throw new ModelFormatException(
          checkpoint.name(),
          "a " + config.architecture() + " with RoPE " + config.rope() + " does not fit into GGUF");
    }
    if (!checkpoint.isWhole() && checkpoint.approximation().isPresent()) {
      throw new ModelFormatException(
          checkpoint.name(),
          checkpoint.approximationInWords().orElseThrow() + "; split the model itself");
    }
  }

  private static boolean hasInexactTheta(ModelConfig config) {
    return config.ropeTheta() != (float) config.ropeTheta();
  }

  @Override
  public void write(
      Checkpoint checkpoint, TypePlan plan, Path temporary, ConversionProgress progress)
      throws IOException {
    checkHolds(checkpoint);
    if (!checkpoint.isWhole()) {
      checkKept(checkpoint, plan);
    }
    Optional<GgufVocabulary> vocabulary =
        checkpoint.part().embedding()
            ? Optional.of(GgufTokenizer.vocabularyOf(checkpoint))
            : Optional.empty();
    Map<String, String> digests = new HashMap<>();
    byte[] header = header(checkpoint, vocabulary, plan, digests, GgufHashes.UNKNOWN);
    try (OutputFile file = OutputFile.create(temporary)) {
      file.write(ByteBuffer.wrap(header));
      List<TypePlan.Choice> stored = stored(checkpoint, plan);
      progress.begin(stored.stream().mapToLong(TypePlan.Choice::bytes).sum());
      TensorBytes bytes = new TensorBytes();
      for (TypePlan.Choice choice : stored) {
        digests.put(choice.tensor().name(), writeTensor(file, bytes, choice, progress));
      }
      String sample = sample(temporary, plan, header.length);
      file.rewind();
      file.write(ByteBuffer.wrap(header(checkpoint, vocabulary, plan, digests, sample)));
      file.sync();
    }
  }

  /** Checks that a part keeps the types of the model that it was cut from. */
  private static void checkKept(Checkpoint checkpoint, TypePlan plan) throws ModelFormatException {
    for (TypePlan.Choice choice : plan.choices()) {
      Tensor tensor = choice.tensor();
      if (tensor.rows() > 1 && choice.type() != tensor.dtype()) {
        throw new ModelFormatException(
            checkpoint.name(),
            tensor.name(),
            tensor.dtype() + ", the type in the whole model (convert the whole model first)",
            choice.type().name());
      }
    }
  }

  /**
   * All tensors of the file: the model's, and at the end, for a GPT-2 with a tied head, a copy of
   * the embedding as the head. Many versions of llama.cpp load no GPT-2 without one.
   */
  private static List<TypePlan.Choice> stored(Checkpoint checkpoint, TypePlan plan) {
    List<TypePlan.Choice> stored = new ArrayList<>(plan.choices());
    if (copiesHead(checkpoint)) {
      Tensor t = checkpoint.tensor(TensorPlan.TOKEN_EMBEDDING);
      Tensor head =
          new Tensor(TensorPlan.OUTPUT, t.dtype(), t.rows(), t.cols(), t.transposed(), t.data());
      stored.add(new TypePlan.Choice(head, plan.type(t.name()), ""));
    }
    return stored;
  }

  private static boolean copiesHead(Checkpoint checkpoint) {
    ModelConfig config = checkpoint.config();
    return checkpoint.isWhole() && config.architecture() == Architecture.GPT2 && config.tiedHead();
  }

  private static String writeTensor(
      OutputFile file, TensorBytes source, TypePlan.Choice choice, ConversionProgress progress)
      throws IOException {
    Tensor tensor = choice.tensor();
    MessageDigest digest = TensorDigest.sha256();
    source.forEach(
        tensor,
        choice.type(),
        bytes -> {
          int n = bytes.remaining();
          digest.update(bytes.duplicate());
          file.write(bytes);
          progress.advance(tensor.name(), n);
        });
    int padding = (int) (GgufHeader.padded(choice.bytes()) - choice.bytes());
    file.write(ByteBuffer.allocate(padding));
    return TensorDigest.hex(digest.digest());
  }

  /** The sample of the tensors in the file. */
  private static String sample(Path written, TypePlan plan, long dataBegin) throws IOException {
    try (TensorFile file = TensorFile.open(written)) {
      List<Tensor> tensors = new ArrayList<>();
      long offset = dataBegin;
      for (TypePlan.Choice choice : plan.choices()) {
        Tensor t = choice.tensor();
        FileRegion data = new FileRegion(file, offset, choice.bytes());
        tensors.add(new Tensor(t.name(), choice.type(), t.rows(), t.cols(), false, data));
        offset += GgufHeader.padded(choice.bytes());
      }
      return GgufHashes.sample(tensors);
    }
  }

  private static byte[] header(
      Checkpoint checkpoint,
      Optional<GgufVocabulary> vocabulary,
      TypePlan plan,
      Map<String, String> digests,
      String sample)
      throws IOException {
    GgufHeader header = begun(checkpoint, vocabulary, plan);
    if (checkpoint.isWhole()) {
      GgufHashes.write(header, entries(plan, digests), sample);
    } else {
      GgufPart.write(header, checkpoint.part(), checkpoint.config());
      GgufHashes.write(
          header, checkpoint.knowsHash() ? checkpoint.hash().entries() : List.of(), sample);
    }
    addTensors(header, stored(checkpoint, plan));
    return header.toBytes();
  }

  /**
   * The header of a file with a part of a model, even if the part is all of it. The file states the
   * model's hashes and no sample, so that its reader computes those of the tensors.
   *
   * @param part holds the embedding
   * @param plan the tensors, in their order in the file
   * @param approximation the tensors to which the plan gives a smaller type; empty for none
   */
  static byte[] partHeader(Checkpoint part, TypePlan plan, Optional<Approximation> approximation)
      throws IOException {
    checkHolds(part);
    GgufHeader header = begun(part, Optional.of(GgufTokenizer.vocabularyOf(part)), plan);
    GgufPart.write(header, part.part(), part.config());
    GgufHashes.write(header, part.hash().entries(), GgufHashes.UNKNOWN);
    approximation.ifPresent(found -> GgufApproximation.write(header, found));
    addTensors(header, plan.choices());
    return header.toBytes();
  }

  /** The keys of all files: what the model is, and its tokenizer. */
  private static GgufHeader begun(
      Checkpoint checkpoint, Optional<GgufVocabulary> vocabulary, TypePlan plan) {
    GgufHeader header = new GgufHeader();
    header.text(GgufKeys.ARCHITECTURE, checkpoint.config().architecture().toString());
    header.text(GgufKeys.NAME, checkpoint.name());
    header.u32("general.file_type", fileType(plan));
    header.u32("general.quantization_version", QUANTIZATION_VERSION);
    writeConfig(header, checkpoint);
    if (vocabulary.isPresent()) {
      GgufTokenizer.write(header, vocabulary.get());
    }
    return header;
  }

  private static void addTensors(GgufHeader header, List<TypePlan.Choice> stored) {
    for (TypePlan.Choice choice : stored) {
      Tensor tensor = choice.tensor();
      header.tensor(tensor.name(), choice.type(), tensor.rows(), tensor.cols());
    }
  }

  private static List<ModelHash.Entry> entries(TypePlan plan, Map<String, String> digests) {
    List<ModelHash.Entry> entries = new ArrayList<>();
    for (TypePlan.Choice choice : plan.choices()) {
      Tensor tensor = choice.tensor();
      String digest = digests.getOrDefault(tensor.name(), GgufHashes.UNKNOWN);
      entries.add(
          new ModelHash.Entry(tensor.name(), choice.type(), tensor.rows(), tensor.cols(), digest));
    }
    return entries;
  }

  private static void writeConfig(GgufHeader header, Checkpoint checkpoint) {
    ModelConfig config = checkpoint.config();
    boolean gpt2 = config.architecture() == Architecture.GPT2;
    String prefix = config.architecture() + ".";
    header.u32(prefix + GgufKeys.VOCAB_SIZE, config.vocabSize());
    header.u32(prefix + GgufKeys.CONTEXT_LENGTH, config.maxSeq());
    header.u32(prefix + GgufKeys.EMBEDDING_LENGTH, config.dModel());
    header.u32(prefix + GgufKeys.BLOCK_COUNT, config.nLayers());
    header.u32(prefix + GgufKeys.FEED_FORWARD_LENGTH, config.dFf());
    header.u32(prefix + GgufKeys.HEAD_COUNT, config.nHeads());
    header.u32(prefix + GgufKeys.HEAD_COUNT_KV, config.nKvHeads());
    if (config.nHeads() * config.headDim() != config.dModel()) {
      header.u32(prefix + GgufKeys.KEY_LENGTH, config.headDim());
      header.u32(prefix + GgufKeys.VALUE_LENGTH, config.headDim());
    }
    header.f32(prefix + (gpt2 ? GgufKeys.LAYER_NORM_EPS : GgufKeys.RMS_NORM_EPS), config.normEps());
    if (!gpt2) {
      header.f32(prefix + GgufKeys.ROPE_BASE, (float) config.ropeTheta());
      header.u32(prefix + GgufKeys.ROPE_DIMENSIONS, config.headDim());
    }
    if (copiesHead(checkpoint)) {
      header.flag(GgufKeys.TIED_HEAD, true);
    }
    if (hasInexactTheta(config)) {
      header.f64(GgufKeys.ROPE_THETA, config.ropeTheta());
    }
    if (config.activation() != config.architecture().usualActivation()) {
      header.text(GgufKeys.ACTIVATION, GgufConfig.name(config.activation()));
    }
  }

  /** The type of most bytes. */
  private static int fileType(TypePlan plan) {
    Map<DType, Long> bytes = new EnumMap<>(DType.class);
    plan.choices().forEach(choice -> bytes.merge(choice.type(), choice.bytes(), Long::sum));
    return bytes.entrySet().stream()
        .max(Map.Entry.comparingByValue())
        .map(entry -> FILE_TYPES.getOrDefault(entry.getKey(), 0))
        .orElse(0);
  }
}
