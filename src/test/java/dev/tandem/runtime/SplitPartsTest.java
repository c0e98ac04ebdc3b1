package dev.tandem.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tandem.client.ServerConnection;
import dev.tandem.client.StageRequest;
import dev.tandem.convert.Conversion;
import dev.tandem.convert.ConversionOptions;
import dev.tandem.decoding.TokenSink;
import dev.tandem.endpoints.ConnectionOptions;
import dev.tandem.endpoints.ServerOptions;
import dev.tandem.formats.Checkpoints;
import dev.tandem.formats.dumps.DumpFiles;
import dev.tandem.formats.files.OpenOptions;
import dev.tandem.generation.GenerationRequest;
import dev.tandem.generation.Prompt;
import dev.tandem.hosting.HostedModel;
import dev.tandem.model.Checkpoint;
import dev.tandem.model.ModelPart;
import dev.tandem.random.RandomModels;
import dev.tandem.runtime.SplitExactnessTest.Run;
import dev.tandem.sampling.TopLogits;
import dev.tandem.settings.ConnectionListener;
import dev.tandem.settings.EngineSettings;
import dev.tandem.settings.Output;
import dev.tandem.settings.Reply;
import dev.tandem.settings.RowType;
import dev.tandem.settings.SamplingOptions;
import dev.tandem.stage.Span;
import dev.tandem.stage.Stage;
import dev.tandem.tensor.DType;
import dev.tandem.tensor.Tensor;
import dev.tandem.types.ConversionProgress;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Client and server that hold only their parts of a model compute what the whole model computes.
 */
@Timeout(600)
class SplitPartsTest {
  private static final EngineSettings SETTINGS = SplitExactnessTest.settings(16, false, 1, "");

  private static SplitOptions to(HostedModel server) {
    return new SplitOptions(URI.create(server.uri()));
  }

  private static HostedModel start(Checkpoint checkpoint) throws Exception {
    return SplitExactnessTest.start(checkpoint, SETTINGS);
  }

  private static int[] ids(ModelRuntime model, int[] prompt) throws Exception {
    GenerationRequest request =
        GenerationRequest.of(prompt)
            .sampling(SamplingOptions.builder().seed(7).build())
            .maxTokens(12)
            .ignoreEos(true);
    return model.newGenerator(model.replyFor(request)).run(request, TokenSink.NONE).ids();
  }

  private static int[] wholeIds(Checkpoint checkpoint, int[] prompt) throws Exception {
    try (WholeRuntime whole = WholeRuntime.open(checkpoint, SETTINGS)) {
      return ids(whole, prompt);
    }
  }

  /** The part as a file of its own. */
  private static Checkpoint written(Checkpoint part, Path file) throws IOException {
    Conversion.of(part, file, new ConversionOptions(Optional.empty(), Optional.empty(), true))
        .run(ConversionProgress.NONE);
    Checkpoint read = Checkpoints.open(file.toString(), Optional.empty());
    assertThat(read.part()).isEqualTo(part.part());
    assertThat(read.config()).isEqualTo(part.config());
    assertThat(read.tensors().keySet()).isEqualTo(part.tensors().keySet());
    assertThat(read.hash()).isEqualTo(part.hash());
    return read;
  }

  /** Every K from 0 to L, the head at either end, each side from a file with its part alone. */
  @ParameterizedTest
  @ValueSource(strings = {"random-gpt2", "random-llama", "gpt2-shakespeare", "stories260K"})
  void partsGiveTheBitsOfTheWhole(String name, @TempDir Path directory) throws Exception {
    try (Checkpoint checkpoint = SplitExactnessTest.open(name)) {
      int nLayers = checkpoint.config().nLayers();
      int[] prompt = SplitExactnessTest.prompt(checkpoint.config(), 37, 1);
      Run whole = SplitExactnessTest.whole(checkpoint, SETTINGS, prompt);
      for (int k = 0; k <= nLayers; k++) {
        for (boolean headHere : new boolean[] {true, false}) {
          if (k == nLayers && headHere) {
            continue; // nothing is left to serve
          }
          ModelPart here = new ModelPart(true, Span.layers(0, k), headHere);
          ModelPart there = new ModelPart(false, Span.layers(k, nLayers), !headHere);
          String where = name + " K=" + k + " head " + (headHere ? "here" : "there");
          try (Checkpoint client = written(checkpoint.cut(here), directory.resolve("client.gguf"));
              Checkpoint rest = written(checkpoint.cut(there), directory.resolve("server.gguf"));
              HostedModel server = start(rest);
              SplitRuntime split = SplitRuntime.connect(client, SETTINGS, to(server))) {
            assertThat(ids(split, prompt))
                .as(where)
                .containsExactly(whole.ids().stream().mapToInt(i -> i).toArray());
            Run parts = run(client, server, k, headHere, prompt);
            assertThat(Bits.firstDifference(whole.logits(), parts.logits())).as(where).isEmpty();
          }
        }
      }
    }
  }

  private static Run run(
      Checkpoint client, HostedModel server, int k, boolean headHere, int[] prompt)
      throws Exception {
    int nLayers = client.config().nLayers();
    try (LocalChain chain = new LocalChain(client, SETTINGS);
        ServerConnection connection =
            ServerConnection.connect(URI.create(server.uri()), ConnectionOptions.defaults())) {
      List<Stage> stages = new ArrayList<>();
      if (k > 0) {
        stages.add(chain.stage(Span.layers(0, k)));
      }
      stages.add(
          connection.stage(
              new StageRequest(
                  new Span(k, nLayers, headHere ? Output.HIDDEN : Output.LOGITS),
                  connection.models().get(0).profile(),
                  TensorHashes.of(client.heldTensors()))));
      if (headHere) {
        stages.add(chain.stage(Span.head(nLayers)));
      }
      return SplitExactnessTest.run(client, stages, prompt);
    }
  }

  /** A whole server serves any part; a client may leave blocks that it holds to the server. */
  @Test
  void partsWorkWithAWholeServer() throws Exception {
    try (Checkpoint checkpoint = LongContexts.gpt2();
        HostedModel server = start(checkpoint)) {
      int[] prompt = SplitExactnessTest.prompt(checkpoint.config(), 20, 1);
      int[] expected = wholeIds(checkpoint, prompt);
      URI uri = URI.create(server.uri());
      Checkpoint client = checkpoint.cut(new ModelPart(true, Span.layers(0, 2), true));
      for (SplitOptions options :
          List.of(
              to(server),
              new SplitOptions(uri, 0, Reply.HIDDEN),
              new SplitOptions(uri, 1, Reply.LOGITS),
              new SplitOptions(uri, 1, Reply.TOPK),
              new SplitOptions(
                  List.of(uri),
                  OptionalInt.of(2),
                  false,
                  Optional.empty(),
                  TopLogits.DEFAULT_SIZE,
                  RowType.F32,
                  Duration.ZERO,
                  ConnectionListener.NONE,
                  ConnectionOptions.defaults()))) {
        try (SplitRuntime split = SplitRuntime.connect(client, SETTINGS, options)) {
          assertThat(ids(split, prompt)).as("%s", options).containsExactly(expected);
        }
      }
    }
  }

  @Test
  void partsOfTwoModelsAreRefused() throws Exception {
    try (Checkpoint one = LongContexts.gpt2();
        Checkpoint two = RandomModels.of("another", one.config(), DType.F32, 6);
        HostedModel server = start(two.cut(new ModelPart(false, Span.layers(1, 3), false)))) {
      Checkpoint client = one.cut(new ModelPart(true, Span.layers(0, 1), true));
      assertThatThrownBy(() -> SplitRuntime.connect(client, SETTINGS, to(server)))
          .isInstanceOf(IOException.class)
          .hasMessageContainingAll(
              "the server has model another (",
              "this client has random-gpt2 (",
              two.hash().hex().substring(0, 12),
              one.hash().hex().substring(0, 12));
    }
  }

  @Test
  void whatAPartLacksIsSaid() throws Exception {
    try (Checkpoint checkpoint = LongContexts.gpt2()) {
      Checkpoint client = checkpoint.cut(new ModelPart(true, Span.layers(0, 1), false));
      Checkpoint rest = checkpoint.cut(new ModelPart(false, Span.layers(2, 3), true));
      assertThatThrownBy(() -> WholeRuntime.open(client, SETTINGS))
          .isInstanceOf(IOException.class)
          .hasMessageContainingAll("embedding, layers 0:1, no head", "run it split");
      assertThatThrownBy(() -> start(checkpoint.cut(new ModelPart(true, Span.layers(0, 0), false))))
          .isInstanceOf(IOException.class)
          .hasMessageContaining("nothing to serve");
      assertThatThrownBy(rest::tokenizer)
          .isInstanceOf(IOException.class)
          .hasMessageContaining("a server's part (layers 2:3, head) and has no tokenizer");
      try (HostedModel server = start(rest)) {
        assertThatThrownBy(() -> SplitRuntime.connect(client, SETTINGS, to(server)))
            .isInstanceOf(IOException.class)
            .hasMessageContainingAll("no server holds layer 1 of ", "holds layer 2 and the head");
        assertThatThrownBy(() -> SplitRuntime.connect(rest, SETTINGS, to(server)))
            .isInstanceOf(IOException.class)
            .hasMessageContaining("a client needs the embedding");
        URI uri = URI.create(server.uri());
        assertThatThrownBy(
                () ->
                    SplitRuntime.connect(client, SETTINGS, new SplitOptions(uri, 2, Reply.LOGITS)))
            .isInstanceOf(IllegalArgumentException.class)
            .hasMessageContaining("layers must be in 0..1, got 2");
        assertThatThrownBy(
                () ->
                    SplitRuntime.connect(client, SETTINGS, new SplitOptions(uri, 1, Reply.HIDDEN)))
            .isInstanceOf(IllegalArgumentException.class)
            .hasMessageContainingAll("reply must be logits", "holds no head");
      }
      try (LocalChain chain = new LocalChain(client, SETTINGS)) {
        assertThatThrownBy(() -> chain.stage(Span.layers(0, 2)))
            .isInstanceOf(IllegalArgumentException.class)
            .hasMessageContainingAll("layers 0:1, no head", "requested: layers 0:2");
        assertThatThrownBy(() -> chain.stage(Span.head(3)))
            .isInstanceOf(IllegalArgumentException.class)
            .hasMessageContainingAll("layers 0:1, no head", "requested: the head");
      }
    }
  }

  /** The phone demo: token and position embedding as .npy, everything else on the server. */
  @Test
  void embeddingsAloneAreEnoughForAClient(@TempDir Path directory) throws Exception {
    try (Checkpoint checkpoint = Checkpoints.open("gpt2-shakespeare", Optional.empty());
        HostedModel server =
            HostedModel.start(
                checkpoint, SETTINGS, ServerOptions.defaults().withAddress("127.0.0.1", 0))) {
      Path tokens = directory.resolve("wte.npy");
      Files.write(tokens, npy(checkpoint.tensor("token_embd.weight"), -1));
      Files.write(directory.resolve("wpe.npy"), npy(checkpoint.tensor("position_embd.weight"), -1));
      for (String file : List.of("vocab.json", "merges.txt")) {
        Files.copy(Path.of("weights/gpt2-shakespeare", file), directory.resolve(file));
      }
      int[] prompt = SplitExactnessTest.prompt(checkpoint.config(), 37, 1);
      int[] expected = wholeIds(checkpoint, prompt);
      int nLayers = checkpoint.config().nLayers();
      try (Checkpoint client = open(directory, nLayers);
          SplitRuntime split = SplitRuntime.connect(client, SETTINGS, to(server))) {
        assertThat(client.knowsHash()).isFalse();
        assertThat(ids(split, prompt)).containsExactly(expected);
        assertThat(ids(split, Prompt.text("ROMEO:").begin(split.tokenizer()))).isNotEmpty();
        assertThatThrownBy(() -> start(client))
            .isInstanceOf(IOException.class)
            .hasMessageContaining("nothing to serve");
      }
      try (Checkpoint client = open(directory, nLayers + 1)) {
        assertThatThrownBy(() -> SplitRuntime.connect(client, SETTINGS, to(server)))
            .isInstanceOf(IOException.class)
            .hasMessageContainingAll(
                "with " + nLayers + " layers", "this client has " + (nLayers + 1));
      }
      Files.write(tokens, npy(checkpoint.tensor("token_embd.weight"), 12_345));
      try (Checkpoint client = open(directory, nLayers)) {
        assertThatThrownBy(() -> SplitRuntime.connect(client, SETTINGS, to(server)))
            .isInstanceOf(IOException.class)
            .hasMessageContaining("tensor token_embd.weight differs");
      }
    }
  }

  private static Checkpoint open(Path directory, int nLayers) throws IOException {
    return Checkpoints.open(
        directory.toString(), new OpenOptions(Optional.empty(), List.of("n_layer=" + nLayers)));
  }

  /** Its bytes as they are, but for one bit. */
  private static byte[] npy(Tensor tensor, int flippedByte) throws IOException {
    byte[] data = new byte[(int) tensor.bytes()];
    tensor.data().slice(0, data.length).get(data);
    if (flippedByte >= 0) {
      data[flippedByte] ^= 1;
    }
    String descr = tensor.dtype() == DType.F16 ? "<f2" : "<f4";
    return DumpFiles.npy(descr, "False", "(" + tensor.rows() + ", " + tensor.cols() + ")", data);
  }
}
