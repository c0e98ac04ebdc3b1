package dev.tandem.api;

import dev.tandem.engine.Engine;
import dev.tandem.engine.NativeException;
import dev.tandem.generation.GenerationRequest;
import dev.tandem.generation.GenerationResult;
import dev.tandem.runtime.SplitExactnessTest;
import dev.tandem.settings.Draft;
import dev.tandem.settings.EngineSettings;
import dev.tandem.settings.ModelSource;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * One model whole, and its servers, alone and in chains, with and without a prefix cache. The last
 * server of a chain computes with AVX2 and one thread, where the processor has it.
 */
final class Fleet implements AutoCloseable {
  static final boolean AVX2 = hasAvx2();
  static final int CHUNK = 16;
  private static final long CACHE_BYTES = 64 << 20;

  private final String model;
  private final String draftModel;
  private final TextModel whole;
  private final Map<String, List<ModelServer>> chains = new HashMap<>();
  private final Map<String, Expected> expected = new HashMap<>();

  /**
   * What the whole model makes of a request; its log-probabilities as a hash, for they are many.
   */
  record Expected(List<Integer> ids, String text, int logprobs) {
    static Expected of(GenerationResult result) {
      List<Integer> ids = Arrays.stream(result.ids()).boxed().toList();
      return new Expected(ids, result.text(), result.tokens().hashCode());
    }
  }

  /**
   * @param draftModel the small model that guesses
   */
  Fleet(String model, String draftModel) {
    this.model = model;
    this.draftModel = draftModel;
    whole = Tandem.model(model).settings(settings("")).open();
  }

  private static boolean hasAvx2() {
    try (Engine engine = new Engine(1, "avx2")) {
      return engine.isa().equals("avx2");
    } catch (NativeException e) {
      return false;
    }
  }

  private static EngineSettings settings(String isa) {
    return SplitExactnessTest.settings(CHUNK, true, 1, isa);
  }

  synchronized List<ModelServer> chain(int n, boolean caches) {
    return chains.computeIfAbsent(n + " " + caches, key -> start(n, caches));
  }

  private List<ModelServer> start(int n, boolean caches) {
    int nLayers = whole.info().nLayers();
    List<ModelServer> servers = new ArrayList<>();
    for (int i = 0; i < n; i++) {
      boolean other = n > 1 && i == n - 1;
      ServerBuilder builder =
          Tandem.server(model)
              .settings(settings(other && AVX2 ? "avx2" : ""))
              .layers(i * nLayers / n, (i + 1) * nLayers / n)
              .port(0);
      servers.add((caches ? builder.prefixCache(CACHE_BYTES).sharePrefixes() : builder).start());
    }
    return servers;
  }

  SplitModel connect(Combination.Connections how) {
    SplitBuilder builder =
        Tandem.split(model)
            .settings(settings(""))
            .layers(how.layers())
            .reply(how.answer().reply)
            .topLogits(how.answer().k);
    chain(how.servers(), how.caches()).forEach(server -> builder.server(server.uri()));
    switch (how.guesses()) {
      case NONE -> {}
      case NGRAM -> builder.draft(Draft.ngram());
      case MODEL -> builder.draft(Draft.model(ModelSource.of(draftModel)));
    }
    return builder.connect();
  }

  /** Bytes of a row of that model. */
  long rowBytes() {
    return 4L * whole.info().dModel();
  }

  GenerationResult wholeResult(GenerationRequest request) {
    return whole.generate(request);
  }

  /**
   * What the whole model makes of a request.
   *
   * @param key says which request it is
   */
  Expected expected(String key, GenerationRequest request) {
    return expected.computeIfAbsent(key, unused -> Expected.of(wholeResult(request)));
  }

  @Override
  public void close() {
    chains.values().forEach(chain -> chain.forEach(ModelServer::close));
    whole.close();
  }
}
