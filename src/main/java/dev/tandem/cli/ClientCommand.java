package dev.tandem.cli;

import dev.tandem.api.EngineSettings;
import dev.tandem.api.SplitModel;
import dev.tandem.api.SplitOptions;
import dev.tandem.client.WireStats;
import dev.tandem.generation.GenerationException;
import dev.tandem.protocol.ReplyKind;
import dev.tandem.weights.Checkpoint;
import java.io.IOException;
import java.net.URI;
import java.net.URISyntaxException;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code tandem client}: text, embedding and sampling here, blocks on a server. */
@Command(
    name = "client",
    mixinStandardHelpOptions = true,
    versionProvider = Version.class,
    sortOptions = false,
    description = "Continue a text with a model whose blocks run on a server.")
final class ClientCommand implements Callable<Integer> {
  private static final String PATH = "/v1/split";

  @Spec private CommandSpec spec;
  @Mixin private ModelMixin model;
  @Mixin private PromptMixin prompt;
  @Mixin private EngineMixin engine;

  @Option(
      names = {"-a", "--address"},
      defaultValue = "127.0.0.1",
      description = "The server's address. Default: ${DEFAULT-VALUE}")
  private String address;

  @Option(
      names = {"-o", "--port"},
      defaultValue = "8080",
      description = "The server's port. Default: ${DEFAULT-VALUE}")
  private int port;

  @Option(
      names = "--server",
      paramLabel = "URL",
      description = "The server as a URL, ws://HOST:PORT/v1/split, instead of address and port.")
  private Optional<String> server = Optional.empty();

  @Option(
      names = "--split",
      paramLabel = "K",
      defaultValue = "0",
      description = "Blocks 0..K-1 run here. Default: ${DEFAULT-VALUE}")
  private int split;

  @Option(
      names = "--reply",
      paramLabel = "hidden|logits",
      defaultValue = "hidden",
      description = {
        "What the server sends back: hidden states, or logits.",
        "Default: ${DEFAULT-VALUE}"
      })
  private ReplyKind reply;

  @Override
  public Integer call() throws IOException, GenerationException {
    long start = System.nanoTime();
    EngineSettings settings = engine.settings();
    prompt.request(new int[0]); // reports wrong options before a model is opened
    SplitOptions options = options();
    String text = prompt.text();
    Console console =
        new Console(spec.commandLine().getOut(), spec.commandLine().getErr(), engine.verbose);
    try (Checkpoint checkpoint = model.open()) {
      int nLayers = checkpoint.config().nLayers();
      if (split > nLayers) {
        throw new ParameterException(
            spec.commandLine(), "--split must be in 0.." + nLayers + ", got " + split);
      }
      try (SplitModel opened = SplitModel.connect(checkpoint, settings, options)) {
        return new GenerationRun(prompt, console, start)
            .run(opened, text, () -> facts(opened.wireStats()));
      }
    }
  }

  private SplitOptions options() {
    if (port < 1 || port > 65_535) {
      throw new ParameterException(spec.commandLine(), "--port must be in 1..65535, got " + port);
    }
    if (split < 0) {
      throw new ParameterException(spec.commandLine(), "--split must be at least 0, got " + split);
    }
    if (reply != ReplyKind.HIDDEN && reply != ReplyKind.LOGITS) {
      throw new ParameterException(
          spec.commandLine(), "--reply must be hidden or logits, got " + reply);
    }
    try {
      URI uri =
          server.isPresent()
              ? new URI(server.get())
              : new URI("ws", "", address, port, PATH, "", "");
      if (uri.getHost() == null || !"ws".equals(uri.getScheme())) {
        throw new ParameterException(
            spec.commandLine(), "--server must be ws://HOST:PORT" + PATH + ", got " + uri);
      }
      return new SplitOptions(uri, split, reply);
    } catch (URISyntaxException e) {
      throw new ParameterException(
          spec.commandLine(), "the server's address is not valid: " + e.getMessage(), e);
    }
  }

  private static Map<String, Object> facts(WireStats stats) {
    Map<String, Object> facts = new LinkedHashMap<>();
    facts.put("round_trips", stats.roundTrips());
    facts.put("bytes_sent", stats.bytesSent());
    facts.put("bytes_received", stats.bytesReceived());
    return facts;
  }
}
