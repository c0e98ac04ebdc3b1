package dev.tandem.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tandem.decoding.TokenSink;
import dev.tandem.endpoints.ConnectionOptions;
import dev.tandem.endpoints.ServerOptions;
import dev.tandem.generation.GenerationRequest;
import dev.tandem.hosting.HostedModel;
import dev.tandem.model.Checkpoint;
import dev.tandem.model.ModelPart;
import dev.tandem.sampling.TopLogits;
import dev.tandem.settings.ConnectionListener;
import dev.tandem.settings.EngineSettings;
import dev.tandem.settings.Reply;
import dev.tandem.settings.RowType;
import dev.tandem.settings.SamplingOptions;
import dev.tandem.stage.Span;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Chains of two servers of one model in mode fast, whose layers may have other types each. */
@Timeout(300)
class ChainRuntimeTest {
  /** Prompts of several chunks. */
  private static final EngineSettings FAST = SplitExactnessTest.settings(16, false, 2, "");

  private static final ServerOptions ANY_PORT =
      ServerOptions.defaults().withAddress("127.0.0.1", 0);

  private static SplitOptions options(List<URI> servers, int layers, Reply reply) {
    return new SplitOptions(
        servers,
        OptionalInt.of(layers),
        false,
        Optional.of(reply),
        TopLogits.DEFAULT_SIZE,
        RowType.F32,
        Duration.ZERO,
        ConnectionListener.NONE,
        ConnectionOptions.defaults().withConnectTimeout(Duration.ofSeconds(8)));
  }

  private static int[] ids(ModelRuntime model, Reply reply, int[] prompt) throws Exception {
    GenerationRequest request =
        GenerationRequest.of(prompt)
            .sampling(SamplingOptions.builder().seed(7).build())
            .maxTokens(20)
            .ignoreEos(true);
    return model.newGenerator(reply).run(request, TokenSink.NONE).ids();
  }

  private static List<URI> uris(HostedModel... servers) {
    return List.of(servers).stream().map(server -> URI.create(server.uri())).toList();
  }

  /** The last server's layers and head have one type more than the first one's. */
  @ParameterizedTest
  @CsvSource({
    "superblocks, 2",
    "random-gpt2, 1",
    "random-llama, 2",
    "gpt2-shakespeare as f32, 2",
    "gpt2-shakespeare as bf16, 3",
    "stories260K as q8_0, 4"
  })
  void everyTypeInModeFast(String name, int cut) throws Exception {
    try (Checkpoint checkpoint = SplitExactnessTest.open(name)) {
      int nLayers = checkpoint.config().nLayers();
      int[] prompt = SplitExactnessTest.prompt(checkpoint.config(), 45, 1);
      try (WholeRuntime whole = WholeRuntime.open(checkpoint, FAST);
          HostedModel rest =
              HostedModel.start(checkpoint, Span.layers(cut, nLayers), FAST, ANY_PORT);
          HostedModel first =
              HostedModel.start(
                  checkpoint.cut(new ModelPart(false, Span.layers(0, cut), false)),
                  FAST,
                  ANY_PORT)) {
        int[] expected = ids(whole, Reply.LOGITS, prompt);
        for (Reply reply : Reply.values()) {
          for (int layers = 0; layers <= nLayers; layers++) {
            try (SplitRuntime split =
                SplitRuntime.connect(checkpoint, FAST, options(uris(rest, first), layers, reply))) {
              assertThat(ids(split, reply, prompt)).as(split.chain()).containsExactly(expected);
              assertThat(split.exact()).isTrue();
            }
          }
        }
      }
    }
  }

  /** A server that accepts connections and says nothing does not delay the others. */
  @Test
  void silentServersAreNotWaitedFor() throws Exception {
    try (Checkpoint checkpoint = SplitExactnessTest.open("gpt2-shakespeare");
        ServerSocket silent = new ServerSocket(0, 8, InetAddress.getLoopbackAddress());
        HostedModel first = HostedModel.start(checkpoint, Span.layers(0, 2), FAST, ANY_PORT);
        HostedModel rest = HostedModel.start(checkpoint, Span.layers(2, 4), FAST, ANY_PORT)) {
      URI deaf = URI.create("ws://127.0.0.1:" + silent.getLocalPort());
      URI one = URI.create(first.uri());
      URI other = URI.create(rest.uri());
      long begin = System.nanoTime();
      try (SplitRuntime split =
          SplitRuntime.connect(
              checkpoint, FAST, options(List.of(deaf, one, other), 0, Reply.HIDDEN))) {
        assertThat(split.chain()).contains("layers 0..1 on ", "layers 2..3 on ");
      }
      assertThat(Duration.ofNanos(System.nanoTime() - begin)).isLessThan(Duration.ofSeconds(7));
      assertThatThrownBy(
              () ->
                  SplitRuntime.connect(
                      checkpoint, FAST, options(List.of(deaf, other), 0, Reply.HIDDEN)))
          .isInstanceOf(IOException.class)
          .hasMessageContaining("no server holds layers 0..1 of gpt2-shakespeare")
          .hasMessageContaining("no answer from 127.0.0.1:" + silent.getLocalPort());
    }
  }
}
