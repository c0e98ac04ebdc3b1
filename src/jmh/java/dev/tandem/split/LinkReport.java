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
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

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
          Map.entry("prompts", "ROMEO:|First Citizen:|KING RICHARD III:|What is the"),
          Map.entry("draft-model", ""),
          Map.entry("parts", "replies,drafts,prompt,split"),
          Map.entry("rtt", "20,50,150"),
          Map.entry("mbit", "5"),
          Map.entry("replies", "hidden,topk,logits"),
          Map.entry("wires", "f32,f16,q8_0"),
          Map.entry("temperatures", "0.7,0,1"), // all replies and rows at the first one
          Map.entry("cuts", "0,6,12"),
          Map.entry("tokens", "20"),
          Map.entry("text-tokens", "100"),
          Map.entry("repeat", "5"),
          Map.entry("loopback", "false"));

  private static final Pattern LAYERS_HERE =
      Pattern.compile("layers? (?:\\d+\\.\\.)?(\\d+)(?: and the head)? here");
  private static final String AUTO = "auto";
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
      List<String> command =
          tandem("client", "--server", url, "-c", model, "-n", "" + n, "--ignore-eos", "--json");
      command.addAll(List.of(words));
      Process process = hosts.start(LinkHosts.Host.CLIENT, slowClient, command);
      byte[] out = process.getInputStream().readAllBytes();
      try {
        int code = process.waitFor();
        if (code != 0) {
          throw new IOException("the client ended with " + code + ": " + command);
        }
      } catch (InterruptedException e) {
        throw new IOException(e);
      }
      return new ObjectMapper().readTree(out);
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

  static double number(JsonNode result, String group, String name) {
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
    head(
        "Drafts (" + name(option("text-model")) + ")",
        "round trip, ms",
        "temperature",
        "reply",
        "rows",
        "draft",
        "ms/token",
        "of none",
        "round trips/token",
        "bytes sent/token",
        "bytes received/token",
        "compared",
        "accepted");
    List<String> temperatures = list("temperatures");
    List<String> prompts = List.of(option("prompts").split("\\|"));
    for (String rtt : list("rtt")) {
      try (Link link = new Link(option("text-model"), rtt, false, false)) {
        for (String temperature : temperatures) {
          drafts(link, prompts, rtt, temperature, "hidden", "f32");
        }
        for (String reply : list("replies")) {
          for (String wire : list("wires")) {
            if (!(reply + wire).equals("hiddenf32")) {
              drafts(link, prompts.subList(0, 1), rtt, temperatures.get(0), reply, wire);
            }
          }
        }
      }
    }
  }

  private void drafts(Link link, List<String> prompts, String... how) throws IOException {
    List<String> drafts = new ArrayList<>(List.of("none", "ngram"));
    drafts.addAll(list("draft-model"));
    double none = 0;
    for (String draft : drafts) {
      DraftSum sum = new DraftSum();
      for (String prompt : prompts) {
        String[] words = {
          "--split", "0", "-t", how[1], "--reply", how[2], "--wire", how[3], "-s", "1", "--draft",
          draft, prompt
        };
        String model = option("text-model");
        sum.add(
            link.client(model, 1, words),
            link.client(model, Integer.parseInt(option("text-tokens")) + 1, words));
      }
      none = draft.equals("none") ? sum.perToken("decode_ms") : none;
      List<Object> row = new ArrayList<>(List.of((Object[]) how));
      row.addAll(List.of(name(draft), sum.perToken("decode_ms"), sum.perToken("decode_ms") / none));
      row.addAll(List.of(sum.perToken("round_trips"), sum.perToken("bytes_sent")));
      row.addAll(List.of(sum.perToken("bytes_received"), (int) sum.of("compared")));
      row.add(sum.of("compared") == 0 ? "" : sum.of("accepted") / sum.of("compared"));
      line(row.toArray());
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
    columns.addAll(List.of("best K", "auto, ms/token", "of the best", "auto chose"));
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
    cuts.add(AUTO);
    Map<String, List<Double>> times = new HashMap<>();
    SortedSet<String> chosen = new TreeSet<>();
    for (int i = 0; i < Integer.parseInt(option("repeat")); i++) { // in turn
      for (String cut : cuts) {
        int n = Integer.parseInt(option("tokens")) + 1;
        JsonNode result = link.client(model, n, "--ids", SOME_IDS, "-t", "0", "--split", cut);
        times
            .computeIfAbsent(cut, each -> new ArrayList<>())
            .add(number(result, "timings", "ms_per_token"));
        if (cut.equals(AUTO)) {
          chosen.add(chosen(result.get("wire").get("chain").asText()));
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
    double auto = median(times.getOrDefault(AUTO, List.of()));
    row.addAll(List.of(best, auto, auto / least, String.join("; ", chosen)));
    return row;
  }

  /** Which cut and reply a client names. */
  private static String chosen(String chain) {
    Matcher here = LAYERS_HERE.matcher(chain);
    String cut = here.find() ? "K=" + (1 + Integer.parseInt(here.group(1))) : "K=0";
    String reply = chain.contains("best") ? "topk" : "logits";
    return !chain.contains(" on ws")
        ? cut
        : cut + (chain.contains("head here") ? ", hidden" : ", " + reply);
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
