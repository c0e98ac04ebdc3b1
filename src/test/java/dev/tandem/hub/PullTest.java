package dev.tandem.hub;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tandem.hub.FakeHub.Request;
import dev.tandem.hub.cache.HubCache;
import dev.tandem.hub.cache.HubException;
import dev.tandem.hub.cache.HubModel;
import dev.tandem.hub.cache.PulledModel;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

/** What is downloaded, where it goes, and how it is found: with a hub that behaves. */
class PullTest extends PullFixture {

  @Test
  void whatIsNeededIsDownloadedOnce() throws IOException {
    String commit = hub.put(REPOSITORY, model());
    Path directory = pull(REPOSITORY);
    assertThat(directory)
        .isEqualTo(
            cacheFolder
                .toRealPath()
                .resolve("models")
                .resolve(REPOSITORY)
                .resolve(commit)
                .resolve("small-gpt"));
    assertHolds(directory, model(), NEEDED);
    assertThat(hub.served()).isEqualTo(600_001 + 22 + 2);
    assertThat(hub.fileRequests())
        .extracting(Request::path)
        .allMatch(path -> path.startsWith("/" + REPOSITORY + "/resolve/" + commit + "/"))
        .noneMatch(path -> path.contains("README") || path.contains("onnx"));
    assertThat(hub.fileRequests())
        .filteredOn(request -> request.path().endsWith("/model.safetensors"))
        .filteredOn(request -> request.port() == hub.contentPort())
        .extracting(request -> request.range().orElse(""))
        .as("in ranges")
        .hasSize(5)
        .doesNotHaveDuplicates()
        .contains("bytes=0-131071", "bytes=524288-600000");

    hub.forgetRequests();
    assertThat(pull(REPOSITORY)).isEqualTo(directory);
    assertThat(hub.fileRequests()).isEmpty();
    assertThat(cache.find(REPOSITORY)).contains(directory);
    assertThat(Files.exists(directory.resolve("../../partial").normalize())).isTrue();
    assertThat(HubCache.entries(directory.resolve("../../partial").normalize())).isEmpty();
  }

  @Test
  void aCommitStaysWhatItWas() throws IOException {
    String first = hub.put(REPOSITORY, model());
    Path old = pull(REPOSITORY);
    Map<String, byte[]> changed = model();
    changed.put("model.safetensors", random(100_000, 4));
    String second = hub.put(REPOSITORY, changed);
    Path current = pull(REPOSITORY);
    assertThat(current).isNotEqualTo(old);
    assertHolds(old, model(), NEEDED);
    assertHolds(current, changed, NEEDED);
    assertThat(cache.find(REPOSITORY)).contains(current);
    assertThat(cache.find(REPOSITORY + "@" + first)).contains(old);
    assertThat(cache.find(REPOSITORY + "@" + second)).contains(current);
    assertThat(cache.list())
        .extracting(PulledModel::name)
        .containsExactly(REPOSITORY, REPOSITORY + "@" + first);
    assertThat(pull(REPOSITORY + "@" + second)).isEqualTo(current);
  }

  @Test
  void forcedAgainItReplacesWhatIsThere() throws IOException {
    hub.put(REPOSITORY, model());
    Path directory = pull(REPOSITORY);
    Files.writeString(directory.resolve("config.json"), "damaged");
    HubAccess access = new HubAccess(URI.create(hub.endpoint()), Optional.empty());
    try (Pull pull = new Pull(access, cache, PullListener.NONE, LIMITS)) {
      assertThat(pull.run(HubModel.of(REPOSITORY), true)).isEqualTo(directory);
    }
    assertHolds(directory, model(), NEEDED);
  }

  @Test
  void aShardedModelIsFollowedFromItsIndex() throws IOException {
    Map<String, byte[]> files = model();
    byte[] weights = files.remove("model.safetensors");
    files.put("part-a.safetensors", weights);
    files.put("part-b.safetensors", random(70_000, 5));
    files.put("unrelated.safetensors", random(70_000, 6));
    files.put(
        "model.safetensors.index.json",
        text(
            "{\"metadata\": {}, \"weight_map\": {\"wte\": \"part-a.safetensors\","
                + " \"wpe\": \"part-b.safetensors\", \"ln\": \"part-a.safetensors\"}}"));
    hub.put(REPOSITORY, files);
    assertHolds(
        pull(REPOSITORY),
        files,
        "config.json",
        "vocab.json",
        "merges.txt",
        "model.safetensors.index.json",
        "part-a.safetensors",
        "part-b.safetensors");
  }

  @Test
  void weightsOfPytorchServeWhereThereAreNoOthers() throws IOException {
    Map<String, byte[]> files = model();
    files.remove("model.safetensors");
    hub.put(REPOSITORY, files);
    assertHolds(
        pull(REPOSITORY), files, "config.json", "vocab.json", "merges.txt", "pytorch_model.bin");
  }

  @Test
  void oneOfSeveralGgufFilesIsChosen() throws IOException {
    Map<String, byte[]> files =
        Map.of(
            "README.md", text(""),
            "config.json", text("{}"),
            "small.Q4_0.gguf", random(100_000, 7),
            "sub/small.Q8_0.gguf", random(150_000, 8));
    hub.put("some-org/ggufs", files);
    assertFails("some-org/ggufs", "small.Q4_0.gguf, sub/small.Q8_0.gguf; set file FILE");
    Path q4 = pull("some-org/ggufs/small.Q4_0.gguf");
    Path q8 = pull("some-org/ggufs/sub/small.Q8_0.gguf");
    assertThat(q4.getFileName()).hasToString("small.Q4_0.gguf");
    assertThat(Files.readAllBytes(q4)).isEqualTo(files.get("small.Q4_0.gguf"));
    assertThat(Files.readAllBytes(q8)).isEqualTo(files.get("sub/small.Q8_0.gguf"));
    assertThat(HubCache.entries(q8.resolveSibling("."))).as("it has all inside").hasSize(1);
    assertThat(cache.find("some-org/ggufs/small.Q4_0.gguf")).contains(q4);
    assertThat(cache.find("some-org/ggufs")).isPresent();
    assertThat(cache.list()).extracting(PulledModel::bytes).containsExactly(100_000L, 150_000L);
    assertThatThrownBy(() -> pull("some-org/ggufs/large.gguf"))
        .hasMessageContaining("no file 'large.gguf'; it has README.md, config.json, small.Q4_0");
  }

  /** The tinyllamas are checkpoints only; the tokenizer is in another repository. */
  @Test
  void storiesGetLlamasTokenizer() throws IOException {
    Map<String, byte[]> stories =
        new LinkedHashMap<>(
            Map.of("stories15M.bin", random(300_000, 9), "stories42M.bin", random(90_000, 10)));
    Map<String, byte[]> llama = model();
    llama.put("tokenizer.model", random(80_000, 11));
    hub.put("karpathy/tinyllamas", stories);
    hub.put("TinyLlama/TinyLlama-1.1B-Chat-v1.0", llama);
    Path directory = pull("stories15M");
    assertThat(directory.getFileName()).hasToString("stories15M");
    Map<String, byte[]> both = new LinkedHashMap<>(stories);
    both.putAll(llama);
    assertHolds(directory, both, "stories15M.bin", "tokenizer.model");
    assertThat(cache.find("stories15M")).contains(directory);
    assertThat(cache.find("stories42M")).isEmpty();

    stories.put("tokenizer.bin", random(70_000, 12));
    hub.put("karpathy/tinyllamas", stories);
    assertHolds(pull("stories42M"), stories, "stories42M.bin", "tokenizer.bin");
  }

  /** A mirror that lists names only, and states sizes and hashes with each file. */
  @Test
  void aHubThatDescribesNoFilesIsAskedForEach() throws IOException {
    hub.describes = false;
    hub.put(REPOSITORY, model());
    assertHolds(pull(REPOSITORY), model(), NEEDED);
    assertThat(hub.fileRequests()).extracting(Request::method).contains("HEAD");
  }

  @Test
  void theTokenIsForTheHubAlone() throws IOException {
    hub.put(REPOSITORY, model());
    pull(REPOSITORY, Optional.of(TOKEN), LIMITS);
    assertThat(hub.requests())
        .filteredOn(request -> request.port() == hub.hubPort())
        .isNotEmpty()
        .allSatisfy(request -> assertThat(request.token()).contains("Bearer " + TOKEN));
    assertThat(hub.requests())
        .filteredOn(request -> request.port() == hub.contentPort())
        .isNotEmpty()
        .allSatisfy(request -> assertThat(request.token()).isEmpty());
  }

  @Test
  void progressEndsWhereItShould() throws IOException {
    hub.put(REPOSITORY, model());
    hub.cutAfter = 100_000; // never within a part, but in the small files of one piece
    AtomicLong last = new AtomicLong();
    AtomicLong total = new AtomicLong();
    PullListener listener =
        new PullListener() {
          @Override
          public void downloaded(long bytes, long all) {
            last.set(bytes);
            total.set(all);
          }

          @Override
          public void note(String line) {}
        };
    HubAccess access = new HubAccess(URI.create(hub.endpoint()), Optional.empty());
    try (Pull pull = new Pull(access, cache, listener, LIMITS.withConnections(1))) {
      pull.run(HubModel.of(REPOSITORY), false);
    }
    assertThat(total.get()).isEqualTo(600_001 + 22 + 2);
    assertThat(last.get()).isEqualTo(total.get());
  }

  @Test
  void cancellingKeepsWhatIsThere() throws Exception {
    hub.put(REPOSITORY, model());
    hub.pauseMillis = 20;
    HubAccess access = new HubAccess(URI.create(hub.endpoint()), Optional.empty());
    CountDownLatch begun = new CountDownLatch(1);
    PullListener listener =
        new PullListener() {
          @Override
          public void downloaded(long bytes, long total) {
            if (bytes > 250_000) {
              begun.countDown();
            }
          }

          @Override
          public void note(String line) {}
        };
    try (Pull pull = new Pull(access, cache, listener, LIMITS)) {
      Thread canceller =
          new Thread(
              () -> {
                try {
                  begun.await();
                  pull.cancel();
                } catch (InterruptedException e) {
                  Thread.currentThread().interrupt();
                }
              });
      canceller.start();
      assertThatThrownBy(() -> pull.run(HubModel.of(REPOSITORY), false))
          .isInstanceOf(HubException.class)
          .hasMessageContaining("the same command continues");
      canceller.join();
    }
    assertThat(Thread.currentThread().isInterrupted()).isFalse();
    hub.pauseMillis = 0;
    hub.forgetRequests();
    assertHolds(pull(REPOSITORY), model(), NEEDED);
    assertThat(hub.served()).isLessThan(600_000 - 2 * LIMITS.partBytes());
  }

  @Test
  void aModelOfNoPartsIsEmptyFiles() throws IOException {
    Map<String, byte[]> files = Map.of("config.json", text(""), "model.safetensors", text(""));
    hub.put(REPOSITORY, files);
    assertHolds(pull(REPOSITORY), files, "config.json", "model.safetensors");
  }

  @Test
  void whatIsNoModelIsSaidToBeNone() throws IOException {
    hub.put(REPOSITORY, Map.of("README.md", text(""), "data.csv", text("1")));
    assertFails(
        REPOSITORY, "no weights in a known format", "data.csv; set file FILE to choose one");
    hub.put(REPOSITORY, Map.of("model.safetensors", text("1")));
    assertFails(REPOSITORY, "no config.json", "; set file FILE to choose a file that does not");
    Map<String, byte[]> files = model();
    files.remove("model.safetensors");
    for (String index :
        List.of(
            "nonsense",
            "[]",
            "{\"weight_map\": {}}",
            "{\"weight_map\": 3}",
            "{\"weight_map\": {\"a\": \"absent.safetensors\"}}",
            "{\"weight_map\": {\"a\": \"onnx/model.safetensors\"}}",
            "{\"weight_map\": {\"a\": \"../config.json\"}}",
            "{\"weight_map\": {\"a\": {\"b\": 1}}}")) {
      files.put("model.safetensors.index.json", text(index));
      hub.put(REPOSITORY, files);
      assertFails(REPOSITORY, REPOSITORY);
    }
  }
}
