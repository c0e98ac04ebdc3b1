package dev.tandem.hub;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tandem.hub.FakeHub.Request;
import dev.tandem.hub.cache.HubException;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Hubs and networks that fail, and content that is not what was promised. */
@Tag("slow")
class BadHubTest extends PullFixture {
  private static final String WEIGHTS = "/model.safetensors";

  /** Answers a file's content with a status of its own, a number of times. */
  private static FakeHub.Trick failing(int times, int status, String header, String value) {
    AtomicInteger left = new AtomicInteger(times);
    return (exchange, request) -> {
      if (!request.path().endsWith(WEIGHTS) || left.getAndDecrement() <= 0) {
        return false;
      }
      exchange.getResponseHeaders().set(header, value);
      FakeHub.fail(exchange, status);
      return true;
    };
  }

  private static boolean isContent(Request request) {
    return request.path().endsWith(WEIGHTS) && request.method().equals("GET");
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3})
  void droppedConnectionsGoOnWhereTheyStopped(long seed) throws IOException {
    hub.put(REPOSITORY, model());
    Random random = new Random(seed);
    hub.trick =
        (exchange, request) -> {
          synchronized (random) {
            // At least 20,000 bytes: less would not count as progress in the long run.
            hub.cutAfter =
                isContent(request) && request.port() == hub.contentPort()
                    ? 20_000 + random.nextInt(30_000)
                    : -1;
          }
          return false;
        };
    assertHolds(pull(REPOSITORY, Optional.empty(), LIMITS.withConnections(1)), model(), NEEDED);
    assertThat(hub.fileRequests()).as("seed %d", seed).hasSizeGreaterThan(20);
    // All but what Java's client had received and not handed out when the connection broke.
    assertThat(hub.served()).as("seed %d", seed).isLessThan(700_000);
  }

  @Test
  void aServerThatAlwaysDropsIsGivenUp() throws IOException {
    hub.put(REPOSITORY, model());
    hub.cutAfter = 0;
    assertFails(REPOSITORY, REPOSITORY, "5 times", "the same command continues");
    hub.cutAfter = -1;
    assertHolds(pull(REPOSITORY), model(), NEEDED);
  }

  @Test
  void aServerWithoutRangesSendsAllInOnePiece() throws IOException {
    hub.put(REPOSITORY, model());
    hub.ranges = false;
    assertHolds(pull(REPOSITORY), model(), NEEDED);
    hub.put(REPOSITORY, Map.of("config.json", text("{}"), "model.safetensors", random(200_000, 4)));
    AtomicInteger pieces = new AtomicInteger();
    hub.trick =
        (exchange, request) -> {
          hub.cutAfter = isContent(request) && pieces.incrementAndGet() < 6 ? 150_000 : -1;
          return false;
        };
    assertThat(pull(REPOSITORY).resolve("model.safetensors")).hasSize(200_000);
  }

  @Test
  void aServerThatIsSilentIsLeft() throws IOException {
    hub.put(REPOSITORY, model());
    AtomicInteger silent = new AtomicInteger(2);
    hub.trick =
        (exchange, request) -> {
          if (isContent(request)
              && request.port() == hub.contentPort()
              && silent.getAndDecrement() > 0) {
            exchange.sendResponseHeaders(200, 600_001);
            exchange.getResponseBody().write(1);
            exchange.getResponseBody().flush();
            sleep(20_000);
            return true;
          }
          return false;
        };
    TransferLimits limits = LIMITS.withConnections(1);
    hub.ranges = false;
    long start = System.nanoTime();
    assertHolds(pull(REPOSITORY, Optional.empty(), limits), model(), NEEDED);
    assertThat((System.nanoTime() - start) / 1_000_000_000).isLessThan(20);
  }

  private static void sleep(long millis) {
    try {
      Thread.sleep(millis);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  @Test
  void wrongLengthsAreRefused() throws IOException {
    hub.put(REPOSITORY, model());
    byte[] longer = random(600_002, 1);
    for (boolean inRanges : List.of(true, false)) {
      hub.ranges = inRanges;
      hub.trick =
          (exchange, request) -> {
            if (isContent(request) && request.port() == hub.contentPort()) {
              hub.send(exchange, request, longer, "other");
              return true;
            }
            return false;
          };
      assertFails(REPOSITORY, "wrong length", "states 600001 B", "sends 600002 B");
    }
    // A file whose length no header states.
    hub.trick =
        (exchange, request) -> {
          if (isContent(request)) {
            exchange.sendResponseHeaders(200, 0); // chunked
            exchange.getResponseBody().write(longer);
            return true;
          }
          return false;
        };
    assertFails(REPOSITORY, "wrong length", "sends more");
  }

  @Test
  void wrongContentIsDeletedAndTold() throws IOException {
    hub.put(REPOSITORY, model());
    byte[] damaged = content("model.safetensors");
    damaged[300_000] ^= 1;
    hub.trick =
        (exchange, request) -> {
          if (isContent(request) && request.port() == hub.contentPort()) {
            hub.send(exchange, request, damaged, "same");
            return true;
          }
          return false;
        };
    assertFails(
        REPOSITORY,
        "damaged and was deleted",
        "sha256:" + FakeHub.sha256(content("model.safetensors")),
        "got sha256:" + FakeHub.sha256(damaged));
    try (Stream<Path> files = Files.walk(cacheFolder)) {
      assertThat(files.filter(path -> path.toString().contains("model.safetensors"))).isEmpty();
    }
    hub.trick = (exchange, request) -> false;
    assertHolds(pull(REPOSITORY), model(), NEEDED);
  }

  @Test
  void wrongContentOfASmallFileIsFoundByGitsHash() throws IOException {
    hub.put(REPOSITORY, model());
    hub.trick =
        (exchange, request) -> {
          if (!request.path().endsWith("/config.json")) {
            return false;
          }
          FakeHub.text(exchange, "{\"model_type\": \"gpt3\"}");
          return true;
        };
    assertFails(REPOSITORY, "config.json", "git_sha1:" + FakeHub.blobSha1(content("config.json")));
  }

  @Test
  void aHubThatContradictsItselfIsNotBelieved() throws IOException {
    hub.put(REPOSITORY, model());
    hub.trick =
        (exchange, request) -> {
          if (!request.path().endsWith(WEIGHTS) || request.port() != hub.hubPort()) {
            return false;
          }
          exchange.getResponseHeaders().set("X-Linked-Etag", "\"" + "ab".repeat(32) + "\"");
          exchange.getResponseHeaders().set("Location", contentHost(request.path()));
          FakeHub.fail(exchange, 302);
          return true;
        };
    assertFails(REPOSITORY, "contradicts itself");
  }

  private String contentHost(String path) {
    return "http://127.0.0.1:" + hub.contentPort() + path;
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void whoMayNotReadIsToldWhatToDo(boolean hasToken) throws IOException {
    hub.put(REPOSITORY, model());
    Optional<String> token = hasToken ? Optional.of(TOKEN) : Optional.empty();
    for (int status : new int[] {401, 403}) {
      for (boolean ofListing : List.of(true, false)) {
        hub.trick =
            (exchange, request) -> {
              if (request.path().startsWith("/api/") != ofListing) {
                return false;
              }
              FakeHub.fail(exchange, status);
              return true;
            };
        assertThatThrownBy(() -> pull(REPOSITORY, token, LIMITS))
            .isInstanceOf(HubException.class)
            .hasMessageContaining("(" + status + ")")
            .hasMessageContaining("HF_TOKEN")
            .hasMessageContaining(hub.endpoint() + "/" + REPOSITORY)
            .hasMessageNotContaining(TOKEN);
      }
    }
    assertThat(hub.requests()).as("refusals are final").hasSize(6);
  }

  @Test
  void whatIsNotThereIsNamed() throws IOException {
    assertFails("some-org/absent", "some-org/absent", "no such repository", hub.endpoint());
    hub.put(REPOSITORY, model());
    assertFails(REPOSITORY + "@v9", "no branch, tag or commit 'v9'");
    hub.trick = failing(9, 404, "X", "y");
    assertFails(REPOSITORY, REPOSITORY + WEIGHTS, "no such file");
  }

  @Test
  void aBusyHubIsLeftAloneForAsLongAsItWants() throws IOException {
    hub.put(REPOSITORY, model());
    hub.trick = failing(1, 429, "Retry-After", "1");
    long start = System.nanoTime();
    assertHolds(pull(REPOSITORY), model(), NEEDED);
    assertThat(System.nanoTime() - start).isGreaterThan(1_000_000_000L);
  }

  @Test
  void aDateIsATimeToWaitFor() throws IOException {
    hub.put(REPOSITORY, model());
    String date =
        DateTimeFormatter.RFC_1123_DATE_TIME.format(
            ZonedDateTime.now(ZoneOffset.UTC).plusSeconds(2));
    hub.trick = failing(1, 503, "Retry-After", date);
    long start = System.nanoTime();
    assertHolds(pull(REPOSITORY), model(), NEEDED);
    assertThat(System.nanoTime() - start).isGreaterThan(500_000_000L);
  }

  @Test
  void aHubThatWantsTooMuchTimeIsNotWaitedFor() throws IOException {
    hub.put(REPOSITORY, model());
    hub.trick = failing(9, 429, "Retry-After", "3600");
    assertFails(
        REPOSITORY, "answers 429", "wait for 3600 s", "run the same command later to continue");
    hub.trick = failing(99, 503, "X-Error-Message", "gone fishing");
    assertFails(REPOSITORY, "answers 503: gone fishing", "5 times");
  }

  @Test
  void redirectsAreCountedAndChecked() throws IOException {
    hub.put(REPOSITORY, model());
    hub.trick =
        (exchange, request) -> {
          exchange.getResponseHeaders().set("Location", request.path() + "x");
          FakeHub.fail(exchange, 307);
          return true;
        };
    assertFails(REPOSITORY, "more than 8 redirects");
    assertThat(hub.requests()).hasSize(9);
    for (String location :
        List.of("file:///etc/passwd", "ftp://127.0.0.1/", "http:", "http://[/")) {
      hub.trick =
          (exchange, request) -> {
            exchange.getResponseHeaders().set("Location", location);
            FakeHub.fail(exchange, 302);
            return true;
          };
      assertFails(REPOSITORY, "127.0.0.1 redirects to");
    }
    URI secure = URI.create("https://hub.example/a");
    assertThatThrownBy(() -> HubClient.target(secure, "http://cdn.example/a"))
        .isInstanceOf(HubException.class)
        .hasMessageContaining("from https to http");
    assertThat(HubClient.target(secure, "/b?c=d"))
        .isEqualTo(URI.create("https://hub.example/b?c=d"));
  }

  /** Signed addresses of the content host serve for some ranges and then expire. */
  @Test
  void anExpiredAddressIsAskedForAgain() throws IOException {
    hub.put(REPOSITORY, model());
    AtomicInteger uses = new AtomicInteger();
    hub.trick =
        (exchange, request) -> {
          if (request.port() == hub.contentPort() && uses.incrementAndGet() % 4 == 0) {
            FakeHub.fail(exchange, 403);
            return true;
          }
          return false;
        };
    assertHolds(pull(REPOSITORY), model(), NEEDED);
    assertThat(hub.fileRequests())
        .filteredOn(request -> request.port() == hub.hubPort() && isContent(request))
        .hasSizeBetween(2, 8);
  }

  @Test
  void aFileThatChangedBetweenTwoTriesBeginsAnew() throws IOException {
    hub.put(REPOSITORY, model());
    hub.describes = false; // no hash is known: only the ETag tells
    byte[] before = random(600_001, 20);
    byte[] after = random(600_001, 21);
    AtomicInteger ranges = new AtomicInteger();
    hub.trick =
        (exchange, request) -> {
          if (!request.path().endsWith(WEIGHTS)) {
            return false;
          }
          if (ranges.incrementAndGet() > 4) {
            FakeHub.fail(exchange, 500);
          } else {
            hub.send(exchange, request, before, "first");
          }
          return true;
        };
    assertFails(REPOSITORY, "answers 500");
    hub.forgetRequests();
    hub.trick =
        (exchange, request) -> {
          if (!request.path().endsWith(WEIGHTS)) {
            return false;
          }
          hub.send(exchange, request, after, "second");
          return true;
        };
    assertThat(Files.readAllBytes(pull(REPOSITORY).resolve("model.safetensors"))).isEqualTo(after);
    assertThat(hub.fileRequests())
        .extracting(request -> request.ifRange().orElse(""))
        .contains("\"first\"", "\"second\"");
  }

  /** The same, but of a server that does not know If-Range: it sends ranges of other content. */
  @Test
  void aFileThatChangesAllTheTimeIsGivenUp() throws IOException {
    hub.put(REPOSITORY, model());
    hub.describes = false;
    AtomicInteger version = new AtomicInteger();
    hub.trick =
        (exchange, request) -> {
          if (!request.path().endsWith(WEIGHTS)) {
            return false;
          }
          Request unconditional =
              new Request(
                  request.method(),
                  request.port(),
                  request.path(),
                  request.range(),
                  Optional.empty(),
                  request.token());
          hub.send(exchange, unconditional, random(600_001, 1), "v" + version.incrementAndGet());
          return true;
        };
    assertFails(REPOSITORY, "changed on the hub during the download");
  }
}
