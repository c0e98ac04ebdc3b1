package dev.tandem.split;

import static dev.tandem.split.ToyServer.anyPort;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tandem.client.RemoteStage;
import dev.tandem.client.ServerConnection;
import dev.tandem.client.StageRequest;
import dev.tandem.endpoints.ConnectionOptions;
import dev.tandem.protocol.TensorHash;
import dev.tandem.scheduler.ToyProvider;
import dev.tandem.server.OfferedModel;
import dev.tandem.server.SplitServer;
import dev.tandem.settings.Output;
import dev.tandem.stage.ArithmeticProfile;
import dev.tandem.stage.RowKind;
import dev.tandem.stage.Sequence;
import dev.tandem.stage.Span;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What a client and a server compare and refuse, and what closed stages say. */
@Timeout(120)
class SplitRefusalsTest {
  private ToyServer toy;

  @BeforeEach
  void start() throws IOException {
    toy = new ToyServer(anyPort());
  }

  @AfterEach
  void stop() {
    toy.close();
    assertThat(toy.model.openSequences()).isZero();
    assertThat(toy.server.activeSequences()).isZero();
  }

  @Test
  void modelProfileLayersAndTensorsAreCompared() throws Exception {
    ArithmeticProfile served = toy.model.profile();
    ArithmeticProfile otherModel =
        new ArithmeticProfile(
            "beef",
            served.matrixTypes(),
            served.activationEval(),
            served.kvType(),
            served.mode(),
            served.chunkRows(),
            served.promptKernels(),
            served.blas());
    ArithmeticProfile otherBlas =
        new ArithmeticProfile(
            served.modelHash(),
            served.matrixTypes(),
            served.activationEval(),
            served.kvType(),
            served.mode(),
            served.chunkRows(),
            served.promptKernels(),
            "OtherBLAS 2.0");
    try (ServerConnection connection = toy.connect()) {
      assertThat(connection.models()).hasSize(1);
      assertThat(connection.models().get(0).profile()).isEqualTo(served);
      assertThatThrownBy(
              () -> connection.stage(new StageRequest(Span.layers(0, 4), otherModel, List.of())))
          .isInstanceOf(IOException.class)
          .hasMessageContaining("beef")
          .hasMessageContaining(served.modelHash().substring(0, 12));
      assertThatThrownBy(
              () -> connection.stage(new StageRequest(Span.layers(0, 4), otherBlas, List.of())))
          .isInstanceOf(IOException.class)
          .hasMessageContaining("OtherBLAS 2.0")
          .hasMessageContaining("ToyBLAS 1.0");
      assertThatThrownBy(
              () -> connection.stage(new StageRequest(Span.layers(0, 9), served, List.of())))
          .isInstanceOf(IOException.class)
          .hasMessageContaining("0:4")
          .hasMessageContaining("0:9");
      assertThatThrownBy(
              () -> toy.stage(connection, 0, Output.HIDDEN).openSequence(ToyServer.MAX_SEQ + 1))
          .isInstanceOf(IOException.class)
          .hasMessageContaining("401 positions")
          .hasMessageContaining("400");
    }
  }

  @Test
  void theListOfTensorsIsComparedOnRequest() throws Exception {
    List<TensorHash> tensors =
        List.of(
            new TensorHash("wte.weight", "f32", List.of(37L, 24L), "aa"),
            new TensorHash("wpe.weight", "f32", List.of(400L, 24L), "bb"));
    ToyProvider model = toy.model;
    try (SplitServer listing =
            SplitServer.start(
                anyPort(), List.of(new OfferedModel("toy", ToyProvider.LAYERS, tensors, model)));
        ServerConnection connection =
            ServerConnection.connect(
                URI.create("ws://127.0.0.1:" + listing.port()), ConnectionOptions.defaults())) {
      connection
          .stage(new StageRequest(Span.layers(0, 4), model.profile(), tensors.subList(0, 1)))
          .close();
      TensorHash other = new TensorHash("wpe.weight", "f32", List.of(400L, 24L), "cc");
      assertThatThrownBy(
              () ->
                  connection.stage(
                      new StageRequest(Span.layers(0, 4), model.profile(), List.of(other))))
          .isInstanceOf(IOException.class)
          .hasMessageContaining("wpe.weight")
          .hasMessageContaining("bb")
          .hasMessageContaining("cc");
    }
  }

  @Test
  void plainHttpSaysWhatIsServed() throws Exception {
    HttpClient http = HttpClient.newHttpClient();
    String base = "http://127.0.0.1:" + toy.server.port();
    HttpResponse<String> info =
        http.send(
            HttpRequest.newBuilder(URI.create(base + "/v1/info")).build(),
            HttpResponse.BodyHandlers.ofString());
    assertThat(info.statusCode()).isEqualTo(200);
    assertThat(info.body()).contains("\"n_layers\":4").contains("ToyBLAS 1.0");
    assertThat(
            http.send(
                    HttpRequest.newBuilder(URI.create(base + "/")).build(),
                    HttpResponse.BodyHandlers.ofString())
                .statusCode())
        .isEqualTo(404);
    assertThatThrownBy(
            () ->
                ServerConnection.connect(
                    URI.create("ws://127.0.0.1:" + toy.server.port() + "/other"),
                    ConnectionOptions.defaults()))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("HTTP 404");
  }

  @Test
  void closedStagesAndSequencesSaySo() throws Exception {
    float[] rows = ToyServer.randomRows(new Random(7), 1);
    ServerConnection connection = toy.connect();
    RemoteStage stage = toy.stage(connection, 0, Output.HIDDEN);
    Sequence sequence = stage.openSequence(4);
    sequence.close();
    sequence.close();
    assertThatThrownBy(sequence::length).isInstanceOf(IllegalStateException.class);
    assertThatThrownBy(() -> ToyServer.step(stage, sequence, 0, rows, 1, RowKind.GENERATED, 1))
        .isInstanceOf(IllegalStateException.class);
    stage.close();
    stage.close();
    assertThatThrownBy(() -> stage.openSequence(4)).isInstanceOf(IllegalStateException.class);
    connection.close();
    connection.close();
    assertThatThrownBy(() -> toy.stage(connection, 0, Output.HIDDEN).openSequence(4))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("is closed");
  }
}
