package dev.tandem.cli.client;

import dev.tandem.api.SplitBuilder;
import dev.tandem.api.SplitModel;
import dev.tandem.api.Tandem;
import dev.tandem.api.TandemException;
import dev.tandem.api.WireStats;
import dev.tandem.cli.generation.GenerationMixin;
import dev.tandem.cli.generation.GenerationRun;
import dev.tandem.cli.options.BackendMixin;
import dev.tandem.cli.options.ConvertProgress;
import dev.tandem.cli.options.DraftMixin;
import dev.tandem.cli.options.EngineMixin;
import dev.tandem.cli.terminal.Cli;
import dev.tandem.cli.terminal.Console;
import dev.tandem.cli.terminal.GeneralMixin;
import dev.tandem.cli.terminal.Interrupts;
import dev.tandem.cli.terminal.Usage;
import dev.tandem.cli.terminal.Version;
import dev.tandem.settings.EngineSettings;
import dev.tandem.settings.Reply;
import dev.tandem.settings.RowType;
import java.io.IOException;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code tandem client}: text, embedding and sampling here, layers on a server. */
@Command(
    name = "client",
    versionProvider = Version.class,
    optionListHeading = "Server:",
    description = "Continue a text with a model whose layers run on a server.")
public final class ClientCommand implements Callable<Integer> {
  private static final String WRONG_URL =
      "--server must be ws://HOST:PORT/v1/split (or wss://), got ";

  private static final String MEASURED = "auto";

  @Spec private CommandSpec spec;
  @Mixin private ClientModelMixin model;
  @Mixin private GenerationMixin generation;

  @Option(
      names = {"-a", "--address"},
      paramLabel = "HOST",
      defaultValue = "127.0.0.1",
      description = "The server's address. Default: ${DEFAULT-VALUE}")
  private String address;

  @Option(
      names = {"-o", "--port"},
      paramLabel = "PORT",
      defaultValue = "8080",
      description = "The server's port. Default: ${DEFAULT-VALUE}")
  private int port;

  @Option(
      names = "--server",
      paramLabel = "URL",
      description =
          "The server as a URL, ws://HOST:PORT/v1/split, instead of address and port. Repeatable:"
              + " servers of some layers are used one after another, as few as hold all layers;"
              + " others stand by for those that are lost.")
  private List<String> servers = List.of();

  @Option(
      names = "--reconnect-timeout",
      paramLabel = "SECONDS",
      defaultValue = "120",
      description =
          "How long to look for a lost server, or for another one; 0 for not at all. Default:"
              + " ${DEFAULT-VALUE}")
  private int reconnectTimeout;

  @Option(
      names = "--split",
      paramLabel = "K|auto",
      description =
          "Layers 0..K-1 run here; auto measures the network and both machines, and takes what makes"
              + " a token fastest. Default: all layers of a client's part of a model; of a whole"
              + " model, none")
  private Optional<String> split = Optional.empty();

  @Option(
      names = "--reply",
      paramLabel = "hidden|topk|logits",
      description =
          "What the server sends back: hidden rows, the best 64 logits of each row (and a whole row"
              + " where these do not settle what is drawn), or whole rows of logits. Default:"
              + " hidden, if the head is here")
  private Optional<Reply> reply = Optional.empty();

  @Option(
      names = "--wire",
      paramLabel = "f32|f16|q8_0",
      defaultValue = "f32",
      description =
          "How rows travel; with fewer bits than f32 the text is no longer that of the whole model."
              + " Default: ${DEFAULT-VALUE}")
  private RowType wire;

  @Option(
      names = "--api-key-file",
      paramLabel = "FILE",
      description = "The file with the API key that the server asks for.")
  private Optional<Path> apiKey = Optional.empty();

  @Option(
      names = "--ca-cert",
      paramLabel = "FILE",
      description =
          "Certificates to check a wss server's certificate with, PEM. Default: those that Java"
              + " trusts")
  private Optional<Path> authority = Optional.empty();

  @Mixin private DraftMixin draft;
  @Mixin private EngineMixin engine;
  @Mixin private BackendMixin backend;
  @Mixin private GeneralMixin general;

  @Override
  @SuppressWarnings("try") // interrupts count as long as the block lasts
  public Integer call() throws IOException {
    EngineSettings settings = backend.applyToSplit(engine.settings());
    SplitBuilder builder = Tandem.split(model.source());
    uris().forEach(builder::server);
    if (apiKey.isPresent()) {
      builder.apiKey(Files.readString(apiKey.get()).strip());
    }
    authority.ifPresent(builder::authority);
    builder.reconnectTimeout(Duration.ofSeconds(reconnectTimeout));
    split.ifPresent(value -> setSplit(builder, value));
    reply.ifPresent(builder::reply);
    builder.wire(wire);
    model.approximate().ifPresent(builder::approximate);
    draft.draft().ifPresent(builder::draft);
    String text = generation.checkedPrompt();
    Console console =
        new Console(spec.commandLine().getOut(), spec.commandLine().getErr(), general.verbose);
    builder.onConnection(new ConnectionMessages(console));
    GenerationRun run = new GenerationRun(generation, console);
    Thread here = Thread.currentThread();
    Runnable stop =
        () -> {
          run.interrupt();
          here.interrupt(); // it may be waiting for the connection
        };
    try (Interrupts interrupts = Interrupts.during(stop);
        ConvertProgress progress = engine.progress("downloading", run::interrupted);
        SplitModel opened = engine.apply(builder, settings, progress).connect()) {
      progress.close();
      opened.notes().forEach(console::warn);
      if (general.verbose || isMeasured()) {
        console.note(opened.chain());
      }
      return run.run(opened, text, () -> facts(opened));
    } catch (TandemException e) {
      if (!run.interrupted()) {
        throw e;
      }
      return Cli.INTERRUPTED;
    }
  }

  private List<URI> uris() {
    if (port < 1 || port > 65_535) {
      throw Usage.wrong(spec, "--port", "must be in 1..65535", port);
    }
    return servers.isEmpty() ? List.of(ofAddress()) : servers.stream().map(this::given).toList();
  }

  private boolean isMeasured() {
    return split.isPresent() && split.get().equals(MEASURED);
  }

  private void setSplit(SplitBuilder builder, String value) {
    if (isMeasured()) {
      builder.measured();
      return;
    }
    try {
      int layers = Integer.parseInt(value);
      if (layers >= 0) {
        builder.layers(layers);
        return;
      }
    } catch (NumberFormatException e) {
      throw Usage.wrong(spec, "--split", "must be a number of layers or auto", value);
    }
    throw Usage.wrong(spec, "--split", "must be at least 0", value);
  }

  /** Without a path, which is the protocol's. */
  private URI ofAddress() {
    try {
      return new URI("ws", null, address, port, null, null, null);
    } catch (URISyntaxException e) {
      throw usage("--address must be a host name or an IP address, got '" + address + "'");
    }
  }

  private URI given(String url) {
    try {
      URI uri = new URI(url);
      if (("ws".equals(uri.getScheme()) || "wss".equals(uri.getScheme()))
          && uri.getHost() != null
          && uri.getUserInfo() == null
          && uri.getQuery() == null
          && uri.getFragment() == null
          && uri.getPort() <= 65_535) {
        return uri;
      }
    } catch (URISyntaxException e) {
      throw usage(WRONG_URL + url + " (" + e.getReason() + ")");
    }
    throw usage(WRONG_URL + url);
  }

  private ParameterException usage(String message) {
    return new ParameterException(spec.commandLine(), message);
  }

  private static Map<String, Object> facts(SplitModel opened) {
    WireStats stats = opened.wireStats();
    Map<String, Object> facts = new LinkedHashMap<>();
    facts.put("chain", opened.chain());
    facts.put("round_trips", stats.roundTrips());
    facts.put("bytes_sent", stats.bytesSent());
    facts.put("bytes_received", stats.bytesReceived());
    facts.put("full_rows", stats.fullRows());
    return facts;
  }
}
