package dev.tandem.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tandem.random.RandomModels;
import dev.tandem.stage.Span;
import dev.tandem.tensor.DType;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

class ModelPartTest {
  /**
   * Every tensor belongs to the client's part or the server's; a tied matrix may belong to both.
   */
  @Test
  void partsShareOutAllTensors() throws IOException {
    for (ModelConfig config :
        List.of(TestModels.GPT2, TestModels.llama(true), TestModels.llama(false))) {
      Checkpoint model = RandomModels.of("small", config, DType.F32, 1);
      for (int k = 0; k <= 2; k++) {
        for (boolean head : new boolean[] {true, false}) {
          Checkpoint client = model.cut(new ModelPart(true, Span.layers(0, k), head));
          Checkpoint server = model.cut(new ModelPart(false, Span.layers(k, 2), !head));
          Set<String> all = new HashSet<>(client.tensors().keySet());
          all.addAll(server.tensors().keySet());
          assertThat(all).isEqualTo(model.tensors().keySet());
          Set<String> both = new HashSet<>(client.tensors().keySet());
          both.retainAll(server.tensors().keySet());
          boolean tiedThere = config.tiedHead() && !head;
          assertThat(both).isEqualTo(tiedThere ? Set.of("token_embd.weight") : Set.of());
          assertThat(client.hash()).isEqualTo(model.hash()).isEqualTo(server.hash());
          assertThat(client.isWhole()).isEqualTo(k == 2 && head);
          assertThat(client.tensors().keySet())
              .allMatch(tensor -> client.part().holds(tensor, config));
        }
      }
    }
  }

  @Test
  void thePartsOfAPartAreLimited() throws IOException {
    Checkpoint model = RandomModels.of("small", TestModels.GPT2, DType.F32, 1);
    Checkpoint client = model.cut(new ModelPart(true, Span.layers(0, 1), false));
    assertThat(client.cut(new ModelPart(true, Span.layers(0, 0), false)).hash())
        .isEqualTo(model.hash());
    for (ModelPart wanted :
        List.of(
            new ModelPart(true, Span.layers(0, 1), true),
            new ModelPart(true, Span.layers(0, 2), false))) {
      assertThatThrownBy(() -> client.cut(wanted))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContainingAll(client.part().toString(), wanted.toString());
    }
    Checkpoint server = model.cut(new ModelPart(false, Span.layers(1, 2), true));
    assertThatThrownBy(() -> server.cut(new ModelPart(true, Span.layers(1, 2), true)))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> new ModelPart(true, Span.layers(2, 1), true))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> new ModelPart(true, Span.layers(-1, 1), true))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void aPartWithTensorsOfAnotherModelIsRefused() throws IOException {
    Checkpoint one = RandomModels.of("one", TestModels.GPT2, DType.F32, 1);
    Checkpoint two = RandomModels.of("two", TestModels.GPT2, DType.F32, 2);
    Checkpoint swapped = part(one, two.hash().entries());
    assertThatThrownBy(swapped::hash)
        .isInstanceOf(ModelFormatException.class)
        .hasMessageContainingAll("one: not a part of the model that it states", "blk.0.");
    List<ModelHash.Entry> incomplete = new ArrayList<>(one.hash().entries());
    incomplete.removeIf(entry -> entry.name().startsWith("blk.0."));
    assertThatThrownBy(part(one, incomplete)::hash)
        .isInstanceOf(ModelFormatException.class)
        .hasMessageContaining("is not part of the model");
    assertThat(part(one, one.hash().entries()).hash()).isEqualTo(one.hash());
    Checkpoint unknown = part(one, List.of());
    assertThat(unknown.knowsHash()).isFalse();
    assertThatThrownBy(unknown::hash).isInstanceOf(IllegalStateException.class);
    assertThat(unknown.heldTensors()).hasSize(unknown.tensors().size());
  }

  private static Checkpoint part(Checkpoint model, List<ModelHash.Entry> stated)
      throws IOException {
    Checkpoint cut = model.cut(new ModelPart(true, Span.layers(0, 1), false));
    return Checkpoint.builder(model.name(), model.config())
        .format(model.format())
        .tensors(cut.tensors())
        .tokenizer(model::tokenizer)
        .part(cut.part())
        .modelTensors(stated)
        .build();
  }
}
