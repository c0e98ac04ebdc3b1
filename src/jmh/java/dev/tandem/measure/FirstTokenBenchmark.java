package dev.tandem.measure;

import dev.tandem.convert.Conversion;
import dev.tandem.convert.ConversionOptions;
import dev.tandem.decoding.GenerationException;
import dev.tandem.decoding.TokenSink;
import dev.tandem.formats.Checkpoints;
import dev.tandem.generation.GenerationRequest;
import dev.tandem.generation.GenerationResult;
import dev.tandem.model.Checkpoint;
import dev.tandem.random.RandomModels;
import dev.tandem.runtime.ModelRuntime;
import dev.tandem.runtime.WholeRuntime;
import dev.tandem.settings.EngineSettings;
import dev.tandem.settings.Reply;
import dev.tandem.settings.SamplingOptions;
import dev.tandem.tensor.DType;
import dev.tandem.types.ConversionProgress;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/** From a q8_0 file to the first token, in a virtual machine that has done it before. */
@BenchmarkMode(Mode.SingleShotTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Fork(3)
@Warmup(iterations = 8)
@Measurement(iterations = 15)
@State(Scope.Benchmark)
public class FirstTokenBenchmark {
  private static final long SEED = 42;
  private static final ConversionOptions OPTIONS =
      new ConversionOptions(Optional.of(DType.Q8_0), Optional.empty(), false);

  private Path directory = Path.of("");
  private Path file = directory;
  private int[] expected = {};

  /** Writes the file, and notes the token. */
  @Setup(Level.Trial)
  public void write() throws IOException, GenerationException {
    directory = Files.createTempDirectory("tandem-first-token");
    file = directory.resolve("gpt2-q8_0.gguf");
    try (Checkpoint model = RandomModels.drawn("gpt2", DType.F32, SEED)) {
      Conversion.of(model, file, OPTIONS).run(ConversionProgress.NONE);
    }
    expected = firstToken().ids();
    if (expected.length != 1) {
      throw new IllegalStateException("generated " + expected.length + " tokens");
    }
  }

  /** Deletes the file. */
  @TearDown(Level.Trial)
  public void delete() throws IOException {
    Files.delete(file);
    Files.delete(directory);
  }

  /** Everything is opened again; only the page cache and the loaded classes stay. */
  @Benchmark
  public GenerationResult firstToken() throws IOException, GenerationException {
    try (Checkpoint checkpoint = Checkpoints.open(file.toString(), Optional.empty());
        ModelRuntime model = WholeRuntime.open(checkpoint, EngineSettings.defaults())) {
      return model
          .newGenerator(Reply.LOGITS)
          .run(
              GenerationRequest.of(model.tokenizer().encodePrompt("Once upon a time", false))
                  .sampling(SamplingOptions.greedy())
                  .maxTokens(1)
                  .ignoreEos(true),
              TokenSink.NONE);
    }
  }
}
