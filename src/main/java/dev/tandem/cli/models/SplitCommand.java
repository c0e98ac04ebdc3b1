package dev.tandem.cli.models;

import dev.tandem.cli.options.ConfigMixin;
import dev.tandem.cli.options.TokenizerOptionMixin;
import dev.tandem.cli.terminal.GeneralMixin;
import dev.tandem.cli.terminal.Usage;
import dev.tandem.cli.terminal.Version;
import dev.tandem.files.ModelFiles;
import dev.tandem.settings.Output;
import java.nio.file.Path;
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
  public Integer call() {
    if (at < 0) {
      throw Usage.wrong(spec, "--at", "must be at least 0", at);
    }
    if (client.toAbsolutePath().normalize().equals(server.toAbsolutePath().normalize())) {
      throw usage("--client and --server must be two files");
    }
    Output reply = noHead ? Output.LOGITS : Output.HIDDEN;
    return new ModelWriting(spec, general.verbose)
        .run(
            () -> ModelFiles.open(config.source(spec, in, tokenizer.given())),
            files -> files.split(at, client, server, reply, force));
  }

  private ParameterException usage(String message) {
    return new ParameterException(spec.commandLine(), message);
  }
}
