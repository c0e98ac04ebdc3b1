package dev.tandem.hub.cache;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A user's name for a model of a hub.
 *
 * @param repository {@code OWNER/NAME}
 * @param revision a branch, tag or commit
 * @param file the file of weights, if the user chose one of several
 */
public record HubModel(String repository, String revision, Optional<String> file) {
  private static final String DEFAULT_REVISION = "main";
  private static final String TINYLLAMAS = "karpathy/tinyllamas";

  private static final Map<String, String> SHORT_NAMES =
      new TreeMap<>(
          Map.ofEntries(
              Map.entry("gpt2", "openai-community/gpt2"),
              Map.entry("gpt2-medium", "openai-community/gpt2-medium"),
              Map.entry("gpt2-large", "openai-community/gpt2-large"),
              Map.entry("gpt2-xl", "openai-community/gpt2-xl"),
              Map.entry("distilgpt2", "distilbert/distilgpt2"),
              Map.entry("tinyllama", "TinyLlama/TinyLlama-1.1B-Chat-v1.0"),
              Map.entry("smollm2-135m", "HuggingFaceTB/SmolLM2-135M"),
              Map.entry("stories15M", TINYLLAMAS + "/stories15M.bin"),
              Map.entry("stories42M", TINYLLAMAS + "/stories42M.bin"),
              Map.entry("stories110M", TINYLLAMAS + "/stories110M.bin")));

  /** {@code OWNER/NAME}, optionally {@code /FILE}, optionally {@code @REVISION}. */
  private static final Pattern NAME =
      Pattern.compile("([^/@]+/[^/@]+)(?:/([^@]+))?(?:@(.+))?", Pattern.DOTALL);

  private static final Pattern REPOSITORY =
      Pattern.compile("[A-Za-z0-9_][A-Za-z0-9._-]{0,95}/[A-Za-z0-9_][A-Za-z0-9._-]{0,95}");
  private static final Pattern REVISION =
      Pattern.compile("(?!.*\\.\\.)[A-Za-z0-9_][A-Za-z0-9._/+-]{0,99}");

  /**
   * Checks the parts.
   *
   * @throws IllegalArgumentException if one of them is not a valid name
   */
  public HubModel {
    require(REPOSITORY.matcher(repository).matches(), "a repository (OWNER/NAME)", repository);
    require(!repository.contains(".."), "a repository (OWNER/NAME)", repository);
    require(REVISION.matcher(revision).matches(), "a branch, tag or commit", revision);
    if (file.isPresent()) {
      require(FileNames.problem(file.get()).isEmpty(), "a file of a repository", file.get());
    }
  }

  private static void require(boolean holds, String what, String got) {
    if (!holds) {
      throw new IllegalArgumentException("'" + HubException.oneLine(got) + "' is not " + what);
    }
  }

  /**
   * Reads {@code SHORT-NAME[@REVISION]} or {@code OWNER/NAME[/FILE][@REVISION]}.
   *
   * @throws IllegalArgumentException if the text is neither
   */
  public static HubModel of(String text) {
    int at = text.indexOf('@');
    String name = at < 0 ? text : text.substring(0, at);
    String full = SHORT_NAMES.getOrDefault(name, name) + (at < 0 ? "" : text.substring(at));
    Matcher parts = NAME.matcher(full);
    if (!parts.matches()) {
      throw new IllegalArgumentException(
          "no model '"
              + HubException.oneLine(text)
              + "'; give a repository of the hub as OWNER/NAME, or one of "
              + String.join(", ", shortNames()));
    }
    return new HubModel(
        parts.group(1),
        Optional.ofNullable(parts.group(3)).orElse(DEFAULT_REVISION),
        Optional.ofNullable(parts.group(2)));
  }

  /** The short names of repositories, in alphabetical order. */
  public static List<String> shortNames() {
    return List.copyOf(SHORT_NAMES.keySet());
  }

  /** Owner and name. */
  public String[] repositoryParts() {
    return repository.split("/", -1);
  }

  /** The same model at another revision. */
  public HubModel atRevision(String other) {
    return new HubModel(repository, other, file);
  }

  /** The same repository's model in another file. */
  public HubModel withFile(String other) {
    return new HubModel(repository, revision, Optional.of(other));
  }

  /**
   * The repository that has the tokenizer if this one has none. The tokenizer of the tinyllamas was
   * published only beside llama2.c's source. It is Llama 2's, and this repository holds its
   * original form.
   */
  public Optional<HubModel> tokenizerSource() {
    return repository.equals(TINYLLAMAS) ? Optional.of(of("tinyllama")) : Optional.empty();
  }

  /**
   * The name of the model's own directory: the name of the chosen file without its suffix,
   * otherwise the repository's name. (A llama2.c checkpoint is found as {@code NAME/NAME.bin}.)
   */
  public String directoryName() {
    if (file.isEmpty()) {
      return repository.substring(repository.indexOf('/') + 1);
    }
    String name = FileNames.last(file.get());
    int dot = name.lastIndexOf('.');
    return dot > 0 ? name.substring(0, dot) : name;
  }

  /** The model's name as a user would write it: its short name if it has one. */
  @Override
  public String toString() {
    String full = repository + file.map(name -> "/" + name).orElse("");
    String name =
        SHORT_NAMES.entrySet().stream()
            .filter(entry -> entry.getValue().equals(full))
            .map(Map.Entry::getKey)
            .findFirst()
            .orElse(full);
    return revision.equals(DEFAULT_REVISION) ? name : name + "@" + revision;
  }
}
