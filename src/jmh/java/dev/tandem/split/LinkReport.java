package dev.tandem.split;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.File;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;

/**
 * A split model over slow links, as processes of their own: {@code tandem server}, {@link SlowWire}
 * and {@code tandem client}. Prints Markdown.
 *
 * <p>Arguments are {@code NAME=VALUE}; see {@link #DEFAULTS}.
 */
public final class LinkReport implements AutoCloseable {
  /** What is measured where nothing else is said. */
  private static final Map<String, String> DEFAULTS =
      Map.ofEntries(
          Map.entry("tandem", ""), // words that run the command line
          Map.entry("models", ""), // random models of GPT-2's shape
          Map.entry("text-model", "gpt2-shakespeare"), // one that draws texts
          Map.entry("draft-model", ""),
          Map.entry("parts", "replies,drafts,prompt,split"),
          Map.entry("rtt", "20,50,150"),
          Map.entry("mbit", "5"),
          Map.entry("replies", "hidden,topk,logits"),
          Map.entry("wires", "f32,f16,q8_0"),
          Map.entry("temperatures", "0,0.7,1"),
          Map.entry("cuts", "0,3,6,9,12"),
          Map.entry("tokens", "40"),
          Map.entry("text-tokens", "180"),
          Map.entry("repeat", "5"),
          Map.entry("loopback", "false"));

  private static final String SOME_IDS = "11 262 318 257";
  private static final int PROMPT = 512;

  private final Map<String, String> options;
  private final LinkHosts hosts;
  private final String source;

  private LinkReport(Map<String, String> options) throws IOException {
    this.options = options;
    hosts = new LinkHosts(Boolean.parseBoolean(option("loopback")));
    source = option("wire-source");
  }

  private String option(String name) {
    return Objects.requireNonNull(options.get(name), name);
  }

  private List<String> list(String name) {
    return Arrays.stream(option(name).split(",")).filter(each -> !each.isEmpty()).toList();
  }

  private List<String> tandem(String... words) {
    List<String> command = new ArrayList<>(List.of(option("tandem").split(" ")));
    command.addAll(List.of(words));
    return command;
  }

  /** A server and the wire to it. */
  private final class Link implements AutoCloseable {
    private final Process server;
    private final Process wire;
    private final String url;
    private final boolean slowClient;

    Link(String model, String rtt, boolean slowClient, boolean slowServer) throws IOException {
      this.slowClient = slowClient;
      server =
          hosts.start(
              LinkHosts.Host.SERVER,
              slowServer,
              tandem("server", "-c", model, "-a", hosts.serverAddress(), "-o", "0", "--insecure"));
      String listening = LinkHosts.firstLine(server);
      String port = listening.replaceAll(".*:(\\d+)/.*", "$1");
      wire =
          hosts.start(
              LinkHosts.Host.WIRE,
              false,
              List.of(
                  javaProgram(),
                  source,
                  hosts.wireAddress() + ":0",
                  hosts.serverAddress() + ":" + port,
                  rtt,
                  option("mbit")));
      url =
          "ws://"
              + hosts.wireAddress()
              + ":"
              + LinkHosts.firstLine(wire).replaceAll("\\D", "")
              + "/v1/split";
    }

    /** What a client prints. */
    JsonNode client(String model, int n, String... words) throws IOException {
      return tryClient(model, n, words)
          .orElseThrow(() -> new IOException("the client does not know an option"));
    }

    /** What a client prints; empty if it does not know an option. */
    Optional<JsonNode> tryClient(String model, int n, String... words) throws IOException {
      List<String> command =
          tandem("client", "--server", url, "-c", model, "-n", "" + n, "--ignore-eos", "--json");
      command.addAll(List.of(words));
      Process process = hosts.start(LinkHosts.Host.CLIENT, slowClient, command);
      byte[] out = process.getInputStream().readAllBytes();
      try {
        int code = process.waitFor();
        if (code == 2) {
          return Optional.empty();
        }
        if (code != 0) {
          throw new IOException("the client ended with " + code + ": " + command);
        }
      } catch (InterruptedException e) {
        throw new IOException(e);
      }
      return Optional.of(new ObjectMapper().readTree(out));
    }

    @Override
    public void close() throws IOException {
      LinkHosts.stop(wire);
      LinkHosts.stop(server);
    }
  }

  private static String javaProgram() {
    return System.getProperty("java.home") + File.separator + "bin" + File.separator + "java";
  }

  private static double number(JsonNode result, String group, String name) {
    return result.get(group).get(name).asDouble();
  }

  /** What a token of a long run costs beyond a run of one token. */
  private static double perToken(JsonNode one, JsonNode many, String name) {
    return (number(many, "wire", name) - number(one, "wire", name))
        / number(many, "timings", "decode_tokens");
  }

  private static void line(Object... cells) {
    StringBuilder row = new StringBuilder("|");
    for (Object cell : cells) {
      String text = cell instanceof Double d ? String.format(Locale.ROOT, "%.2f", d) : "" + cell;
      row.append(' ').append(text).append(" |");
    }
    System.out.println(row);
  }

  private static void head(String title, String... cells) {
    System.out.println("\n### " + title + "\n");
    line((Object[]) cells);
    System.out.println("|" + "---|".repeat(cells.length));
  }

  private static String name(String model) {
    return model.substring(model.lastIndexOf(File.separatorChar) + 1);
  }

  private void replies() throws IOException {
    head(
        "Replies and rows",
        "model",
        "round trip, ms",
        "reply",
        "rows",
        "ms/token",
        "round trips/token",
        "bytes sent/token",
        "bytes received/token");
    int n = Integer.parseInt(option("tokens"));
    for (String model : list("models")) {
      for (String rtt : list("rtt")) {
        try (Link link = new Link(model, rtt, false, false)) {
          for (String reply : list("replies")) {
            for (String wire : list("wires")) {
              String[] words = {
                "--ids", SOME_IDS, "-t", "0", "--split", "0", "--reply", reply, "--wire", wire
              };
              JsonNode one = link.client(model, 1, words);
              JsonNode many = link.client(model, n + 1, words);
              line(
                  name(model),
                  rtt,
                  reply,
                  wire,
                  number(many, "timings", "ms_per_token"),
                  perToken(one, many, "round_trips"),
                  perToken(one, many, "bytes_sent"),
                  perToken(one, many, "bytes_received"));
            }
          }
        }
      }
    }
  }

  private void drafts() throws IOException {
    String model = option("text-model");
    head(
        "Drafts (" + name(model) + ")",
        "round trip, ms",
        "temperature",
        "draft",
        "ms/token",
        "of none",
        "round trips/token",
        "compared",
        "accepted");
    int n = Integer.parseInt(option("text-tokens"));
    List<String> drafts = new ArrayList<>(List.of("none", "ngram"));
    drafts.addAll(list("draft-model"));
    for (String rtt : list("rtt")) {
      try (Link link = new Link(model, rtt, false, false)) {
        for (String temperature : list("temperatures")) {
          double none = 0;
          for (String draft : drafts) {
            String[] words = {"-t", temperature, "-s", "1", "--draft", draft, "ROMEO:"};
            JsonNode one = link.client(model, 1, words);
            JsonNode many = link.client(model, n + 1, words);
            double ms = number(many, "timings", "ms_per_token");
            none = draft.equals("none") ? ms : none;
            double compared = number(many, "draft", "compared");
            line(
                rtt,
                temperature,
                name(draft),
                ms,
                ms / none,
                perToken(one, many, "round_trips"),
                (int) compared,
                compared == 0 ? "" : number(many, "draft", "accepted") / compared);
          }
        }
      }
    }
  }

  private void prompt() throws IOException {
    head("Prompt of " + PROMPT + " tokens", "model", "round trip, ms", "rows", "ms to its logits");
    StringBuilder ids = new StringBuilder();
    for (int i = 0; i < PROMPT; i++) {
      ids.append((997 * i + 5) % 50257).append(' ');
    }
    for (String model : list("models")) {
      for (String rtt : list("rtt")) {
        try (Link link = new Link(model, rtt, false, false)) {
          for (String wire : list("wires")) {
            JsonNode result =
                link.client(
                    model, 1, "--ids", ids.toString().strip(), "--split", "0", "--wire", wire);
            line(name(model), rtt, wire, number(result, "timings", "prompt_ms"));
          }
        }
      }
    }
  }

  /** {@code --split auto} beside fixed cuts, with one end at a quarter of a processor. */
  private void split() throws IOException {
    List<String> columns = new ArrayList<>(List.of("model", "round trip, ms", "slow end"));
    list("cuts").forEach(cut -> columns.add("K=" + cut + ", ms/token"));
    columns.addAll(List.of("best K", "auto, ms/token", "of the best"));
    head("Where the model is cut", columns.toArray(String[]::new));
    for (String model : list("models")) {
      for (String rtt : list("rtt")) {
        for (boolean slowClient : new boolean[] {true, false}) {
          try (Link link = new Link(model, rtt, slowClient, !slowClient)) {
            line(cuts(link, model, rtt, slowClient ? "client" : "server").toArray());
          }
        }
      }
    }
  }

  private List<Object> cuts(Link link, String model, String rtt, String slow) throws IOException {
    List<String> cuts = new ArrayList<>(list("cuts"));
    cuts.add("auto");
    Map<String, List<Double>> times = new HashMap<>();
    for (int i = 0; i < Integer.parseInt(option("repeat")); i++) { // in turn
      for (String cut : cuts) {
        Optional<JsonNode> result =
            link.tryClient(
                model,
                Integer.parseInt(option("tokens")) + 1,
                "--ids",
                SOME_IDS,
                "-t",
                "0",
                "--split",
                cut);
        if (result.isPresent()) {
          times
              .computeIfAbsent(cut, each -> new ArrayList<>())
              .add(number(result.get(), "timings", "ms_per_token"));
        }
      }
    }
    List<Object> row = new ArrayList<>(List.of(name(model), rtt, slow));
    String best = "";
    double least = Double.POSITIVE_INFINITY;
    for (String cut : list("cuts")) {
      double ms = median(times.getOrDefault(cut, List.of()));
      row.add(ms);
      if (ms < least) {
        least = ms;
        best = cut;
      }
    }
    row.add(best);
    List<Double> auto = times.getOrDefault("auto", List.of());
    row.add(auto.isEmpty() ? "not there" : median(auto));
    row.add(auto.isEmpty() ? "" : median(auto) / least);
    return row;
  }

  private static double median(List<Double> values) {
    double[] sorted = values.stream().mapToDouble(Double::doubleValue).sorted().toArray();
    return sorted[sorted.length / 2];
  }

  private void run() throws IOException {
    System.out.println(
        "Client, wire and server are processes; between them: "
            + hosts.description()
            + ". "
            + option("mbit")
            + " Mbit/s in each direction. The slow end has a quarter of a processor (control group).");
    for (String part : list("parts")) {
      switch (part) {
        case "replies" -> replies();
        case "drafts" -> drafts();
        case "prompt" -> prompt();
        case "split" -> split();
        default -> throw new IllegalArgumentException("no part " + part);
      }
    }
  }

  @Override
  public void close() {
    hosts.close();
  }

  /** Measures and prints. */
  public static void main(String[] args) throws IOException {
    Map<String, String> options = new HashMap<>(DEFAULTS);
    for (String arg : args) {
      int equals = arg.indexOf('=');
      options.put(arg.substring(0, equals), arg.substring(equals + 1));
    }
    try (LinkReport report = new LinkReport(options)) {
      report.run();
    }
  }
}
