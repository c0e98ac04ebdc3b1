package dev.tandem.files;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tandem.api.ModelException;
import dev.tandem.hub.FakeHub;
import dev.tandem.settings.ModelSource;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Downloads through the public line, from a hub on this machine. */
class DownloadsTest {
  private static final Path WEIGHTS = Path.of("weights", "gpt2-shakespeare");
  private static final String NAME = "some-org/shakespeare";

  @TempDir private Path folder;
  private FakeHub hub;
  private Downloads downloads;
  private String commit;

  @BeforeEach
  void startHub() throws IOException {
    hub = new FakeHub();
    Map<String, byte[]> files = new HashMap<>();
    try (Stream<Path> listed = Files.list(WEIGHTS)) {
      for (Path file : listed.toList()) {
        files.put(file.getFileName().toString(), Files.readAllBytes(file));
      }
    }
    commit = hub.put(NAME, files);
    downloads =
        Downloads.ofUser(
            Map.of("HF_ENDPOINT", hub.endpoint(), "TANDEM_CACHE", folder.toString()), "");
  }

  @AfterEach
  void stopHub() {
    hub.close();
  }

  /** Keeps the events that it gets. */
  private static final class Kept implements DownloadListener {
    private final AtomicLong bytes = new AtomicLong();
    private final List<String> notes = Collections.synchronizedList(new ArrayList<>());

    @Override
    public void downloaded(long done, long total) {
      bytes.accumulateAndGet(done, Math::max);
    }

    @Override
    public void note(String line) {
      notes.add(line);
    }
  }

  @Test
  void aPulledModelIsOpenedByItsName() {
    Kept first = new Kept();
    Download download = downloads.of(NAME).revision(commit).listener(first);
    assertThat(download.name()).isEqualTo(NAME + "@" + commit);
    Path place = download.run();
    assertThat(place).isDirectory().startsWith(folder);
    assertThat(downloads.list())
        .singleElement()
        .satisfies(
            pulled -> {
              assertThat(pulled.name()).isEqualTo(NAME + "@" + commit);
              assertThat(pulled.commit()).isEqualTo(commit);
              assertThat(pulled.path()).isEqualTo(place);
              assertThat(pulled.bytes()).isEqualTo(first.bytes.get());
              assertThat(pulled.size()).isEqualTo("4.1 MB");
            });
    ModelSource source = ModelSource.of(NAME + "@" + commit).withCache(folder);
    try (ModelFiles pulled = ModelFiles.open(source);
        ModelFiles embedded = ModelFiles.open("gpt2-shakespeare")) {
      assertThat(pulled.hash()).isEqualTo(embedded.hash());
    }
    Kept second = new Kept();
    assertThat(downloads.of(NAME).listener(second).run()).isEqualTo(place);
    assertThat(second.bytes).hasValue(0);
    assertThat(second.notes).anyMatch(line -> line.contains("already"));
    downloads.of(NAME).again(true).listener(second).run();
    assertThat(second.bytes).hasValue(first.bytes.get());
  }

  @Test
  void aCancelledDownloadFails() {
    Download download = downloads.of(NAME);
    download.cancel();
    assertThatThrownBy(download::run).isInstanceOf(ModelException.class);
    assertThat(download.isCancelled()).isTrue();
    assertThat(Thread.currentThread().isInterrupted()).isFalse();

    Download second = downloads.of(NAME);
    second.listener(
        new DownloadListener() {
          @Override
          public void downloaded(long bytes, long total) {
            second.cancel();
          }
        });
    assertThatThrownBy(second::run)
        .isInstanceOf(ModelException.class)
        .hasMessageContaining("interrupted");
    assertThat(downloads.list()).isEmpty();
    assertThat(downloads.of(NAME).run()).isDirectory();
  }

  @Test
  void whatCannotBeDownloaded() {
    assertThat(Downloads.shortNames()).contains("gpt2");
    assertThatThrownBy(() -> downloads.of("gpt5"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("gpt2-xl");
    assertThatThrownBy(() -> downloads.of(NAME).revision("../x"))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> downloads.of(NAME).file("../x"))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> downloads.of("gpt2").run())
        .isInstanceOf(ModelException.class)
        .hasMessageContaining("no such repository");
    assertThatThrownBy(() -> downloads.of(NAME).file("x.gguf").run())
        .isInstanceOf(ModelException.class)
        .hasMessageContaining("no file 'x.gguf'");
  }
}
