package dev.tandem.api;

import dev.tandem.model.Checkpoint;
import dev.tandem.runtime.Hosting;
import dev.tandem.settings.Note;
import java.util.List;
import java.util.stream.Stream;

/** A server that owns its model's files. */
final class HostedServer implements ModelServer {
  private final Checkpoint files;
  private final Hosting.Hosted hosted;

  HostedServer(Checkpoint files, Hosting.Hosted hosted) {
    this.files = files;
    this.hosted = hosted;
  }

  @Override
  public String uri() {
    return hosted.uri();
  }

  @Override
  public int port() {
    return hosted.port();
  }

  @Override
  public String model() {
    return files.name();
  }

  @Override
  public String span() {
    return hosted.span();
  }

  @Override
  public long weightBytes() {
    return hosted.weightBytes();
  }

  @Override
  public List<Note> notes() {
    return Stream.concat(files.notes().stream(), hosted.notes().stream().map(Note::new)).toList();
  }

  @Override
  public int activeSequences() {
    return hosted.activeSequences();
  }

  @Override
  public void close() {
    hosted.close();
    Failures.close(files);
  }
}
