package dev.tandem.formats.dumps;

import dev.tandem.formats.families.ForeignViews;
import dev.tandem.formats.files.ModelWriter;
import dev.tandem.formats.files.TokenizerExport;
import dev.tandem.model.Activation;
import dev.tandem.model.Architecture;
import dev.tandem.model.Checkpoint;
import dev.tandem.model.ModelConfig;
import dev.tandem.model.ModelFormatException;
import dev.tandem.settings.Note;
import dev.tandem.settings.Remedy;
import dev.tandem.tensor.DType;
import dev.tandem.tensor.OutputFile;
import dev.tandem.tensor.Tensor;
import dev.tandem.types.ConversionProgress;
import dev.tandem.types.TypePlan;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * Writes a directory with {@code model.bin} and {@code vocab.bin}; see {@link ModelBinFormat}.
 * Linear layers are {@code [out, in]}.
 */
public final class ModelBinWriter implements ModelWriter {
  private static final float USUAL_EPS = 1e-5f;

  @Override
  public String format() {
    return "model-bin";
  }

  @Override
  public String writes() {
    return "model-bin (a directory with model.bin and vocab.bin)";
  }

  @Override
  public Set<DType> types() {
    return Set.of(DType.F32);
  }

  @Override
  public List<Note> notes(Checkpoint checkpoint) throws IOException {
    checkHolds(checkpoint);
    ModelConfig config = checkpoint.config();
    List<Note> notes = new ArrayList<>();
    notes.add(
        new Note(
            "linear layers are stored [out, in], which the file cannot say",
            Remedy.config("linear", "out_in", "to read them")));
    if (config.activation() != Activation.GELU_TANH) {
      notes.add(new Note("model.bin does not state that the model has GELU in its erf form"));
    }
    if (config.normEps() != USUAL_EPS) {
      notes.add(
          new Note(
              "model.bin does not state that the epsilon of the norms is " + config.normEps()));
    }
    if (TokenizerExport.vocabBin(checkpoint).isEmpty()) {
      notes.add(
          new Note("the tokenizer is left out, because a vocab.bin would not give the same ids"));
    }
    return notes;
  }

  private static void checkHolds(Checkpoint checkpoint) throws ModelFormatException {
    ModelConfig config = checkpoint.config();
    boolean fits =
        checkpoint.isWhole()
            && config.architecture() == Architecture.GPT2
            && config.tiedHead()
            && config.nHeads() * config.headDim() == config.dModel()
            && config.dFf() == 4 * config.dModel();
    if (!fits) {
      throw new ModelFormatException(
          checkpoint.name(),
          "model",
          "a whole GPT-2 with a tied head and a feed-forward network of 4 times its width, because"
              + " model.bin can hold nothing else",
          config.architecture()
              + " with "
              + checkpoint.part()
              + ", tiedHead "
              + config.tiedHead()
              + ", dFf "
              + config.dFf());
    }
  }

  @Override
  public void write(
      Checkpoint checkpoint, TypePlan plan, Path temporary, ConversionProgress progress)
      throws IOException {
    checkHolds(checkpoint);
    Files.createDirectory(temporary);
    progress.begin(plan.bytes());
    ModelConfig config = checkpoint.config();
    try (OutputFile file = OutputFile.create(temporary.resolve("model.bin"))) {
      file.write(
          ByteBuffer.allocate(5 * Integer.BYTES)
              .order(ByteOrder.LITTLE_ENDIAN)
              .putInt(config.nLayers())
              .putInt(config.nHeads())
              .putInt(config.dModel())
              .putInt(config.vocabSize())
              .putInt(config.maxSeq())
              .flip());
      for (Tensor tensor :
          checkpoint.tensors().values()) { // canonical order is the order of the file
        ForeignViews.write(file, tensor, DType.F32, progress);
      }
      file.sync();
    }
    Optional<byte[]> vocab = TokenizerExport.vocabBin(checkpoint);
    if (vocab.isPresent()) {
      ForeignViews.write(temporary.resolve("vocab.bin"), vocab.get());
    }
  }
}
