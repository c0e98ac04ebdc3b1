package dev.tandem.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tandem.client.ServerConnection;
import dev.tandem.endpoints.ConnectionOptions;
import dev.tandem.hosting.HostedModel;
import dev.tandem.model.Checkpoint;
import dev.tandem.model.ModelPart;
import dev.tandem.settings.EngineSettings;
import dev.tandem.settings.InvalidSettingException;
import dev.tandem.stage.Span;
import dev.tandem.tensor.Tensor;
import java.net.URI;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A server of some layers holds these layers' tensors and no others. */
@Timeout(300)
class ServedPartTest {
  private static final EngineSettings SETTINGS = SplitExactnessTest.settings(16, false, 1, "");

  @ParameterizedTest
  @CsvSource({
    "gpt2-shakespeare, 0, 2, false",
    "gpt2-shakespeare, 2, 4, true",
    "gpt2-shakespeare, 4, 4, true",
    "stories260K, 1, 3, false",
    "stories260K, 4, 5, true"
  })
  void onlyTheLayersAreLoadedAndOffered(String name, int begin, int end, boolean head)
      throws Exception {
    try (Checkpoint whole = SplitExactnessTest.open(name);
        Checkpoint part = ServedPart.of(whole, Span.layers(begin, end));
        HostedModel all = SplitExactnessTest.start(whole, SETTINGS);
        HostedModel server = SplitExactnessTest.start(part, SETTINGS);
        ServerConnection connection =
            ServerConnection.connect(URI.create(server.uri()), ConnectionOptions.defaults())) {
      Span offered = connection.models().get(0).offered().span();
      assertThat(offered.begin()).isEqualTo(begin);
      assertThat(offered.end()).isEqualTo(end);
      assertThat(offered.hasHead()).isEqualTo(head);
      assertThat(part.hash()).isEqualTo(whole.hash());
      assertThat(part.tensorBytes())
          .isEqualTo(
              whole.tensors().values().stream()
                  .filter(tensor -> belongs(tensor.name(), begin, end, head, whole))
                  .mapToLong(Tensor::bytes)
                  .sum());
      assertThat(part.tensorBytes()).isLessThan(whole.tensorBytes());
      assertThat(server.weightBytes()).isPositive().isLessThan(all.weightBytes());
    }
  }

  /** By the names alone. */
  private static boolean belongs(
      String tensor, int begin, int end, boolean head, Checkpoint whole) {
    if (tensor.startsWith("blk.")) {
      int layer = Integer.parseInt(tensor.split("\\.", -1)[1]);
      return layer >= begin && layer < end;
    }
    return switch (tensor) {
      case "position_embd.weight" -> false;
      case "token_embd.weight" -> head && whole.config().tiedHead();
      default -> head;
    };
  }

  @Test
  void layersThatAreNotThereAreRefused() throws Exception {
    try (Checkpoint whole = SplitExactnessTest.open("gpt2-shakespeare")) {
      assertThatThrownBy(() -> ServedPart.of(whole, Span.layers(2, 5)))
          .isInstanceOf(InvalidSettingException.class)
          .hasMessageContaining("gpt2-shakespeare, which holds 0:4, got 2:5");
      assertThatThrownBy(() -> ServedPart.of(whole, Span.layers(2, 2)))
          .isInstanceOf(InvalidSettingException.class);
      Checkpoint rest = whole.cut(new ModelPart(false, Span.layers(2, 4), false));
      assertThat(ServedPart.of(rest, Span.layers(3, 4)).part())
          .isEqualTo(new ModelPart(false, Span.layers(3, 4), false));
      assertThatThrownBy(() -> ServedPart.of(rest, Span.layers(1, 3)))
          .hasMessageContaining("which holds 2:4, got 1:3");
      assertThatThrownBy(() -> ServedPart.of(rest, Span.layers(4, 4)))
          .isInstanceOf(InvalidSettingException.class);
    }
  }
}
