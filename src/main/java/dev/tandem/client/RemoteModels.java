package dev.tandem.client;

import dev.tandem.protocol.ErrorCode;
import dev.tandem.protocol.ModelOffer;
import dev.tandem.protocol.ProtocolException;
import dev.tandem.protocol.SequenceLimits;
import dev.tandem.protocol.TensorHash;
import dev.tandem.protocol.WireProfile;
import dev.tandem.settings.ActivationEval;
import dev.tandem.settings.KvType;
import dev.tandem.stage.ArithmeticMode;
import dev.tandem.stage.ArithmeticProfile;
import dev.tandem.stage.MissingSpanException;
import dev.tandem.stage.PromptKernel;
import dev.tandem.tensor.DType;
import java.io.IOException;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/** Compares a server's offer with a client's request. */
final class RemoteModels {
  private RemoteModels() {}

  static RemoteModel read(ModelOffer offer) throws ProtocolException {
    checkFrames(offer);
    return new RemoteModel(
        offer.name(), offer.nLayers(), offer.offered(), read(offer.profile(), offer.model()));
  }

  /** Frames of C rows must fit a message, whatever sizes the server claims. */
  private static void checkFrames(ModelOffer offer) throws ProtocolException {
    int chunkRows = offer.profile().chunkRows();
    if (chunkRows == 0
        || !SequenceLimits.fit(chunkRows, offer.offered().dModel(), offer.offered().vocabSize())) {
      throw new ProtocolException(
          ErrorCode.LIMIT,
          "the server claims chunks of "
              + chunkRows
              + " rows of "
              + offer.offered().dModel()
              + " elements and a vocabulary of "
              + offer.offered().vocabSize()
              + ", which fit no message");
    }
  }

  static ArithmeticProfile read(WireProfile profile, String modelHash) throws ProtocolException {
    return new ArithmeticProfile(
        modelHash,
        allNamed(DType.class, profile.weights(), "weight type"),
        named(ActivationEval.class, profile.activation(), "activation"),
        named(KvType.class, profile.kv(), "KV type"),
        named(ArithmeticMode.class, profile.mode(), "mode"),
        profile.chunkRows(),
        profile.promptKernels().equals(WireProfile.ROW_EXACT)
            ? Set.of()
            : allNamed(PromptKernel.class, profile.promptKernels(), "kernel for prompts"),
        profile.blas());
  }

  static WireProfile write(ArithmeticProfile profile) {
    return new WireProfile(
        WireProfile.names(profile.matrixTypes()),
        wireName(profile.activationEval()),
        wireName(profile.kvType()),
        wireName(profile.mode()),
        profile.chunkRows(),
        profile.promptKernels().isEmpty()
            ? WireProfile.ROW_EXACT
            : WireProfile.names(profile.promptKernels()),
        profile.blas());
  }

  private static String wireName(Enum<?> value) {
    return value.name().toLowerCase(Locale.ROOT);
  }

  private static <E extends Enum<E>> Set<E> allNamed(Class<E> type, String names, String what)
      throws ProtocolException {
    Set<E> values = EnumSet.noneOf(type);
    for (String name : WireProfile.names(names)) {
      values.add(named(type, name, what));
    }
    return values;
  }

  private static <E extends Enum<E>> E named(Class<E> type, String name, String what)
      throws ProtocolException {
    for (E value : type.getEnumConstants()) {
      if (wireName(value).equals(name)) {
        return value;
      }
    }
    throw new ProtocolException(
        ErrorCode.UNSUPPORTED,
        "the server's " + what + " '" + name + "' is unknown to this client");
  }

  /** The model of the request. */
  static RemoteModel find(List<RemoteModel> models, StageRequest request, String server)
      throws IOException {
    String hash = request.profile().modelHash();
    for (RemoteModel model : models) {
      if (hash.isEmpty() || hash.equals(model.profile().modelHash())) {
        check(model, request, server);
        return model;
      }
    }
    throw new IOException(
        server
            + " serves model "
            + models.get(0).profile().modelHash()
            + ", here it is "
            + hash
            + "; use the same model on both sides");
  }

  private static void check(RemoteModel model, StageRequest request, String server)
      throws IOException {
    WireProfile wanted = write(request.profile());
    WireProfile served = write(model.profile());
    if (!wanted.equals(served)) {
      throw new IOException(
          server
              + " computes ("
              + served
              + "), here it is ("
              + wanted
              + "); start both with the same options");
    }
    try {
      request.span().checkWithin(model.offered().span(), server);
    } catch (MissingSpanException e) {
      throw new IOException(e.getMessage(), e);
    }
  }

  /** Compares the client's tensors with the server's. */
  static void compareTensors(
      List<ModelOffer> offers, RemoteModel model, List<TensorHash> held, String server)
      throws IOException {
    Map<String, TensorHash> served = new HashMap<>();
    for (ModelOffer offer : offers) {
      if (offer.model().equals(model.profile().modelHash())) {
        offer.tensors().forEach(tensor -> served.put(tensor.name(), tensor));
      }
    }
    for (TensorHash tensor : held) {
      TensorHash other = served.get(tensor.name());
      if (other == null) {
        throw new IOException(server + " does not list tensor " + tensor.name());
      }
      if (!other.equals(tensor)) {
        throw new IOException(
            "tensor "
                + tensor.name()
                + " differs: "
                + server
                + " has "
                + other
                + ", here "
                + tensor);
      }
    }
  }
}
