package dev.tandem.cli;

import static dev.tandem.cli.CommandRun.tandem;
import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.cli.terminal.Cli;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Wrong usage: exit code 2 and one line that says what is wrong. */
class UsageErrorsTest {

  /** Arguments, and what the message must say. */
  record Wrong(String says, List<String> args) {
    static Wrong says(String says, String... args) {
      return new Wrong(says, List.of(args));
    }
  }

  static Stream<Wrong> commands() {
    return Stream.of(
        Wrong.says("no command given; for example: tandem generate"),
        Wrong.says("no command 'genrate'; did you mean generate?", "genrate"),
        Wrong.says("no option --sytem; did you mean --system?", "inspect", "--sytem"),
        Wrong.says("Missing required parameter: 'TEXT'", "tokenize"),
        Wrong.says("expected one of [bash, zsh] but was 'fish'", "completion", "fish"),
        Wrong.says("ids are numbers between blanks, got 'x'", "detokenize", "1", "x"),
        Wrong.says("id 1024 is not in 0..1023", "detokenize", "1024"),
        Wrong.says("id -1 is not in 0..1023", "detokenize", "--", "-1"),
        Wrong.says("no option --verbos; did you mean --verbose?", "bench", "--verbos"));
  }

  static Stream<Wrong> prompts() {
    return Stream.of(
        Wrong.says("unexpected 'b'; put quotes around", "generate", "a", "b"),
        Wrong.says("unexpected '-n'", "generate", "--", "-a", "-n"),
        Wrong.says("put a text that begins with - after --", "generate", "-_"),
        Wrong.says("give the prompt once", "generate", "a", "--prompt", "b"),
        Wrong.says("give the prompt once", "generate", "a", "--ids", "1"),
        Wrong.says("give the prompt once", "client", "-i", "a", "--ids", "1"),
        Wrong.says("specified only once", "generate", "-i", "a", "-i", "b"),
        Wrong.says("got 'x'", "generate", "--ids", "1 x"),
        Wrong.says("got '99999999999'", "generate", "--ids", "99999999999"),
        Wrong.says("id 1024 is not in 0..1023", "generate", "--ids", "1 1024"),
        Wrong.says("id -1 is not in 0..511", "generate", "-c", "stories260K", "--ids", "-1"),
        Wrong.says("--ids needs at least one id", "generate", "--ids", " "));
  }

  static Stream<Wrong> sampling() {
    return Stream.of(
            Wrong.says("--temperature must be 0 or in [1e-30, 1e30], got NaN", "-t", "NaN"),
            Wrong.says("--temperature must be", "-t", "-1"),
            Wrong.says("--temperature must be", "-t", "Infinity"),
            Wrong.says("'--temperature': 'warm' is not a number", "-t", "warm"),
            Wrong.says("--top-p must be in [0, 1], got 1.5", "--top-p", "1.5"),
            Wrong.says("--top-p must be in [0, 1], got NaN", "-p", "NaN"),
            Wrong.says("--top-k must be >= 0, got -1", "--top-k", "-1"),
            Wrong.says("--min-p must be in [0, 1], got -0.5", "--min-p", "-0.5"),
            Wrong.says("--repeat-penalty must be", "--repeat-penalty", "0"),
            Wrong.says("--presence-penalty must be", "--presence-penalty", "NaN"),
            Wrong.says("--frequency-penalty must be", "--frequency-penalty", "Infinity"),
            Wrong.says("--logit-bias must be ID=BIAS", "--logit-bias", "5=NaN"),
            Wrong.says("'5' is not ID=BIAS, such as 15=-2.5", "--logit-bias", "5"),
            Wrong.says("'x' is not a number", "--logit-bias", "5=x"),
            Wrong.says("'x' is not a whole number", "--seed", "x"),
            Wrong.says("expected one of [philox, llama2c] but was 'dice'", "--rng", "dice"),
            Wrong.says("--max-tokens must be >= 0, got -1", "-n", "-1"),
            Wrong.says("is not a whole number, or too large", "-n", "99999999999"),
            Wrong.says("--stop must not be empty", "--stop", ""),
            Wrong.says("Missing required parameter for option '--stop'", "--stop"))
        .flatMap(wrong -> Stream.of(below("generate", wrong), below("client", wrong)));
  }

  static Stream<Wrong> engine() {
    return Stream.of(
            Wrong.says("--threads must be in 0..128, got -1", "--threads", "-1"),
            Wrong.says("--threads must be in 0..128, got 2000", "--threads", "2000"),
            Wrong.says("'--threads': 'two' is not a whole number", "--threads", "two"),
            Wrong.says("expected one of [table, formula] but was 'exact'", "--gelu", "exact"),
            Wrong.says("expected one of [f32, f16, q8_0] but was 'q4_0'", "--kv-type", "q4_0"),
            Wrong.says("Missing required parameter for option '--kv-type'", "--kv-type"),
            Wrong.says("--chunk must be in 0..4096, got -1", "--chunk", "-1"))
        .flatMap(
            wrong ->
                Stream.of(
                    below("generate", wrong), below("client", wrong), below("server", wrong)));
  }

  static Stream<Wrong> network() {
    return Stream.of(
        Wrong.says("--port must be in 1..65535, got 0", "client", "-o", "0"),
        Wrong.says("--port must be in 1..65535, got 65536", "client", "-o", "65536"),
        Wrong.says("'http' is not a whole number", "client", "-o", "http"),
        Wrong.says("--address must be a host name", "client", "-a", "a b"),
        Wrong.says("--split must be at least 0, got -1", "client", "--split", "-1"),
        Wrong.says(
            "--split must be in 0..4, got 5", "client", "--split", "5", "-c", "gpt2-shakespeare"),
        Wrong.says(
            "expected one of [hidden, topk, logits] but was 'best'", "client", "--reply", "best"),
        Wrong.says("--server must be ws://HOST:PORT", "client", "--server", "garbage"),
        Wrong.says("--server must be ws://HOST:PORT", "client", "--server", "http://localhost/"),
        Wrong.says("--server must be ws://HOST:PORT", "client", "--server", "ws://h:99999/"),
        Wrong.says("--server must be ws://HOST:PORT", "client", "--server", "ws://a b/"),
        Wrong.says("--port must be at most 65535", "server", "-o", "65536"),
        Wrong.says("--port must be at least 0, got -1", "server", "-o", "-1"),
        Wrong.says("--max-sequences must be at least 1", "server", "--max-sequences", "0"),
        Wrong.says(
            "--max-sequences-per-address must be at least 1",
            "server",
            "--max-sequences-per-address",
            "0"),
        Wrong.says("--max-context must be at least 0", "server", "--max-context", "-1"),
        Wrong.says(
            "add --api-key-file, or --insecure if this is intended", "server", "-a", "0.0.0.0"));
  }

  static Stream<Wrong> bench() {
    return Stream.of(
        Wrong.says("no shape 'gpt5'; there are gpt2,", "bench", "--shape", "gpt5"),
        Wrong.says("--repeat must be at least 1, got 0", "bench", "--repeat", "0"),
        Wrong.says("--threads must be at least 0, got -1", "bench", "--threads", "1,-1"),
        Wrong.says("--batch must be at least 1, got 0", "bench", "--batch", "0"),
        Wrong.says("--context must be at least 0, got -1", "bench", "--context", "-1"),
        Wrong.says("--prompt-tokens must be at least 1", "bench", "--prompt-tokens", "0"));
  }

  static Stream<Wrong> backends() {
    return Stream.of(
        Wrong.says("no backend 'cuda'; there are java, naive,", "generate", "--backend", "cuda"),
        Wrong.says("no backend ''", "perplexity", "-f", "x", "--backend", ""),
        Wrong.says("--backend must be fast or java for a split", "client", "--backend", "naive"),
        Wrong.says("--backend must be fast or java for a split", "server", "--backend", "blas"),
        Wrong.says("no backend 'gpu'", "compare", "--backend", "fast,gpu"),
        Wrong.says("--max-tokens must be at least 1, got 0", "compare", "-n", "0"),
        Wrong.says("no shape 'gpt5'; there are gpt2,", "compare", "--shape", "gpt5"),
        Wrong.says("give the prompt once", "compare", "a", "--ids", "1"),
        Wrong.says("id 1024 is not in 0..1023", "compare", "--ids", "1024"),
        Wrong.says("--draft needs --draft-replay", "bench", "--draft", "ngram"),
        Wrong.says(
            "--draft-replay cannot be combined with --ablate",
            "bench",
            "--draft-replay",
            "x.txt",
            "--ablate"),
        Wrong.says(
            "--placement must have a server",
            "bench",
            "--draft-replay",
            "README.md",
            "--placement",
            "whole"),
        Wrong.says("--ablate cannot be combined with --batch", "bench", "--ablate", "--batch", "2"),
        Wrong.says(
            "--ablate cannot be combined with --backend", "bench", "--ablate", "--backend", "fast"),
        Wrong.says("--threads must be one number", "bench", "--ablate", "--threads", "1,2"),
        Wrong.says("--repeat must be at least 1, got 0", "bench", "--ablate", "--repeat", "0"),
        Wrong.says(
            "--backend must be fast or java where a model is split, got naive",
            "bench",
            "--backend",
            "naive",
            "--placement",
            "k0-hidden"));
  }

  private static Wrong below(String command, Wrong wrong) {
    return new Wrong(
        wrong.says(), Stream.concat(Stream.of(command), wrong.args().stream()).toList());
  }

  @ParameterizedTest
  @MethodSource({"commands", "prompts", "sampling", "engine", "network", "bench", "backends"})
  void wrongArgumentsAreToldInOneLine(Wrong wrong) {
    tandem(wrong.args().toArray(String[]::new)).assertFails(Cli.USAGE, wrong.says(), " --help)");
  }

  @Test
  void aWrongVariableIsNamed() {
    tandem(Map.of("TANDEM_MAX_TOKENS", "many"), "generate")
        .assertFails(Cli.USAGE, "'many' is not a whole number", "from TANDEM_MAX_TOKENS");
    tandem(Map.of("TANDEM_JSON", "perhaps"), "generate")
        .assertFails(Cli.USAGE, "'perhaps' is not a boolean", "from TANDEM_JSON");
  }

  @Test
  void aVariableThatDoesNotCountIsNotBlamed() {
    CommandRun run = tandem(Map.of("TANDEM_MAX_TOKENS", "5"), "generate", "-n", "many");
    run.assertFails(Cli.USAGE, "'many' is not a whole number");
    assertThat(run.err()).doesNotContain("TANDEM_");
  }
}
