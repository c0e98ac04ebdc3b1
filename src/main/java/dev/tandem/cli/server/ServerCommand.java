package dev.tandem.cli.server;

import dev.tandem.api.ModelServer;
import dev.tandem.api.ServerBuilder;
import dev.tandem.api.Tandem;
import dev.tandem.api.TandemException;
import dev.tandem.cli.options.BackendMixin;
import dev.tandem.cli.options.ConvertProgress;
import dev.tandem.cli.options.EngineMixin;
import dev.tandem.cli.options.ModelMixin;
import dev.tandem.cli.terminal.Cli;
import dev.tandem.cli.terminal.Console;
import dev.tandem.cli.terminal.GeneralMixin;
import dev.tandem.cli.terminal.Interrupts;
import dev.tandem.cli.terminal.MemorySize;
import dev.tandem.cli.terminal.Usage;
import dev.tandem.cli.terminal.Version;
import dev.tandem.settings.EngineSettings;
import dev.tandem.settings.InvalidSettingException;
import dev.tandem.settings.Offer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import picocli.CommandLine.Command;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;
import picocli.CommandLine.TypeConversionException;

/** {@code tandem server}: offers a model's layers and head to clients until it is stopped. */
@Command(
    name = "server",
    versionProvider = Version.class,
    optionListHeading = "Server:",
    description = "Offer a model's layers and head to clients.")
public final class ServerCommand implements Callable<Integer> {
  private static final double BYTES_OF_MB = 1e6;
  private static final Pattern RANGE = Pattern.compile("([0-9]{1,6}):([0-9]{1,6})");

  @Spec private CommandSpec spec;
  @Mixin private ModelMixin model;

  @Option(
      names = {"-a", "--address"},
      paramLabel = "ADDRESS",
      defaultValue = "127.0.0.1",
      description = "Address to listen on. Default: ${DEFAULT-VALUE}")
  private String address;

  @Option(
      names = {"-o", "--port"},
      paramLabel = "PORT",
      defaultValue = "8080",
      description = "Port to listen on; 0 picks one. Default: ${DEFAULT-VALUE}")
  private int port;

  @Option(
      names = "--layers",
      paramLabel = "A:B",
      description =
          "Load and offer layers A..B-1 only, and the head if B is the number of layers. Clients put"
              + " several such servers one after another. Default: all that the model's files hold")
  private Optional<String> layers = Optional.empty();

  @Option(
      names = "--max-sequences",
      paramLabel = "N",
      defaultValue = "64",
      description = "Sequences open at once. Default: ${DEFAULT-VALUE}")
  private int maxSequences;

  @Option(
      names = "--max-context",
      paramLabel = "N",
      defaultValue = "0",
      description =
          "The largest number of positions of a sequence; 0 for the model's own limit. Default: 0")
  private int maxContext;

  @Option(
      names = "--resume-grace",
      paramLabel = "SECONDS",
      defaultValue = "60",
      description =
          "How long the sequences of a lost connection are kept, so that its client can resume them; 0"
              + " for not at all. Default: ${DEFAULT-VALUE}")
  private int resumeGrace;

  @Option(
      names = "--drain-timeout",
      paramLabel = "SECONDS",
      defaultValue = "2",
      description =
          "How long running texts may go on when the server is stopped; it takes no new ones then."
              + " Default: ${DEFAULT-VALUE}")
  private int drainTimeout;

  @Option(
      names = "--kv-budget",
      paramLabel = "SIZE",
      description =
          "Memory for the KV caches of all sequences, such as 512M or 2G. Default: what"
              + " --max-sequences may need")
  private Optional<MemorySize> kvBudget = Optional.empty();

  @Option(
      names = "--queue-timeout",
      paramLabel = "SECONDS",
      defaultValue = "10",
      description =
          "How long a client waits for room for a sequence; 0 for not at all. Default:"
              + " ${DEFAULT-VALUE}")
  private int queueTimeout;

  @Option(
      names = "--idle-timeout",
      paramLabel = "SECONDS",
      defaultValue = "60",
      description =
          "After this time without a step, a sequence gives its room to one that waits. Default:"
              + " ${DEFAULT-VALUE}")
  private int idleTimeout;

  @Option(
      names = "--prefix-cache",
      paramLabel = "SIZE",
      defaultValue = "0",
      description =
          "Memory for the beginnings of prompts, such as 512M, so that clients of the same API key"
              + " need not send and compute them again; see docs/security.md. Default: 0, none")
  private MemorySize prefixCache;

  @Option(
      names = "--prefix-cache-shared",
      fallbackValue = "true",
      description = "Keep them for clients without an API key too, who all share them.")
  private boolean prefixCacheShared;

  @Option(
      names = "--api-key-file",
      paramLabel = "FILE",
      description = "Serve only clients with one of these API keys; see docs/security.md.")
  private Optional<Path> apiKeys = Optional.empty();

  @Option(
      names = "--tls-cert",
      paramLabel = "FILE",
      description = "The certificate chain for TLS, PEM; clients then use wss.")
  private Optional<Path> certificate = Optional.empty();

  @Option(names = "--tls-key", paramLabel = "FILE", description = "Its private key, PEM.")
  private Optional<Path> privateKey = Optional.empty();

  @Option(
      names = "--max-connections-per-address",
      paramLabel = "N",
      defaultValue = "64",
      description = "Clients at once from one address. Default: ${DEFAULT-VALUE}")
  private int maxConnectionsPerAddress;

  @Option(
      names = "--max-sequences-per-address",
      paramLabel = "N",
      defaultValue = "128",
      description =
          "Sequences at once from one address: open ones, those that wait for room, and those of"
              + " lost connections. Default: ${DEFAULT-VALUE}")
  private int maxSequencesPerAddress;

  @Option(
      names = "--offer",
      paramLabel = "none|embeddings|head|layers:K",
      converter = Offers.class,
      description =
          "What clients without files may download of the model: nothing, the embeddings (and the"
              + " tokenizer), these and the head, or these and layers 0..K-1. It gives these weights"
              + " away. Default: head, if the server has it")
  private Optional<Offer> offer = Optional.empty();

  @Option(
      names = "--insecure",
      fallbackValue = "true",
      description = "Listen on an address that other machines can reach, without API keys.")
  private boolean insecure;

  @Mixin private EngineMixin engine;
  @Mixin private BackendMixin backend;
  @Mixin private GeneralMixin general;

  /** Reads an offer. */
  static final class Offers implements ITypeConverter<Offer> {
    @Override
    public Offer convert(String text) {
      try {
        return Offer.of(text);
      } catch (InvalidSettingException e) {
        throw new TypeConversionException(e.rule() + ", got " + e.got());
      }
    }
  }

  @Override
  @SuppressWarnings("try") // interrupts count as long as the block lasts
  public Integer call() throws IOException, InterruptedException {
    EngineSettings settings = backend.applyToSplit(engine.settings());
    ServerBuilder builder = builder();
    Console console =
        new Console(spec.commandLine().getOut(), spec.commandLine().getErr(), general.verbose);
    CountDownLatch stopped = new CountDownLatch(1);
    try (Interrupts interrupts =
            Interrupts.during(stopped::countDown, Duration.ofSeconds(drainTimeout));
        ConvertProgress progress = engine.progress(() -> stopped.getCount() == 0);
        ModelServer server = engine.apply(builder, settings, progress).start()) {
      progress.close();
      server.notes().forEach(console::warn);
      console.println("listening on " + server.uri());
      console.note(offer(server) + "; stop with Ctrl-C");
      stopped.await();
    } catch (TandemException e) {
      if (stopped.getCount() > 0) {
        throw e;
      }
      return Cli.INTERRUPTED;
    }
    return 0;
  }

  private static String offer(ModelServer server) {
    return String.format(
        Locale.ROOT,
        "offering %s, %s (%.1f MB of weights)",
        server.model(),
        server.span(),
        server.weightBytes() / BYTES_OF_MB);
  }

  private void setLayers(ServerBuilder builder, String range) {
    Matcher matcher = RANGE.matcher(range);
    if (!matcher.matches()) {
      throw Usage.wrong(
          spec, "--layers", "must be A:B, the first layer and one past the last", range);
    }
    builder.layers(Integer.parseInt(matcher.group(1)), Integer.parseInt(matcher.group(2)));
  }

  private ServerBuilder builder() throws IOException {
    if (certificate.isPresent() != privateKey.isPresent()) {
      throw new ParameterException(
          spec.commandLine(), "--tls-cert and --tls-key are needed together");
    }
    if (!insecure && apiKeys.isEmpty() && !isLoopback(address)) {
      throw new ParameterException(
          spec.commandLine(),
          "--address "
              + address
              + " can be reached from other machines, and nothing protects it; add --api-key-file,"
              + " or --insecure if this is intended");
    }
    if (maxContext < 0) {
      throw Usage.wrong(spec, "--max-context", "must be at least 0", maxContext);
    }
    if (resumeGrace < 0) {
      throw Usage.wrong(spec, "--resume-grace", "must be at least 0", resumeGrace);
    }
    if (drainTimeout < 0) {
      throw Usage.wrong(spec, "--drain-timeout", "must be at least 0", drainTimeout);
    }
    if (queueTimeout < 0) {
      throw Usage.wrong(spec, "--queue-timeout", "must be at least 0", queueTimeout);
    }
    if (idleTimeout < 0) {
      throw Usage.wrong(spec, "--idle-timeout", "must be at least 0", idleTimeout);
    }
    ServerBuilder builder =
        Tandem.server(model.source(Optional.empty()))
            .address(address)
            .port(port)
            .maxSequences(maxSequences)
            .queueTimeout(Duration.ofSeconds(queueTimeout))
            .idleTimeout(Duration.ofSeconds(idleTimeout))
            .maxConnectionsPerAddress(maxConnectionsPerAddress)
            .maxSequencesPerAddress(maxSequencesPerAddress)
            .resumeGrace(Duration.ofSeconds(resumeGrace))
            .drainTimeout(Duration.ofSeconds(drainTimeout))
            .prefixCache(prefixCache.bytes());
    if (prefixCacheShared) {
      builder.sharePrefixes();
    }
    kvBudget.ifPresent(size -> builder.kvBudget(size.bytes()));
    layers.ifPresent(range -> setLayers(builder, range));
    apiKeys.ifPresent(builder::apiKeys);
    offer.ifPresent(builder::offer);
    if (certificate.isPresent()) {
      builder.tls(certificate.get(), privateKey.orElseThrow());
    }
    return maxContext == 0 ? builder : builder.maxContext(maxContext);
  }

  private static boolean isLoopback(String address) throws IOException {
    try {
      return InetAddress.getByName(address).isLoopbackAddress();
    } catch (UnknownHostException e) {
      throw new IOException("unknown host " + address, e);
    }
  }
}
