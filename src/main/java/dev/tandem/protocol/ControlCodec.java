package dev.tandem.protocol;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tandem.settings.InvalidSettingException;
import dev.tandem.settings.Offer;
import dev.tandem.settings.Output;
import dev.tandem.settings.RowType;
import dev.tandem.stage.Span;
import dev.tandem.stage.StageSpec;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;

/** Control messages to JSON and back; unknown fields are ignored. */
public final class ControlCodec {
  private static final int MAX_MESSAGE = 500;
  private static final ObjectMapper JSON = new ObjectMapper();

  private ControlCodec() {}

  /** The JSON of a client's control message. */
  public static String encodeClient(ClientMessage message) {
    ObjectNode json = JSON.createObjectNode();
    if (message instanceof InfoRequest info) {
      json.put("type", "info").put("version", Protocol.VERSION).put("request", info.request());
      json.put("tensors", info.tensors());
    } else if (message instanceof Open open) {
      json.put("type", "open").put("version", Protocol.VERSION).put("request", open.request());
      putUnlessEmpty(json, "model", open.model());
      putLayers(json, open.span());
      json.put("reply", open.top().isPresent() ? Protocol.TOP_K : reply(open.span().output()))
          .put("send", RowCodec.wireName(open.sendType()))
          .put("receive", RowCodec.wireName(open.receiveType()))
          .put("max_positions", open.maxPositions());
      putProfile(json, open.profile());
      open.top().ifPresent(top -> OpenExtras.putTop(json, top));
      OpenExtras.putPrefix(json, open.prefix());
    } else if (message instanceof Resume resume) {
      ResumeCodec.put(json, resume);
    } else if (message instanceof RowRequest row) {
      json.put("type", "row")
          .put("request", row.request())
          .put("sequence", row.sequence())
          .put("row", row.row());
    } else if (message instanceof CloseSequence close) {
      putClose(json, close);
    } else {
      throw new IllegalArgumentException("not a control message: " + message);
    }
    return text(json);
  }

  /** The JSON of a server's control message. */
  public static String encodeServer(ServerMessage message) {
    ObjectNode json = JSON.createObjectNode();
    if (message instanceof Info info) {
      json.put("type", "info").put("version", Protocol.VERSION).put("request", info.request());
      ArrayNode features = json.putArray("features");
      info.features().forEach(features::add);
      ArrayNode models = json.putArray("models");
      info.models().forEach(offer -> putOffer(models.addObject(), offer));
    } else if (message instanceof Opened opened) {
      json.put("type", "opened")
          .put("request", opened.request())
          .put("sequence", opened.sequence())
          .put("epoch", opened.epoch())
          .put("model", opened.model());
      putProfile(json, opened.profile());
      putLimits(json.putObject("limits"), opened.limits());
      ResumeCodec.putToken(json, opened.resume());
      if (opened.firstPosition() > 0) {
        json.put("first_position", opened.firstPosition());
      }
    } else if (message instanceof Resumed resumed) {
      ResumeCodec.put(json, resumed);
    } else if (message instanceof CloseSequence close) {
      putClose(json, close);
    } else if (message instanceof ErrorMessage error) {
      json.put("type", "error")
          .put("code", error.code().wireName())
          .put("message", oneLine(error.message()))
          .put("request", error.request())
          .put("sequence", error.sequence());
    } else {
      throw new IllegalArgumentException("not a control message: " + message);
    }
    return text(json);
  }

  /**
   * Reads a client's control message.
   *
   * @throws ProtocolException if it is not a control message of a client
   */
  public static ClientMessage decodeClient(String text) throws ProtocolException {
    ControlFields json = ControlFields.parse(text, Protocol.MAX_CLIENT_TEXT_BYTES);
    String type = json.string("type");
    return switch (type) {
      case "info" -> {
        checkVersion(json);
        yield new InfoRequest(request(json, 1), json.flag("tensors"));
      }
      case "open" -> {
        checkVersion(json);
        yield open(json);
      }
      case "resume" -> {
        checkVersion(json);
        yield ResumeCodec.resume(json);
      }
      case "row" ->
          new RowRequest(
              request(json, 1), sequence(json, 1), json.integer("row", 0, Integer.MAX_VALUE));
      case "close" -> new CloseSequence(sequence(json, 1));
      default -> throw unknownType(type);
    };
  }

  /**
   * Reads a server's control message.
   *
   * @throws ProtocolException if it is not a control message of a server
   */
  public static ServerMessage decodeServer(String text) throws ProtocolException {
    ControlFields json = ControlFields.parse(text, Protocol.MAX_SERVER_TEXT_BYTES);
    String type = json.string("type");
    return switch (type) {
      case "info" -> {
        checkVersion(json);
        yield info(json);
      }
      case "opened" ->
          new Opened(
              request(json, 1),
              sequence(json, 1),
              json.integer("epoch", 1, Integer.MAX_VALUE),
              json.string("model"),
              profile(json.fields("profile")),
              limits(json.fields("limits")),
              ResumeCodec.token(json),
              json.integerOrZero("first_position", 0, Integer.MAX_VALUE));
      case "resumed" -> ResumeCodec.resumed(json);
      case "close" -> new CloseSequence(sequence(json, 1));
      case "error" ->
          new ErrorMessage(
              named(ErrorCode.values(), ErrorCode::wireName, "code", json.string("code")),
              oneLine(json.string("message")),
              request(json, 0),
              sequence(json, 0));
      default -> throw unknownType(type);
    };
  }

  private static ProtocolException unknownType(String type) {
    return new ProtocolException(
        ErrorCode.PROTOCOL, "unknown control message '" + oneLine(type) + "'");
  }

  private static void checkVersion(ControlFields json) throws ProtocolException {
    int version = json.integer("version", 0, Integer.MAX_VALUE);
    if (version != Protocol.VERSION) {
      throw new ProtocolException(
          ErrorCode.VERSION,
          "protocol version " + version + ", this end speaks " + Protocol.VERSION);
    }
  }

  private static int request(ControlFields json, int min) throws ProtocolException {
    return json.integer("request", min, Integer.MAX_VALUE);
  }

  private static int sequence(ControlFields json, int min) throws ProtocolException {
    return json.integer("sequence", min, Integer.MAX_VALUE);
  }

  private static Open open(ControlFields json) throws ProtocolException {
    int request = request(json, 1);
    try {
      return new Open(
          request,
          json.stringOrEmpty("model"),
          layers(json, output(json.string("reply"))),
          named(RowType.values(), RowCodec::wireName, "send", json.string("send")),
          named(RowType.values(), RowCodec::wireName, "receive", json.string("receive")),
          json.integer("max_positions", 1, Integer.MAX_VALUE),
          json.has("profile") ? profile(json.fields("profile")) : WireProfile.ANY,
          json.string("reply").equals(Protocol.TOP_K)
              ? Optional.of(OpenExtras.top(json))
              : Optional.empty(),
          OpenExtras.prefix(json));
    } catch (ProtocolException e) {
      throw e.about(request, 0);
    }
  }

  private static Info info(ControlFields json) throws ProtocolException {
    List<ModelOffer> models = new ArrayList<>();
    for (ControlFields model : json.objects("models")) {
      models.add(offer(model));
    }
    return new Info(request(json, 0), json.strings("features"), models);
  }

  private static ModelOffer offer(ControlFields json) throws ProtocolException {
    Span span = layers(json, json.flag("head") ? Output.LOGITS : Output.HIDDEN);
    List<TensorHash> tensors = new ArrayList<>();
    for (ControlFields tensor : json.objects("tensors")) {
      tensors.add(
          new TensorHash(
              tensor.string("name"),
              tensor.string("type"),
              tensor.longs("shape"),
              tensor.string("sha256")));
    }
    return new ModelOffer(
        json.string("name"),
        json.string("model"),
        json.integer("n_layers", span.end(), Integer.MAX_VALUE),
        new StageSpec(
            span,
            json.integer("d_model", 1, Integer.MAX_VALUE),
            json.integer("vocab_size", 1, Integer.MAX_VALUE),
            json.integer("max_seq", 1, Integer.MAX_VALUE)),
        profile(json.fields("profile")),
        files(json.stringOrEmpty("offer")),
        json.positive("ms_per_layer"),
        tensors);
  }

  private static Offer files(String text) throws ProtocolException {
    try {
      return text.isEmpty() ? Offer.NONE : Offer.of(text);
    } catch (InvalidSettingException e) {
      throw new ProtocolException(
          ErrorCode.PROTOCOL, "field offer has the unknown value '" + oneLine(text) + "'");
    }
  }

  private static void putOffer(ObjectNode json, ModelOffer offer) {
    json.put("name", offer.name()).put("model", offer.model()).put("n_layers", offer.nLayers());
    StageSpec offered = offer.offered();
    putLayers(json, offered.span());
    json.put("head", offered.span().hasHead())
        .put("d_model", offered.dModel())
        .put("vocab_size", offered.vocabSize())
        .put("max_seq", offered.maxSeq());
    putProfile(json, offer.profile());
    if (!offer.files().equals(Offer.NONE)) {
      json.put("offer", offer.files().toString());
    }
    offer.layerMillis().ifPresent(millis -> json.put("ms_per_layer", rounded(millis)));
    if (!offer.tensors().isEmpty()) {
      ArrayNode tensors = json.putArray("tensors");
      for (TensorHash tensor : offer.tensors()) {
        ObjectNode entry = tensors.addObject();
        entry.put("name", tensor.name()).put("type", tensor.type());
        ArrayNode shape = entry.putArray("shape");
        tensor.shape().forEach(shape::add);
        entry.put("sha256", tensor.sha256());
      }
    }
  }

  /** To the nanosecond, and above 0. */
  private static double rounded(double millis) {
    return Math.max(1, Math.rint(millis * 1e6)) / 1e6;
  }

  private static WireProfile profile(ControlFields json) throws ProtocolException {
    return new WireProfile(
        json.stringOrEmpty("weights"),
        json.stringOrEmpty("activation"),
        json.stringOrEmpty("kv"),
        json.stringOrEmpty("mode"),
        json.integerOrZero("chunk_rows", 0, Protocol.MAX_CHUNK_ROWS),
        json.stringOrEmpty("prompt_kernels"),
        json.stringOrEmpty("blas"));
  }

  private static void putProfile(ObjectNode json, WireProfile profile) {
    ObjectNode fields = json.putObject("profile");
    putUnlessEmpty(fields, "weights", profile.weights());
    putUnlessEmpty(fields, "activation", profile.activation());
    putUnlessEmpty(fields, "kv", profile.kv());
    putUnlessEmpty(fields, "mode", profile.mode());
    if (profile.chunkRows() != 0) {
      fields.put("chunk_rows", profile.chunkRows());
    }
    putUnlessEmpty(fields, "prompt_kernels", profile.promptKernels());
    putUnlessEmpty(fields, "blas", profile.blas());
  }

  private static SequenceLimits limits(ControlFields json) throws ProtocolException {
    return new SequenceLimits(
        json.integer("max_rows", 1, Integer.MAX_VALUE),
        json.integer("max_out_rows", 1, Integer.MAX_VALUE),
        json.integer("max_step_bytes", FrameHeader.BYTES, Integer.MAX_VALUE),
        json.integer("max_result_bytes", FrameHeader.BYTES, Integer.MAX_VALUE),
        json.integer("max_in_flight", 1, Integer.MAX_VALUE),
        json.integer("max_positions", 1, Integer.MAX_VALUE));
  }

  private static void putLimits(ObjectNode json, SequenceLimits limits) {
    json.put("max_rows", limits.maxRows())
        .put("max_out_rows", limits.maxOutRows())
        .put("max_step_bytes", limits.maxStepBytes())
        .put("max_result_bytes", limits.maxResultBytes())
        .put("max_in_flight", limits.maxInFlight())
        .put("max_positions", limits.maxPositions());
  }

  private static void putClose(ObjectNode json, CloseSequence close) {
    json.put("type", "close").put("sequence", close.sequence());
  }

  private static void putLayers(ObjectNode json, Span span) {
    json.putArray("layers").add(span.begin()).add(span.end());
  }

  private static Span layers(ControlFields json, Output output) throws ProtocolException {
    int[] layers = json.range("layers");
    return new Span(layers[0], layers[1], output);
  }

  private static String reply(Output output) {
    return switch (output) {
      case HIDDEN -> "hidden";
      case LOGITS -> "logits";
    };
  }

  private static Output output(String reply) throws ProtocolException {
    if (reply.equals(Protocol.TOP_K)) {
      return Output.LOGITS; // of which the best are sent
    }
    return named(Output.values(), ControlCodec::reply, "reply", reply);
  }

  private static void putUnlessEmpty(ObjectNode json, String name, String value) {
    if (!value.isEmpty()) {
      json.put(name, value);
    }
  }

  private static <E> E named(E[] values, Function<E, String> nameOf, String field, String name)
      throws ProtocolException {
    for (E value : values) {
      if (nameOf.apply(value).equals(name)) {
        return value;
      }
    }
    throw new ProtocolException(
        ErrorCode.PROTOCOL, "field " + field + " has the unknown value '" + oneLine(name) + "'");
  }

  /**
   * Replaces control characters by spaces and shortens the text, because a peer's text may reach a
   * terminal.
   */
  private static String oneLine(String text) {
    String cut = text.length() > MAX_MESSAGE ? text.substring(0, MAX_MESSAGE) + "..." : text;
    return cut.replaceAll("\\p{Cntrl}", " ");
  }

  private static String text(ObjectNode json) {
    try {
      return JSON.writeValueAsString(json);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException(e);
    }
  }
}
