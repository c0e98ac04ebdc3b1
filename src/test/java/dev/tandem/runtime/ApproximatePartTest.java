package dev.tandem.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.decoding.Generator;
import dev.tandem.decoding.TokenSink;
import dev.tandem.endpoints.ServerOptions;
import dev.tandem.generation.GeneratedToken;
import dev.tandem.generation.GenerationRequest;
import dev.tandem.hosting.HostedModel;
import dev.tandem.model.Checkpoint;
import dev.tandem.settings.EngineSettings;
import dev.tandem.settings.LoadListener;
import dev.tandem.settings.ModelSource;
import dev.tandem.settings.Offer;
import dev.tandem.settings.Reply;
import dev.tandem.settings.WeightType;
import dev.tandem.stage.Span;
import dev.tandem.stage.Stage;
import java.net.URI;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * A client with an approximate part computes what a chain in one process computes whose first
 * layers, and head if it is here, are those of the converted model and whose others are the
 * model's.
 */
@Timeout(300)
class ApproximatePartTest {
  @TempDir private Path cache;

  @ParameterizedTest
  @CsvSource({
    "gpt2-shakespeare, Q8_0, HIDDEN, 0",
    "gpt2-shakespeare, Q8_0, HIDDEN, 2",
    "gpt2-shakespeare, BF16, LOGITS, 0",
    "gpt2-shakespeare, Q4_0, TOPK, 1",
    "stories260K, BF16, HIDDEN, 3",
    "stories260K, Q8_0, LOGITS, 2",
    "stories260K, Q4_0, TOPK, 0"
  })
  void theBitsAreThoseOfTheMixedChain(String name, WeightType type, Reply reply, int layers)
      throws Exception {
    EngineSettings settings = EngineSettings.defaults();
    ServerOptions options =
        ServerOptions.defaults().withAddress("127.0.0.1", 0).withOffer(Offer.ofLayers(layers));
    try (Checkpoint exact = original(name);
        Checkpoint converted = Models.convert(original(name), type, LoadListener.NONE);
        WholeRuntime whole = WholeRuntime.open(exact, settings);
        HostedModel server = HostedModel.start(exact, settings, options)) {
      ServersPart part =
          ServersPart.open(
              ModelSource.ofServer().withCache(cache),
              new SplitOptions(URI.create(server.uri()), layers, reply),
              Optional.of(type),
              LoadListener.NONE,
              List.of());
      try (Checkpoint files = part.files();
          SplitRuntime split = SplitRuntime.connect(files, settings, part.split());
          ResourceScope scope = new ResourceScope()) {
        EngineSettings same = settings.withKvType(exact.defaultKvType());
        List<Stage> chain = chain(scope, exact, converted, same, layers, reply);
        Generator mixed = new GeneratorFactory(converted, exact.tokenizer()).of(chain);
        List<GeneratedToken> tokens = run(split.newGenerator(reply));
        assertThat(tokens).isEqualTo(run(mixed)).isNotEqualTo(run(whole.newGenerator(reply)));
        assertThat(split.exact()).isFalse();
        assertThat(files.hash().hex()).isEqualTo(exact.hash().hex());
        assertThat(converted.hash().hex()).isNotEqualTo(exact.hash().hex());
      }
    }
  }

  private static Checkpoint original(String name) throws Exception {
    return Models.open(ModelSource.of(name).withType(WeightType.F32), LoadListener.NONE);
  }

  private static List<Stage> chain(
      ResourceScope scope,
      Checkpoint exact,
      Checkpoint converted,
      EngineSettings settings,
      int layers,
      Reply reply)
      throws Exception {
    int nLayers = exact.config().nLayers();
    boolean headHere = reply == Reply.HIDDEN;
    LocalModel here = scope.add(LocalModel.open(converted, settings));
    LocalModel there = scope.add(LocalModel.open(exact, settings));
    List<Stage> stages = new ArrayList<>();
    if (layers > 0) {
      stages.add(scope.add(here.openStage(Span.layers(0, layers))));
    }
    Span served = headHere ? Span.layers(layers, nLayers) : Span.toLogits(layers, nLayers);
    stages.add(scope.add(there.openStage(served)));
    if (headHere) {
      stages.add(scope.add(here.openStage(Span.head(nLayers))));
    }
    return stages;
  }

  private static List<GeneratedToken> run(Generator generator) throws Exception {
    List<GeneratedToken> tokens = new ArrayList<>();
    GenerationRequest request =
        GenerationRequest.of("Once upon a time")
            .maxTokens(20)
            .ignoreEos(true)
            .temperature(1)
            .seed(3)
            .logprobs(Integer.MAX_VALUE);
    generator.run(
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
