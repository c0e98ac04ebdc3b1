package dev.tandem.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.abort;

import de.kherud.llama.LlamaModel;
import de.kherud.llama.ModelParameters;
import de.kherud.llama.TokenPrompts;
import de.kherud.llama.args.CacheType;
import dev.tandem.decoding.TokenSink;
import dev.tandem.formats.Checkpoints;
import dev.tandem.formats.ModelWriters;
import dev.tandem.formats.files.ModelWriter;
import dev.tandem.generation.GenerationRequest;
import dev.tandem.measure.stages.RecordingStage;
import dev.tandem.model.Checkpoint;
import dev.tandem.settings.EngineSettings;
import dev.tandem.settings.KvType;
import dev.tandem.settings.SamplingOptions;
import dev.tandem.tensor.DType;
import dev.tandem.tokenizer.Tokenizer;
import dev.tandem.types.ConversionProgress;
import dev.tandem.types.TypePlan;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The GGUF files that we write, in llama.cpp. Both programs are given the same ids, those that we
 * generate greedily, and at every step the token that each would put behind them is compared, so
 * that one near tie does not make the rest incomparable.
 *
 * <p>The binding gives tokens as texts only (asked for probabilities, it aborts the process), so
 * what is compared is the text of the best token: tokens that write alike, such as stories260K's
 * byte {@code <0x41>} and its piece {@code A}, are not told apart.
 */
class LlamaCppTest {
  private static final int STEPS = 120;

  private final Path directory;

  LlamaCppTest(@TempDir Path directory) {
    this.directory = directory;
  }

  @BeforeAll
  static void nativesLoad() throws ReflectiveOperationException {
    try {
      Class.forName(LlamaModel.class.getName()); // its initialiser loads them
    } catch (LinkageError e) {
      abort("llama.cpp's library, of de.kherud:llama, does not load on this machine: " + e);
    }
  }

  /** One step: what we hold for the best token, and by how much. */
  private record Step(List<Integer> ids, String text, float gap) {}

  /**
   * Every step agrees, or is a near tie.
   *
   * @param tie the largest difference of our two best logits at which llama.cpp may choose another
   *     token. With f32 weights it is for sums in another order. For 16-bit weights llama.cpp
   *     rounds the activations, too, to 16 bits, for quantised ones to 8 bits; we compute in f32
   */
  @ParameterizedTest
  @CsvSource({
    "gpt2-shakespeare, F32, 0.01",
    "gpt2-shakespeare, F16, 0.05",
    "gpt2-shakespeare, BF16, 0.1",
    "gpt2-shakespeare, Q8_0, 0.2",
    "gpt2-shakespeare, Q4_0, 0.5",
    "stories260K, F32, 0.01",
    "stories260K, F16, 0.05",
    "stories260K, BF16, 0.1",
    "stories260K, Q8_0, 0.2",
    "stories260K, Q4_0, 0.5"
  })
  void theSameTokenIsBestAtEveryStep(String name, DType type, float tie) throws Exception {
    Path file = convert(name, type);
    List<Step> steps = steps(file);
    int same = 0;
    try (LlamaModel peer = peer(file)) {
      for (Step step : steps) {
        String theirs = TokenPrompts.next(peer, step.ids());
        if (theirs.equals(step.text())) {
          same++;
        } else {
          System.out.printf(
              "%s %s, after %d tokens: '%s', llama.cpp '%s'; gap %.5f%n",
              name, type, step.ids().size(), step.text(), theirs, step.gap());
          assertThat(step.gap()).as("gap of two best logits").isLessThan(tie);
        }
      }
    }
    System.out.printf("%s %s: %d of %d steps agree%n", name, type, same, steps.size());
    assertThat(same).isGreaterThanOrEqualTo(steps.size() * 97 / 100);
  }

  /** Negative control: another model's steps do not agree. */
  @Test
  void otherWeightsAreNoticed() throws Exception {
    List<Step> steps = steps(convert("gpt2-shakespeare", DType.F32));
    int same = 0;
    try (LlamaModel peer = peer(convert("gpt2-shakespeare", DType.F32))) {
      for (int i = 1; i < steps.size(); i++) {
        String theirs = TokenPrompts.next(peer, steps.get(i - 1).ids());
        same += theirs.equals(steps.get(i).text()) ? 1 : 0;
      }
    }
    assertThat(same).isLessThan(steps.size() / 2);
  }

  @ParameterizedTest
  @ValueSource(strings = {"gpt2-shakespeare", "stories260K"})
  void textsHaveTheSameTokens(String name) throws Exception {
    Path file = convert(name, DType.F16);
    try (Checkpoint model = Checkpoints.open(file.toString(), Optional.empty());
        LlamaModel peer = peer(file)) {
      for (String text :
          List.of(
              "ROMEO: But, soft! what light through yonder window breaks?",
              "Once upon a time, there was a little girl's dog; he'd 3 bones (or 1234).",
              "Two  blanks, a\ttab,\n\n  lines.",
              "Zo\u00eb, \ud83d\ude00 and \u4e2d\u6587")) {
        assertThat(peer.encode(text)).as(text).isEqualTo(model.tokenizer().encode(text, false));
      }
    }
  }

  /** Negative control of loading: llama.cpp checks what it loads. */
  @Test
  void aTruncatedFileDoesNotLoad() throws Exception {
    byte[] file = Files.readAllBytes(convert("stories260K", DType.F16));
    Path cut = directory.resolve("cut.gguf");
    Files.write(cut, Arrays.copyOf(file, file.length / 2));
    assertThatThrownBy(() -> peer(cut).close()).hasMessageContaining("could not load model");
  }

  private static LlamaModel peer(Path file) {
    return new LlamaModel(
        new ModelParameters()
            .setModel(file.toString())
            .setThreads(2)
            .setCacheTypeK(CacheType.F32)
            .setCacheTypeV(CacheType.F32)
            .disableLog());
  }

  private Path convert(String name, DType type) throws IOException {
    Path out = directory.resolve(name + "-" + type + ".gguf");
    ModelWriter writer = ModelWriters.of(Optional.empty(), out);
    if (!Files.exists(out)) {
      try (Checkpoint model = Checkpoints.open(name, Optional.empty())) {
        TypePlan plan = TypePlan.of(model, Optional.of(type), writer.types());
        writer.write(model, plan, out, ConversionProgress.NONE);
      }
    }
    return out;
  }

  private static List<Step> steps(Path file) throws Exception {
    List<Step> steps = new ArrayList<>();
    try (Checkpoint model = Checkpoints.open(file.toString(), Optional.empty());
        LocalChain chain =
            new LocalChain(model, EngineSettings.defaults().withKvType(KvType.F32))) {
      Tokenizer tokenizer = model.tokenizer();
      for (String prompt : List.of("ROMEO:", "Once upon a time, there was", "The king and Lily")) {
        RecordingStage stage = new RecordingStage(chain.whole());
        int[] promptIds = tokenizer.encodePrompt(prompt, false);
        int[] generated =
            new GeneratorFactory(model, model.tokenizer())
                .of(List.of(stage))
                .run(
                    GenerationRequest.of(promptIds)
                        .sampling(SamplingOptions.greedy())
                        .ignoreEos(true)
                        .maxTokens(STEPS),
                    TokenSink.NONE)
                .ids();
        List<Integer> all =
            IntStream.concat(IntStream.of(promptIds), IntStream.of(generated)).boxed().toList();
        for (int i = 0; i < generated.length; i++) {
          List<Integer> ids = all.subList(0, promptIds.length + i);
          steps.add(step(ids, stage.rows().get(i), tokenizer));
        }
      }
    }
    return steps;
  }

  private static Step step(List<Integer> ids, float[] logits, Tokenizer tokenizer) {
    int best = 0;
    int second = 1;
    for (int id = 1; id < logits.length; id++) {
      if (logits[id] > logits[best]) {
        second = best;
        best = id;
      } else if (id != best && logits[id] > logits[second]) {
        second = id;
      }
    }
    String text =
        tokenizer.stopIds().contains(best)
            ? ""
            : new String(tokenizer.bytes(best), StandardCharsets.UTF_8);
    return new Step(ids, text, logits[best] - logits[second]);
  }
}
