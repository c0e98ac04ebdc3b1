package dev.tandem.client;

import dev.tandem.protocol.ErrorCode;
import dev.tandem.protocol.ModelOffer;
import dev.tandem.protocol.ProtocolException;
import dev.tandem.protocol.SequenceLimits;
import dev.tandem.protocol.TensorHash;
import dev.tandem.settings.ProfileDifference;
import dev.tandem.settings.ProfileException;
import dev.tandem.stage.ArithmeticProfile;
import dev.tandem.stage.MissingSpanException;
import java.io.IOException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Compares a server's offer with a client's request. */
final class RemoteModels {
  private RemoteModels() {}

  static RemoteModel read(ModelOffer offer) throws ProtocolException {
    checkFrames(offer);
    return new RemoteModel(
        offer.name(),
        offer.nLayers(),
        offer.offered(),
        offer.profile().ofServer(offer.model()),
        offer.layerMillis(),
        offer.files());
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
    throw models.get(0).isNot(server, "another", hash);
  }

  private static void check(RemoteModel model, StageRequest request, String server)
      throws IOException {
    ArithmeticProfile served = model.profile();
    compare(request.profile().withModelHash(served.modelHash()), served, server);
    try {
      request.span().checkWithin(model.offered().span(), server);
    } catch (MissingSpanException e) {
      throw new IOException(e.getMessage(), e);
    }
  }

  /** Checks that a server computes as requested. */
  static void compare(ArithmeticProfile here, ArithmeticProfile served, String server)
      throws ProfileException {
    List<ProfileDifference> differences = here.differences(served);
    if (!differences.isEmpty()) {
      throw new ProfileException(server, differences);
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
