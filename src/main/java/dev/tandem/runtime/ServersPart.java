package dev.tandem.runtime;

import dev.tandem.client.RemoteModel;
import dev.tandem.client.ServerConnection;
import dev.tandem.endpoints.ClientSecurity;
import dev.tandem.formats.Checkpoints;
import dev.tandem.formats.TokenizerFiles;
import dev.tandem.formats.files.OpenOptions;
import dev.tandem.formats.gguf.GgufImage;
import dev.tandem.hub.PullListener;
import dev.tandem.hub.ServedDownload;
import dev.tandem.hub.ServedFile;
import dev.tandem.hub.cache.HubException;
import dev.tandem.model.Approximation;
import dev.tandem.model.Checkpoint;
import dev.tandem.model.ModelConfig;
import dev.tandem.model.ModelFormatException;
import dev.tandem.protocol.Protocol;
import dev.tandem.settings.InvalidSettingException;
import dev.tandem.settings.LoadListener;
import dev.tandem.settings.ModelSource;
import dev.tandem.settings.Offer;
import dev.tandem.settings.Remedy;
import dev.tandem.settings.Reply;
import dev.tandem.settings.WeightType;
import dev.tandem.stage.StageSpec;
import dev.tandem.tensor.DType;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * The files of a client that has none: its part of a server's model, downloaded from the server,
 * checked against the model hash, and kept in the user's cache. A part that is there already, and a
 * model that is built in, are not downloaded.
 *
 * @param files the part, or a built-in model; the caller closes them
 * @param split what the client runs, and what the server sends, as far as it was left open
 */
public record ServersPart(Checkpoint files, SplitOptions split) {
  private static final int MAX_NAME = 64;

  /**
   * Finds the part that the first usable server offers.
   *
   * @param source its tokenizer, type and cache count; its name does not
   * @param progress follows the download, and may stop it
   * @throws IOException if no server can be reached, or none offers what this client needs, or what
   *     it sends is not a part of its model; the message says what to do
   */
  public static ServersPart open(ModelSource source, SplitOptions split, LoadListener progress)
      throws IOException {
    return open(source, split, Optional.empty(), progress);
  }

  /**
   * As above, with matrices in a smaller type than the model's. A model that is built in keeps its
   * own types, because it is not downloaded.
   *
   * @param approximate the type; empty for the model's own types
   */
  public static ServersPart open(
      ModelSource source,
      SplitOptions split,
      Optional<WeightType> approximate,
      LoadListener progress)
      throws IOException {
    return open(source, split, approximate, progress, Checkpoints.embeddedNames());
  }

  /** As above, with the names of the models that need no download. */
  static ServersPart open(
      ModelSource source,
      SplitOptions split,
      Optional<WeightType> approximate,
      LoadListener progress,
      List<String> builtIn)
      throws IOException {
    IOException failure = new IOException("no server was named");
    for (URI server : split.servers()) {
      try {
        return new Finder(source, split, approximate, progress, builtIn).find(server);
      } catch (IOException e) {
        if (!split.servers().get(0).equals(server)) {
          e.addSuppressed(failure);
        }
        failure = e;
      }
    }
    throw failure;
  }

  /** Looks at one server. */
  private record Finder(
      ModelSource source,
      SplitOptions split,
      Optional<WeightType> approximate,
      LoadListener progress,
      List<String> builtIn) {

    ServersPart find(URI server) throws IOException {
      RemoteModel model;
      boolean top;
      try (ServerConnection connection = ServerConnection.connect(server, split.connection())) {
        model = connection.models().get(0);
        top = connection.hasTop();
      }
      Optional<Checkpoint> here = builtIn(model);
      if (here.isPresent()) {
        return new ServersPart(here.get(), split);
      }
      if (source.type().isPresent()) {
        throw new InvalidSettingException(
            "type", "is the server's for a part of its model; leave it out", source.type().get());
      }
      Offer wanted = wanted(model, top);
      return new ServersPart(download(server, model, wanted), decided(wanted, top, model));
    }

    /** A model inside this program that is the server's. */
    private Optional<Checkpoint> builtIn(RemoteModel model) throws IOException {
      for (String name : builtIn) {
        Checkpoint checkpoint =
            Models.open(
                new ModelSource(
                    name, source.tokenizer(), List.of(), source.cache(), Optional.empty()),
                progress);
        boolean same = false;
        try {
          if (hasShape(checkpoint.config(), model)) {
            checkpoint = converted(checkpoint);
            String hash = checkpoint.hash().hex();
            same = hash.equals(model.profile().modelHash());
            if (!same && source.type().isPresent()) {
              throw model.isNot("the server", name, hash);
            }
          }
        } finally {
          if (!same) {
            checkpoint.close();
          }
        }
        if (same) {
          return Optional.of(checkpoint);
        }
      }
      return Optional.empty();
    }

    private Checkpoint converted(Checkpoint checkpoint) throws IOException {
      return source.type().isEmpty()
          ? checkpoint
          : Models.convert(checkpoint, source.type().get(), progress);
    }

    private static boolean hasShape(ModelConfig config, RemoteModel model) {
      StageSpec offered = model.offered();
      return config.nLayers() == model.nLayers()
          && config.dModel() == offered.dModel()
          && config.vocabSize() == offered.vocabSize();
    }

    /** The part that this client needs. */
    private Offer wanted(RemoteModel model, boolean top) throws IOException {
      int layers = split.localLayers().orElse(0);
      if (layers < 0 || layers > model.nLayers()) {
        throw new InvalidSettingException("layers", "must be in 0.." + model.nLayers(), layers);
      }
      Offer offer = model.files();
      boolean head = layers > 0 || reply(model, top) == Reply.HIDDEN;
      Offer wanted = head ? Offer.ofLayers(layers) : Offer.EMBEDDINGS;
      if (!offer.covers(wanted)) {
        throw new HubException(
            "this client has no files of "
                + model.name()
                + " and needs "
                + wanted
                + ", but the server offers "
                + offer,
            Remedy.set("offer", wanted.toString(), "at the server"),
            Remedy.set("model", "MODEL", "here"));
      }
      return wanted;
    }

    private Reply reply(RemoteModel model, boolean top) {
      if (split.reply().isPresent()) {
        return split.reply().get();
      }
      if (model.files().head() || !model.offered().span().hasHead()) {
        return Reply.HIDDEN;
      }
      return top ? Reply.TOPK : Reply.LOGITS;
    }

    /** A part with layers runs none of them unless this is asked for. */
    private SplitOptions decided(Offer wanted, boolean top, RemoteModel model) {
      return split.withChoices(
          wanted.layers(), wanted.head() ? split.reply() : Optional.of(reply(model, top)));
    }

    private Checkpoint download(URI server, RemoteModel model, Offer wanted) throws IOException {
      ClientSecurity security = split.connection().security();
      ServedFile file =
          new ServedFile(
              address(server, model, wanted), model.name(), security.apiKey(), security.trust());
      Progress told = new Progress(progress);
      try (ServedDownload download = new ServedDownload(file, told)) {
        told.stop = download::close;
        ServedDownload.Described described = download.describe();
        if (approximate.isPresent() && !described.etag().startsWith(Protocol.APPROXIMATE_TAG)) {
          throw new HubException(
              "the server gives its model's own types only; its version may be older",
              Remedy.leaveOut("approximate", ""));
        }
        Path directory = Models.cache(source.cache()).part(described.etag());
        Path target =
            download.run(
                described,
                directory,
                fileName(model.name()),
                complete -> check(complete, described.etag(), model, wanted));
        return open(target).withName(model.name());
      }
    }

    private Checkpoint open(Path file) throws IOException {
      return Checkpoints.open(
          file.toString(),
          new OpenOptions(source.tokenizer().map(TokenizerFiles::given), source.config()));
    }

    /**
     * Everything in the file is covered by a hash: the header by its ETag, the tensors by it. The
     * server alone knows whether approximations are those of its tensors.
     */
    private void check(Path file, String etag, RemoteModel model, Offer wanted) throws IOException {
      if (!etag.endsWith("-" + GgufImage.headerHash(file))) {
        throw new ModelFormatException(file.toString(), "not the file that the server offers");
      }
      try (Checkpoint part = open(file)) {
        Optional<DType> type = part.approximation().map(Approximation::type);
        if (!type.equals(approximate.map(asked -> DType.valueOf(asked.name())))
            || !part.knowsHash()
            || !part.statedDigests().isEmpty()
            || !part.hash().hex().equals(model.profile().modelHash())
            || !part.part().embedding()
            || part.part().layers().end() != wanted.layers()
            || part.part().head() != wanted.head()) {
          throw new ModelFormatException(
              file.toString(), "not the requested part of the server's model");
        }
      }
    }

    private URI address(URI server, RemoteModel model, Offer wanted) {
      String scheme = "wss".equals(server.getScheme()) ? "https" : "http";
      return URI.create(
          scheme
              + "://"
              + server.getRawAuthority()
              + Protocol.PART_PATH
              + "?model="
              + model.profile().modelHash()
              + "&layers="
              + wanted.layers()
              + "&head="
              + wanted.head()
              + approximate
                  .map(type -> "&type=" + type.name().toLowerCase(Locale.ROOT))
                  .orElse(""));
    }

    /** The model's name as a file name that every system can have. */
    private static String fileName(String name) {
      String stem = name.replaceFirst("\\.gguf$", "").replaceAll("[^A-Za-z0-9._-]", "_");
      String safe = stem.matches("[A-Za-z0-9].*") ? stem : "model" + stem;
      return safe.substring(0, Math.min(MAX_NAME, safe.length())) + ".gguf";
    }
  }

  /** Passes a download's progress on, and ends it if that is asked for. */
  private static final class Progress implements PullListener {
    private final LoadListener listener;
    private volatile Runnable stop = () -> {};

    Progress(LoadListener listener) {
      this.listener = listener;
    }

    @Override
    public void downloaded(long bytes, long total) {
      if (!listener.converted(bytes, total)) {
        stop.run();
      }
    }

    @Override
    public void note(String line) {
      listener.note(line);
    }
  }
}
