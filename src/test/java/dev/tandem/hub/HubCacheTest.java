package dev.tandem.hub;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tandem.hub.cache.HubCache;
import dev.tandem.hub.cache.HubException;
import dev.tandem.hub.cache.HubModel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;

class HubCacheTest extends PullFixture {

  @Test
  void theDirectoryIsTheUsersChoice() throws IOException {
    hub.put(REPOSITORY, model());
    Path place = pull(REPOSITORY);
    String chosen = cacheFolder.toString();
    Path home = Files.createDirectories(folder.resolve("home/.cache"));
    Files.createSymbolicLink(home.resolve("tandem"), cacheFolder);
    Path xdg = Files.createDirectories(folder.resolve("xdg"));
    Files.createSymbolicLink(xdg.resolve("tandem"), cacheFolder);
    String nowhere = folder.resolve("nowhere").toString();
    String homeOfUser = folder.resolve("home").toString();
    assertThat(found(Map.of("TANDEM_CACHE", chosen, "XDG_CACHE_HOME", nowhere), nowhere)).isTrue();
    assertThat(found(Map.of("XDG_CACHE_HOME", xdg.toString()), nowhere)).isTrue();
    assertThat(found(Map.of("XDG_CACHE_HOME", "relative"), homeOfUser)).isTrue();
    assertThat(found(Map.of("TANDEM_CACHE", ""), homeOfUser)).isTrue();
    assertThat(found(Map.of("TANDEM_CACHE", nowhere), homeOfUser)).isFalse();
    assertThat(Files.exists(place)).isTrue();
  }

  private static boolean found(Map<String, String> environment, String home) throws IOException {
    return HubCache.ofUser(environment, home).find(REPOSITORY).isPresent();
  }

  @Test
  void whatIsNoNameOrNotThereIsNotFound() throws HubException {
    for (String name :
        new String[] {"", "gpt2", "a/b", "../..", "/", "a/b@x", "\0", "a/b/c.gguf"}) {
      assertThat(cache.find(name)).as(name).isEmpty();
    }
    assertThat(cache.list()).isEmpty();
  }

  /** A cache that was tampered with, or half deleted. */
  @Test
  void damagedReferencesLeadNowhere() throws IOException {
    hub.put(REPOSITORY, model());
    pull(REPOSITORY);
    Path ref = cacheFolder.resolve("models").resolve(REPOSITORY).resolve("refs/main/small-gpt");
    assertThat(ref).exists();
    for (String content : new String[] {"", "../../..", "0".repeat(40), "x".repeat(1000)}) {
      Files.writeString(ref, content);
      assertThat(cache.find(REPOSITORY)).as(content).isEmpty();
      assertThat(cache.list()).hasSize(1);
    }
    pull(REPOSITORY);
    assertThat(cache.find(REPOSITORY)).isPresent();
  }

  @Test
  void aCacheThatCannotBeMadeIsNamed() throws IOException {
    hub.put(REPOSITORY, model());
    Path file = Files.writeString(folder.resolve("file"), "");
    HubCache impossible = new HubCache(file.resolve("below"));
    assertThat(impossible.find(REPOSITORY)).isEmpty();
    HubAccess access = HubAccess.of(Map.of("HF_ENDPOINT", hub.endpoint()));
    try (Pull pull = new Pull(access, impossible, PullListener.NONE, LIMITS)) {
      assertThatThrownBy(() -> pull.run(HubModel.of(REPOSITORY), false))
          .isInstanceOf(HubException.class)
          .hasMessageContaining("cannot write " + file)
          .hasMessageContaining("TANDEM_CACHE");
    }
  }

  @Test
  void sizesAreForPeople() {
    assertThat(HubCache.shown(0)).isEqualTo("0 B");
    assertThat(HubCache.shown(999)).isEqualTo("999 B");
    assertThat(HubCache.shown(1000)).isEqualTo("1.0 kB");
    assertThat(HubCache.shown(548_105_171)).isEqualTo("548 MB");
    assertThat(HubCache.shown(6_431_878_936L)).isEqualTo("6.4 GB");
    assertThat(HubCache.shown(Long.MAX_VALUE)).isEqualTo("9.2 EB");
  }
}
