package dev.tandem.model;

import dev.tandem.settings.Note;
import dev.tandem.tensor.Tensor;
import java.io.Closeable;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Collects what a {@link Checkpoint} is made of. {@link Checkpoint#builder} returns it; one thread
 * uses it.
 */
public final class CheckpointBuilder {
  final String name;
  final ModelConfig config;
  String format = "";
  Map<String, Tensor> tensors = Map.of();
  Checkpoint.TokenizerOpener tokenizer;
  List<? extends Closeable> files = List.of();
  List<Note> notes = List.of();
  Checkpoint.DigestOpener digests = Map::of;
  ModelPart part;
  List<ModelHash.Entry> modelTensors = List.of();
  Optional<Approximation> approximation = Optional.empty();

  CheckpointBuilder(String name, ModelConfig config) {
    this.name = name;
    this.config = config;
    part = ModelPart.whole(config);
    tokenizer = Checkpoint.noTokenizer(name, part);
  }

  /** The file format in words, such as {@code llama2.c version 0}. */
  public CheckpointBuilder format(String value) {
    format = value;
    return this;
  }

  /** The tensors that the part holds, in the order of {@link Checkpoint#tensors}. */
  public CheckpointBuilder tensors(Map<String, Tensor> value) {
    tensors = value;
    return this;
  }

  /** Called when the tokenizer is first needed. */
  public CheckpointBuilder tokenizer(Checkpoint.TokenizerOpener value) {
    tokenizer = value;
    return this;
  }

  /** The files that {@link Checkpoint#close} closes; none without a call. */
  public CheckpointBuilder files(List<? extends Closeable> value) {
    files = List.copyOf(value);
    return this;
  }

  /** Assumptions that were made because no file states the facts, for the user. */
  public CheckpointBuilder notes(List<Note> value) {
    notes = List.copyOf(value);
    return this;
  }

  /** Called when the digests that the file states are first needed; none without a call. */
  public CheckpointBuilder digests(Checkpoint.DigestOpener value) {
    digests = value;
    return this;
  }

  /** The part of the model that it holds; the whole model without a call. */
  public CheckpointBuilder part(ModelPart value) {
    part = value;
    return this;
  }

  /**
   * The whole model's list of tensors, from which its hash follows; empty, as it is without a call,
   * if unknown.
   */
  public CheckpointBuilder modelTensors(List<ModelHash.Entry> value) {
    modelTensors = List.copyOf(value);
    return this;
  }

  /** What is not the model's own; without a call, all tensors are. */
  public CheckpointBuilder approximation(Optional<Approximation> value) {
    approximation = value;
    return this;
  }

  /** The checkpoint. */
  public Checkpoint build() {
    return new Checkpoint(this);
  }
}
