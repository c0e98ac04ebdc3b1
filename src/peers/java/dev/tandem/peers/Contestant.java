package dev.tandem.peers;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/** A model loaded in some engine. Its process reads what to do from standard input. */
public interface Contestant extends AutoCloseable {

  /**
   * Computes a prompt without a cache, then generates tokens greedily, none of which ends the text.
   *
   * @param promptIds the prompt, as it is fed to the model
   * @param nTokens tokens to generate, at least 1; the first follows from the prompt alone
   */
  void generate(int[] promptIds, int nTokens) throws IOException;

  @Override
  void close() throws IOException;

  /**
   * Answers lines {@code ID COUNT TOKENS} (a prompt of COUNT times the id, and how many tokens to
   * generate) with the nanoseconds that the generation took, until there are no more. The first
   * line that is written is {@code ready}; what the engine prints goes to standard error.
   */
  static void serve(Contestant contestant) throws IOException {
    PrintStream answers = System.out;
    System.setOut(System.err);
    BufferedReader requests =
        new BufferedReader(new InputStreamReader(System.in, StandardCharsets.US_ASCII));
    try (contestant) {
      answers.println("ready");
      for (String line = requests.readLine(); line != null; line = requests.readLine()) {
        int[] request = Arrays.stream(line.split(" ")).mapToInt(Integer::parseInt).toArray();
        int[] prompt = new int[request[1]];
        Arrays.fill(prompt, request[0]);
        long start = System.nanoTime();
        contestant.generate(prompt, request[2]);
        answers.println(System.nanoTime() - start);
      }
    }
  }
}
