package dev.tandem.hub;

import dev.tandem.hub.cache.FileNames;
import dev.tandem.hub.cache.HubException;
import dev.tandem.settings.Remedy;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;
import java.util.function.Predicate;

/**
 * The files of a repository that a model needs: configuration, tokenizer, and the weights in the
 * best available format.
 *
 * @param files the files that are needed in any case
 * @param index the index that names the shards of the weights, if there are several
 */
record FileSelection(List<RepoFile> files, Optional<RepoFile> index) {
  private static final List<String> CONFIGURATION =
      List.of("config.json", "generation_config.json");
  private static final List<String> TOKENIZER =
      List.of(
          "tokenizer.json",
          "tokenizer_config.json",
          "special_tokens_map.json",
          "added_tokens.json",
          "vocab.json",
          "merges.txt",
          "tokenizer.model",
          "tokenizer.bin",
          "chat_template.jinja",
          "chat_template.json");

  /** Tokenizer files. One of them is enough to encode text; the others refine it. */
  private static final List<String> VOCABULARIES =
      List.of("tokenizer.json", "vocab.json", "tokenizer.model", "tokenizer.bin");

  /** Weight files, the best first. An index stands for the shards that it names. */
  private static final List<String> WEIGHTS =
      List.of(
          "model.safetensors",
          "model.safetensors.index.json",
          "pytorch_model.bin",
          "pytorch_model.bin.index.json",
          "consolidated.00.pth");

  private static final String INDEX = ".index.json";
  private static final String GGUF = ".gguf";
  private static final int MAX_NAMED = 20;
  private static final int MAX_SHARDS = 1000;

  /**
   * Chooses the files.
   *
   * @param chosen the requested file of weights; empty for the best available one
   * @throws HubException if the repository does not hold that file, or no files of a model
   */
  static FileSelection of(RepoListing listing, Optional<String> chosen) throws HubException {
    RepoFile weights = chosen.isPresent() ? named(listing, chosen.get()) : best(listing);
    List<RepoFile> files = new ArrayList<>();
    if (!weights.path().endsWith(GGUF)) { // a GGUF file contains everything
      CONFIGURATION.forEach(name -> listing.find(name).ifPresent(files::add));
      TOKENIZER.forEach(name -> listing.find(name).ifPresent(files::add));
    }
    files.add(weights);
    boolean sharded = weights.path().endsWith(INDEX);
    return new FileSelection(files, sharded ? Optional.of(weights) : Optional.empty())
        .withoutDuplicates(listing.repository());
  }

  /** Whether these files lack a tokenizer, so that it must come from another repository. */
  boolean lacksTokenizer() {
    return files.stream()
        .noneMatch(file -> VOCABULARIES.contains(file.path()) || file.path().endsWith(GGUF));
  }

  /** The file of a tokenizer in its original form, in a repository that has it. */
  static RepoFile sentencePiece(RepoListing listing) throws HubException {
    return named(listing, "tokenizer.model");
  }

  private static RepoFile named(RepoListing listing, String path) throws HubException {
    Optional<RepoFile> file = listing.find(path);
    if (file.isEmpty()) {
      throw new HubException(
          listing.repository()
              + " has no file '"
              + path
              + "'; it has "
              + some(listing, name -> !name.startsWith(".")));
    }
    return file.get();
  }

  private static RepoFile best(RepoListing listing) throws HubException {
    for (String name : WEIGHTS) {
      Optional<RepoFile> weights = listing.find(name);
      if (weights.isPresent()) {
        if (listing.find("config.json").isEmpty()) {
          throw new HubException(
              listing.repository() + " has no config.json, so " + name + " cannot be read",
              Remedy.set("file", "FILE", "to choose a file that does not need one"));
        }
        return weights.get();
      }
    }
    boolean gguf = listing.files().keySet().stream().anyMatch(name -> name.endsWith(GGUF));
    throw new HubException(
        gguf
            ? listing.repository()
                + " holds several GGUF models: "
                + some(listing, name -> name.endsWith(GGUF))
            : listing.repository()
                + " has no weights in a known format (model.safetensors, pytorch_model.bin, .gguf);"
                + " it has "
                + some(listing, name -> !name.startsWith(".")),
        Remedy.set("file", "FILE", "to choose one"));
  }

  private static String some(RepoListing listing, Predicate<String> wanted) {
    List<String> names = listing.files().keySet().stream().filter(wanted).sorted().toList();
    return names.size() <= MAX_NAMED
        ? names.isEmpty() ? "none" : String.join(", ", names)
        : String.join(", ", names.subList(0, MAX_NAMED))
            + " and "
            + (names.size() - MAX_NAMED)
            + " more";
  }

  /**
   * The shards that an index names: {@code {"weight_map": {TENSOR: FILE}}}.
   *
   * @throws HubException if it is malformed, or names a file that the repository does not have
   */
  static List<RepoFile> shards(RepoListing listing, RepoFile index, byte[] content)
      throws HubException {
    Object map = HubAnswerFields.parse(index.toString(), content).any("weight_map");
    TreeSet<String> names = new TreeSet<>();
    if (map instanceof Map<?, ?> byTensor) {
      byTensor.values().forEach(shard -> names.add(String.valueOf(shard)));
    }
    if (names.isEmpty() || names.size() > MAX_SHARDS) {
      throw new HubException(index + ": \"weight_map\" must name 1 to " + MAX_SHARDS + " files");
    }
    List<RepoFile> shards = new ArrayList<>();
    for (String name : names) {
      if (name.contains("/")) { // readers look for it beside the index
        throw new HubException(index + " names a file in a folder: '" + name + "'");
      }
      shards.add(named(listing, name));
    }
    return new FileSelection(shards, Optional.empty())
        .withoutDuplicates(listing.repository())
        .files();
  }

  /** Checks the local names of the files. */
  private FileSelection withoutDuplicates(String repository) throws HubException {
    Map<String, RepoFile> byName = new LinkedHashMap<>();
    for (RepoFile file : files) {
      Optional<String> problem = FileNames.problem(file.path());
      if (problem.isPresent()) {
        throw new HubException(
            repository + ": the file name '" + file.path() + "' is refused: " + problem.get());
      }
      if (byName.put(file.name(), file) != null) {
        throw new HubException(repository + ": two files would be '" + file.name() + "'");
      }
    }
    return this;
  }
}
