package dev.tandem.api;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tandem.files.ModelFiles;
import dev.tandem.generation.GenerationRequest;
import dev.tandem.generation.GenerationResult;
import dev.tandem.settings.ModelSource;
import dev.tandem.settings.Note;
import dev.tandem.settings.Offer;
import dev.tandem.settings.WeightType;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A client without files takes a smaller type than the server's, and never calls it exact. */
@Timeout(300)
class ApproximateClientTest {
  private static final String GPT2 = "gpt2-shakespeare";
  private static final int HEADERS = 2000;

  private static final GenerationRequest REQUEST =
      GenerationRequest.of("ROMEO:")
          .maxTokens(20)
          .ignoreEos(true)
          .temperature(1)
          .seed(1)
          .logprobs(Integer.MAX_VALUE);

  @TempDir private Path cache;

  private SplitBuilder client(URI server) {
    return Tandem.split(ModelSource.ofServer().withCache(cache)).server(server);
  }

  private static ModelServer server(WeightType type, String offer) {
    return Tandem.server(GPT2).type(type).port(0).offer(Offer.of(offer)).start();
  }

  private List<Path> parts() throws IOException {
    if (!Files.isDirectory(cache.resolve("parts"))) {
      return List.of();
    }
    try (Stream<Path> files = Files.walk(cache.resolve("parts"))) {
      return files.filter(file -> file.toString().endsWith(".gguf")).toList();
    }
  }

  private Path part(String tag) throws IOException {
    return parts().stream()
        .filter(file -> cache.resolve("parts").relativize(file).toString().startsWith(tag))
        .findFirst()
        .orElseThrow();
  }

  @Test
  void itIsSmallerAndStaysApart() throws Exception {
    try (TextModel whole = Tandem.model(GPT2).type(WeightType.F32).open();
        ModelServer server = server(WeightType.F32, "head");
        PartWire wire = new PartWire(server)) {
      GenerationResult result;
      try (SplitModel split = client(wire.uri()).approximate(WeightType.Q8_0).connect()) {
        assertThat(split.exact()).isFalse();
        assertThat(split.notes())
            .extracting(Note::toString)
            .containsExactly(
                "the embedding and the head are approximations in q8_0 of the model's own: the"
                    + " result differs from the whole model's bits");
        result = split.generate(REQUEST);
        assertThat(result.tokens()).isNotEqualTo(whole.generate(REQUEST).tokens());
      }
      long carried = wire.partBytes();
      assertThat(carried)
          .isBetween(Files.size(part("approx")), Files.size(part("approx")) + HEADERS);
      try (SplitModel again = client(wire.uri()).approximate(WeightType.Q8_0).connect()) {
        assertThat(again.generate(REQUEST).tokens()).isEqualTo(result.tokens());
      }
      assertThat(wire.partBytes()).as("the second start downloads nothing").isEqualTo(carried);

      try (SplitModel exact = client(wire.uri()).connect()) {
        assertThat(exact.exact()).isTrue();
        assertThat(exact.generate(REQUEST).tokens()).isEqualTo(whole.generate(REQUEST).tokens());
      }
      assertThat(parts()).hasSize(2);
      assertThat(wire.partBytes() - carried).isGreaterThan(carried * 2);
    }
  }

  /** In the place of the exact part it is fetched again; by its own name it says what it is. */
  @Test
  void itNeverPassesAsExact() throws Exception {
    try (ModelServer server = server(WeightType.F32, "layers:4");
        PartWire wire = new PartWire(server)) {
      client(wire.uri()).layers(4).connect().close();
      client(wire.uri()).layers(4).approximate(WeightType.Q8_0).connect().close();
      Path approximate = part("approximate-1-");
      Files.copy(approximate, part("part-1-"), StandardCopyOption.REPLACE_EXISTING);
      int gets = wire.gets();
      try (SplitModel split = client(wire.uri()).layers(4).connect()) {
        assertThat(split.exact()).isTrue();
      }
      assertThat(wire.gets()).isEqualTo(gets + 1);

      String file = approximate.toString();
      try (SplitModel split = Tandem.split(file).layers(2).server(wire.uri()).connect()) {
        assertThat(split.exact()).isFalse();
      }
      try (TextModel all = Tandem.open(file)) {
        assertThat(all.exact()).as("it holds all layers").isFalse();
        assertThat(all.notes())
            .extracting(Note::toString)
            .contains(
                "the embedding, layers 0..3 and the head are approximations in q8_0 of the"
                    + " model's own");
      }
      try (ModelFiles files = ModelFiles.open(file)) {
        assertThat(files.describe().part().orElseThrow())
            .contains("; the embedding, layers 0..3 and the head are approximations in q8_0");
      }
      assertThatThrownBy(() -> Tandem.server(file).port(0).start())
          .isInstanceOf(TandemException.class)
          .hasMessageContaining("are approximations in q8_0 of the model's own, which a server");
    }
  }

  @ParameterizedTest
  @CsvSource({"F16, BF16", "F16, F32", "Q8_0, Q8_0", "Q8_0, F16"})
  void noFewerBitsAreRefused(WeightType served, WeightType asked) throws Exception {
    try (ModelServer server = Tandem.server("stories260K").type(served).port(0).start()) {
      assertThatThrownBy(() -> client(URI.create(server.uri())).approximate(asked).connect())
          .isInstanceOf(ServerException.class)
          .hasMessageContaining(
              "the server refuses this: type must have fewer bits than the model's own types, got "
                  + asked.name().toLowerCase(Locale.ROOT))
          .hasMessageNotContaining("\n");
      assertThat(parts()).isEmpty();
    }
  }

  @ParameterizedTest
  @CsvSource({"3000", "250000"})
  void aDamagedTransferIsRefused(int offset) throws Exception {
    try (ModelServer server = server(WeightType.F32, "head");
        PartWire wire = new PartWire(server)) {
      wire.flipAt(offset);
      assertThatThrownBy(() -> client(wire.uri()).approximate(WeightType.Q8_0).connect())
          .isInstanceOf(ServerException.class);
      assertThat(parts()).isEmpty();
      try (SplitModel split = client(wire.uri()).approximate(WeightType.Q8_0).connect()) {
        assertThat(split.generate("ROMEO:")).isNotEmpty();
      }
    }
  }

  @Test
  void whoHasFilesConvertsThem() {
    assertThatThrownBy(
            () ->
                Tandem.split(GPT2).server("ws://127.0.0.1:1").approximate(WeightType.F16).connect())
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("approximate is for a client without files");
  }

  @Test
  void aBuiltInModelIsExact() throws Exception {
    try (ModelServer server = Tandem.server(GPT2).port(0).start();
        SplitModel split =
            client(URI.create(server.uri())).approximate(WeightType.Q4_0).connect()) {
      assertThat(split.exact()).isTrue();
      assertThat(parts()).isEmpty();
    }
  }
}
