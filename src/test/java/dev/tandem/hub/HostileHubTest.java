package dev.tandem.hub;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.sun.net.httpserver.HttpExchange;
import dev.tandem.hub.FakeHub.Request;
import dev.tandem.hub.cache.HubCache;
import dev.tandem.hub.cache.HubException;
import dev.tandem.hub.cache.HubModel;
import java.io.IOException;
import java.net.ServerSocket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Hubs that mean harm, whose descriptions of repositories are nonsense, or that are not there. */
class HostileHubTest extends PullFixture {

  static Stream<String> hostileNames() {
    return Stream.of(
        "../../outside.safetensors",
        "/outside.safetensors",
        "a/../../../outside.safetensors",
        "..\\..\\outside.safetensors",
        "\\outside.safetensors",
        "a//b.safetensors",
        "./model.safetensors",
        "..",
        "",
        "model\0.safetensors",
        "model\n.safetensors",
        "\u001b[2Jmodel.safetensors");
  }

  @ParameterizedTest
  @MethodSource("hostileNames")
  void namesThatLeadOutsideAreRefused(String name) throws IOException {
    hub.put(REPOSITORY, model());
    ObjectNode description = hub.description(REPOSITORY);
    ((ObjectNode) description.withArray("siblings").get(5)).put("rfilename", name);
    hub.trick = answering(description.toString());
    assertFails(REPOSITORY, "rfilename", REPOSITORY);
    assertThat(hub.fileRequests()).isEmpty();
  }

  /** Harmless in a repository, but not as a file here; only refused where it is asked for. */
  @ParameterizedTest
  @ValueSource(
      strings = {"C:model.gguf", "con.gguf", "NUL", "a?.gguf", ".hidden.gguf", "a. ", "a."})
  void namesThatSomeSystemsTakeForOtherThingsAreRefused(String name) throws IOException {
    Map<String, byte[]> files = model();
    files.put(name, random(10, 1));
    hub.put(REPOSITORY, files);
    assertThatThrownBy(() -> new HubModel(REPOSITORY, "main", Optional.of(name)))
        .isInstanceOf(IllegalArgumentException.class);
    assertHolds(pull(REPOSITORY), files, NEEDED);
  }

  private static FakeHub.Trick answering(String description) {
    return (HttpExchange exchange, Request request) -> {
      if (!request.path().startsWith("/api/")) {
        return false;
      }
      FakeHub.text(exchange, description);
      return true;
    };
  }

  @Test
  void descriptionsThatAreNoneAreRefused() throws IOException {
    hub.put(REPOSITORY, model());
    String good = hub.description(REPOSITORY).toString();
    List<String> bad =
        new ArrayList<>(
            List.of(
                "",
                "null",
                "[]",
                "<html>Sign in to the hotel's network</html>",
                "{\"sha\": \"../..\", \"siblings\": []}",
                "{\"sha\": 3, \"siblings\": []}",
                good + good,
                good.substring(0, good.length() / 2),
                good.replaceFirst("\"siblings\":\\[", "\"siblings\":[3,"),
                good.replaceFirst("\"siblings\":\\[", "\"siblings\":{},\"x\":["),
                good.replaceFirst("\"size\":\\d+", "\"size\":-1"),
                good.replaceFirst("\"size\":\\d+", "\"size\":1e99"),
                good.replaceFirst("\"size\":\\d+", "\"size\":99999999999999999999"),
                "[".repeat(100_000),
                "{\"sha\":".repeat(100_000)));
    ObjectNode twice = hub.description(REPOSITORY);
    ArrayNode siblings = twice.withArray("siblings");
    siblings.add(siblings.get(0));
    bad.add(twice.toString());
    for (String description : bad) {
      hub.trick = answering(description);
      assertFails(REPOSITORY, REPOSITORY);
    }
  }

  /** Damaged descriptions give a model or an error of ours, and touch nothing outside. */
  @Test
  void damagedDescriptionsDoNoHarm() throws IOException {
    hub.put(REPOSITORY, model());
    byte[] good = hub.description(REPOSITORY).toString().getBytes(StandardCharsets.UTF_8);
    int pulled = 0;
    int cases = Boolean.getBoolean("tandem.long") ? 5000 : 200;
    for (int i = 0; i < cases; i++) {
      Random random = new Random(i);
      byte[] damaged = good.clone();
      for (int n = random.nextInt(3); n >= 0; n--) {
        damaged[random.nextInt(damaged.length)] = (byte) (random.nextInt(96) + 32);
      }
      hub.trick = answering(new String(damaged, StandardCharsets.UTF_8));
      try {
        pull(REPOSITORY);
        pulled++;
      } catch (HubException e) {
        assertThat(String.valueOf(e.getMessage()).lines()).as("seed %d", i).hasSize(1);
      } catch (IOException | RuntimeException e) {
        throw new AssertionError("seed " + i, e);
      }
    }
    assertThat(pulled).isBetween(1, cases - 1);
    try (Stream<Path> outside = Files.list(folder)) {
      assertThat(outside).containsExactly(cacheFolder);
    }
  }

  /** Another user of the same machine may have put links where we are going to write. */
  @Test
  void symbolicLinksAreNotFollowed() throws IOException {
    String commit = hub.put(REPOSITORY, model());
    Path outside = Files.createDirectory(folder.resolve("outside"));
    Path victim = Files.writeString(outside.resolve("victim"), "precious");
    Path repository = Files.createDirectories(cacheFolder.resolve("models").resolve(REPOSITORY));
    Path partial =
        Files.createDirectories(repository.resolve("partial").resolve(commit).resolve("small-gpt"));
    Files.createSymbolicLink(partial.resolve("config.json"), victim);
    assertFails(REPOSITORY, "cannot write", "config.json");
    Files.delete(partial.resolve("config.json"));
    Files.createSymbolicLink(partial.resolve("config.json.parts"), victim);
    Files.delete(partial.resolve("ready"));
    Files.createSymbolicLink(partial.resolve("ready"), outside);
    assertFails(REPOSITORY, "ready must be a directory, not a symbolic link");
    Files.delete(partial.resolve("ready"));
    Files.createSymbolicLink(repository.resolve(commit), outside);
    assertFails(REPOSITORY, commit + " must be a directory, not a symbolic link");
    Files.delete(repository.resolve(commit));
    assertHolds(pull(REPOSITORY), model(), NEEDED);
    assertThat(victim).hasContent("precious");
    assertThat(HubCache.entries(outside)).containsExactly(victim);
  }

  @Test
  void whatCannotFitIsNotBegun() throws IOException {
    hub.put(REPOSITORY, model());
    String huge = hub.description(REPOSITORY).toString().replace("600001", "9000000000000000000");
    hub.trick = answering(huge);
    assertFails(REPOSITORY, "too full", "9.0 EB are needed", "TANDEM_CACHE");
    assertThat(hub.fileRequests()).isEmpty();
  }

  @Test
  void aHubThatIsNotThereIsNamedAtOnce() throws IOException {
    int free;
    try (ServerSocket socket = new ServerSocket(0)) {
      free = socket.getLocalPort();
    }
    for (String endpoint : List.of("http://127.0.0.1:" + free, "http://no-such-host.invalid")) {
      HubAccess access = new HubAccess(URI.create(endpoint), Optional.empty());
      try (Pull pull = new Pull(access, cache, PullListener.NONE, LIMITS)) {
        assertThatThrownBy(() -> pull.run(HubModel.of(REPOSITORY), false))
            .isInstanceOf(HubException.class)
            .hasMessageContaining("cannot reach " + endpoint)
            .hasMessageContaining("HF_ENDPOINT")
            .hasMessageNotContaining("null");
      }
    }
  }
}
