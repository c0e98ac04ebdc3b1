package dev.tandem.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tandem.decoding.TokenSink;
import dev.tandem.endpoints.ServerOptions;
import dev.tandem.formats.Checkpoints;
import dev.tandem.generation.GeneratedToken;
import dev.tandem.generation.GenerationRequest;
import dev.tandem.hosting.HostedModel;
import dev.tandem.model.Checkpoint;
import dev.tandem.settings.EngineSettings;
import dev.tandem.settings.InvalidSettingException;
import dev.tandem.settings.LoadListener;
import dev.tandem.settings.ModelSource;
import dev.tandem.settings.Offer;
import dev.tandem.settings.Reply;
import dev.tandem.settings.WeightType;
import java.net.URI;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The built-in models in their own types, downloaded as if they were not built in. */
@Timeout(120)
class ServersPartTest {
  @TempDir private Path cache;

  @ParameterizedTest
  @CsvSource({
    "gpt2-shakespeare, embeddings, TOPK, 0",
    "gpt2-shakespeare, embeddings, LOGITS, 0",
    "gpt2-shakespeare, head, HIDDEN, 0",
    "gpt2-shakespeare, layers:2, HIDDEN, 2",
    "stories260K, embeddings, TOPK, 0",
    "stories260K, embeddings, LOGITS, 0",
    "stories260K, head, HIDDEN, 0",
    "stories260K, layers:3, LOGITS, 3"
  })
  void theBitsAreThoseOfTheWholeModel(String name, String offer, Reply reply, int layers)
      throws Exception {
    EngineSettings settings = EngineSettings.defaults();
    ServerOptions options =
        ServerOptions.defaults().withAddress("127.0.0.1", 0).withOffer(Offer.of(offer));
    ModelSource source = ModelSource.ofServer().withCache(cache);
    try (Checkpoint checkpoint = Checkpoints.open(name, Optional.empty());
        WholeRuntime whole = WholeRuntime.open(checkpoint, settings);
        HostedModel server = HostedModel.start(checkpoint, settings, options)) {
      ServersPart part =
          ServersPart.open(
              source,
              new SplitOptions(URI.create(server.uri()), layers, reply),
              Optional.empty(),
              LoadListener.NONE,
              List.of());
      try (Checkpoint files = part.files();
          SplitRuntime split = SplitRuntime.connect(files, settings, part.split())) {
        assertThat(files.isWhole()).isFalse();
        assertThat(files.tensors())
            .as("a tied head is in the file once")
            .doesNotContainKey("output.weight");
        assertThat(run(split, reply)).isEqualTo(run(whole, reply));
      }
    }
  }

  @Test
  void aPartKeepsTheServersTypes() throws Exception {
    ServerOptions options = ServerOptions.defaults().withAddress("127.0.0.1", 0);
    try (Checkpoint checkpoint = LongContexts.gpt2();
        HostedModel server = HostedModel.start(checkpoint, EngineSettings.defaults(), options)) {
      ModelSource source = ModelSource.ofServer().withCache(cache).withType(WeightType.Q8_0);
      SplitOptions split = new SplitOptions(URI.create(server.uri()));
      assertThatThrownBy(() -> ServersPart.open(source, split, LoadListener.NONE))
          .isInstanceOf(InvalidSettingException.class)
          .hasMessageContaining("type is the server's for a part of its model; leave it out");
    }
  }

  private static List<GeneratedToken> run(ModelRuntime model, Reply reply) throws Exception {
    List<GeneratedToken> tokens = new ArrayList<>();
    GenerationRequest request =
        GenerationRequest.of("Once upon a time")
            .maxTokens(20)
            .ignoreEos(true)
            .temperature(1)
            .seed(3)
            .logprobs(Integer.MAX_VALUE);
    model
        .newGenerator(reply)
        .run(
            request,
            new TokenSink() {
              @Override
              public void token(int id, @Nullable GeneratedToken details) {
                if (details != null) {
                  tokens.add(details);
                }
              }
            });
    assertThat(tokens).hasSize(20);
    return tokens;
  }
}
