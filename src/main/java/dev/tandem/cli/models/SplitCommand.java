package dev.tandem.cli.models;

import dev.tandem.cli.options.ConfigMixin;
import dev.tandem.cli.options.TokenizerOptionMixin;
import dev.tandem.cli.terminal.GeneralMixin;
import dev.tandem.cli.terminal.Usage;
import dev.tandem.cli.terminal.Version;
import dev.tandem.convert.Conversion;
import dev.tandem.convert.ConversionOptions;
import dev.tandem.model.Checkpoint;
import dev.tandem.model.ModelPart;
import dev.tandem.runtime.Models;
import dev.tandem.settings.LoadListener;
import dev.tandem.stage.Span;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code tandem split}: a client's and a server's part of a model, as two files. */
@Command(
    name = "split",
    versionProvider = Version.class,
    optionListHeading = "Parts:",
    description = {
      "Write a model's parts for a client and a server as two GGUF files.",
      "The client's file has the tokenizer, the embeddings, layers 0..K-1 and the head; the server's has"
          + " the other layers. Both run with -c FILE in place of the whole model, and only with"
          + " each other."
    })
public final class SplitCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Parameters(
      paramLabel = "MODEL",
      description = "A file, a directory, a built-in or a pulled model.")
  private String in;

  @Option(
      names = "--at",
      paramLabel = "K",
      required = true,
      description = "Layers 0..K-1 are the client's, the others the server's.")
  private int at;

  @Option(
      names = "--client",
      paramLabel = "OUT",
      required = true,
      description = "The client's part, such as client.gguf.")
  private Path client;

  @Option(
      names = "--server",
      paramLabel = "OUT",
      required = true,
      description = "The server's part, such as server.gguf.")
  private Path server;

  @Option(
      names = "--no-head",
      fallbackValue = "true",
      description =
          "The server gets the head, and then sends logits: for clients without the memory for"
              + " it. A tied head, which is the token embedding, is in both files.")
  private boolean noHead;

  @Option(names = "--force", fallbackValue = "true", description = "Replace what is there.")
  private boolean force;

  @Mixin private TokenizerOptionMixin tokenizer;
  @Mixin private ConfigMixin config;
  @Mixin private GeneralMixin general;

  @Override
  public Integer call() throws IOException {
    if (at < 0) {
      throw Usage.wrong(spec, "--at", "must be at least 0", at);
    }
    if (client.toAbsolutePath().normalize().equals(server.toAbsolutePath().normalize())) {
      throw usage("--client and --server must be two files");
    }
    return new ModelWriting(spec, general.verbose).run(this::open, this::parts);
  }

  private Checkpoint open() throws IOException {
    return Models.open(config.source(spec, in, tokenizer.given()), LoadListener.NONE);
  }

  private List<Conversion> parts(Checkpoint checkpoint) throws IOException {
    int nLayers = checkpoint.config().nLayers();
    if (at > nLayers) {
      throw Usage.wrong(spec, "--at", "must be in 0.." + nLayers, at);
    }
    if (!checkpoint.isWhole()) {
      throw new IOException(
          checkpoint.name() + " is itself a part of a model (" + checkpoint.part() + ")");
    }
    ConversionOptions options = new ConversionOptions(Optional.empty(), Optional.of("gguf"), force);
    return List.of(
        Conversion.of(
            checkpoint.cut(new ModelPart(true, Span.layers(0, at), !noHead)), client, options),
        Conversion.of(
            checkpoint.cut(new ModelPart(false, Span.layers(at, nLayers), noHead)),
            server,
            options));
  }

  private ParameterException usage(String message) {
    return new ParameterException(spec.commandLine(), message);
  }
}
