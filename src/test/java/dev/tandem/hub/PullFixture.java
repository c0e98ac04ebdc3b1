package dev.tandem.hub;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import dev.tandem.hub.cache.HubCache;
import dev.tandem.hub.cache.HubException;
import dev.tandem.hub.cache.HubModel;
import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;

/** A hub with one model, a cache, and limits that suit a small model and an impatient reader. */
abstract class PullFixture {
  static final String REPOSITORY = "some-org/small-gpt";
  static final String TOKEN = "hf_secret";

  static final TransferLimits LIMITS =
      new TransferLimits(
          3,
          1 << 16,
          2,
          5,
          Duration.ofMillis(5),
          Duration.ofMillis(40),
          Duration.ofSeconds(3),
          Duration.ofSeconds(2));

  @TempDir Path folder;
  FakeHub hub;
  Path cacheFolder;
  HubCache cache;

  @BeforeEach
  void startHub() throws IOException {
    hub = new FakeHub();
    cacheFolder = folder.resolve("cache");
    cache = new HubCache(cacheFolder);
  }

  @AfterEach
  void stopHub() {
    hub.close();
  }

  static byte[] text(String content) {
    return content.getBytes(StandardCharsets.UTF_8);
  }

  static byte[] random(int bytes, long seed) {
    byte[] data = new byte[bytes];
    new Random(seed).nextBytes(data);
    return data;
  }

  /** A model of about 600 kB: ten parts. Not needed: the README and the second form of weights. */
  static Map<String, byte[]> model() {
    Map<String, byte[]> files = new LinkedHashMap<>();
    files.put("README.md", text("# A model"));
    files.put("config.json", text("{\"model_type\": \"gpt2\"}"));
    files.put("vocab.json", text("{}"));
    files.put("merges.txt", text(""));
    files.put("model.safetensors", random(600_001, 1));
    files.put("pytorch_model.bin", random(200_000, 2));
    files.put("onnx/model.safetensors", random(1000, 3));
    return files;
  }

  /** One file of {@link #model}. */
  static byte[] content(String name) {
    return Objects.requireNonNull(model().get(name));
  }

  Path pull(String name) throws IOException {
    return pull(name, Optional.empty(), LIMITS);
  }

  Path pull(String name, Optional<String> token, TransferLimits limits) throws IOException {
    HubAccess access = new HubAccess(URI.create(hub.endpoint()), token);
    try (Pull pull = new Pull(access, cache, PullListener.NONE, limits)) {
      return pull.run(HubModel.of(name), false);
    }
  }

  /**
   * Pulls a model that cannot be pulled, and checks that one line says why and that no model is in
   * the cache.
   */
  void assertFails(String name, String... parts) throws IOException {
    Throwable failure = catchThrowable(() -> pull(name));
    assertThat(failure).isInstanceOf(HubException.class);
    assertThat(String.valueOf(failure.getMessage()).lines()).hasSize(1);
    assertThat(failure.getMessage()).contains(parts);
    assertThat(cache.find(name)).isEmpty();
    assertThat(cache.list()).isEmpty();
  }

  /** Checks that a directory holds these files of a repository and no others. */
  static void assertHolds(Path directory, Map<String, byte[]> files, String... names)
      throws IOException {
    try (Stream<Path> listed = Files.list(directory)) {
      assertThat(listed.map(path -> path.getFileName().toString()))
          .containsExactlyInAnyOrder(names);
    }
    for (String name : names) {
      assertThat(Files.readAllBytes(directory.resolve(name))).as(name).isEqualTo(files.get(name));
    }
  }

  static final String[] NEEDED = {"config.json", "vocab.json", "merges.txt", "model.safetensors"};
}
