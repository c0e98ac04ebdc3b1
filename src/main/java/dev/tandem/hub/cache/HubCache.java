package dev.tandem.hub.cache;

import dev.tandem.settings.InvalidSettingException;
import dev.tandem.settings.ModelSource;
import java.io.IOException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * The pulled models, below {@code models/OWNER/NAME} of the cache:
 *
 * <pre>
 * COMMIT/MODEL/            a model's files; absent until all of them are complete
 * refs/REVISION/MODEL      the commit that the revision was when the model was last pulled
 * partial/COMMIT/MODEL/    files of a model that is not complete
 * lock                     held by the process that pulls
 * </pre>
 *
 * <p>Parts that servers offered lie in directories below {@code parts}, each named by its content.
 */
public final class HubCache {
  private static final String REFS = "refs";
  private static final Pattern COMMIT = Pattern.compile("[0-9a-f]{40}([0-9a-f]{24})?");
  private static final Pattern TAG = Pattern.compile("[A-Za-z0-9][A-Za-z0-9-]{0,199}");
  private static final String GGUF = ".gguf";

  private final Path models;
  private final Path parts;

  /**
   * A cache in a directory.
   *
   * @param directory created by the first pull
   */
  public HubCache(Path directory) {
    this.models = directory.resolve("models").toAbsolutePath();
    this.parts = directory.resolve("parts").toAbsolutePath();
  }

  /**
   * The user's cache: {@code TANDEM_CACHE}, otherwise {@code tandem} below {@code XDG_CACHE_HOME}
   * or {@code ~/.cache}.
   *
   * @throws HubException if that is not a valid path
   */
  public static HubCache ofUser(Map<String, String> environment, String home) throws HubException {
    try {
      return new HubCache(ModelSource.userCache(environment, home));
    } catch (InvalidSettingException e) {
      throw new HubException("TANDEM_CACHE, XDG_CACHE_HOME or the home directory is no path", e);
    }
  }

  /**
   * Finds a pulled model by its name.
   *
   * @param name as {@code pull} takes it
   * @return its directory, or its file if it is a single GGUF file; empty if the name is invalid or
   *     the model was not pulled
   */
  public Optional<Path> find(String name) {
    try {
      return find(HubModel.of(name));
    } catch (IllegalArgumentException e) {
      return Optional.empty();
    }
  }

  /** Finds a pulled model; see {@link #find(String)}. */
  public Optional<Path> find(HubModel model) {
    Path repository = models.resolve(model.repository());
    if (COMMIT.matcher(model.revision()).matches()) {
      Path commit = repository.resolve(model.revision());
      Optional<Path> main = content(commit.resolve(model.directoryName()));
      return main.isPresent() || model.file().isPresent() ? main : any(commit);
    }
    Path refs = repository.resolve(REFS).resolve(Percent.encoded(model.revision()));
    try {
      Optional<Path> ref =
          model.file().isPresent()
              ? Optional.of(refs.resolve(model.directoryName()))
              : latest(list(refs), refs.resolve(model.directoryName()));
      return ref.isEmpty() ? Optional.empty() : ofRef(repository, ref.get());
    } catch (IOException e) {
      return Optional.empty();
    }
  }

  /** The model with the name of its repository, otherwise the one that was pulled last. */
  private static Optional<Path> latest(List<Path> refs, Path main) {
    return refs.contains(main)
        ? Optional.of(main)
        : refs.stream().max(Comparator.comparing(HubCache::modified));
  }

  private static FileTime modified(Path file) {
    try {
      return Files.getLastModifiedTime(file);
    } catch (IOException e) {
      return FileTime.fromMillis(0);
    }
  }

  private static Optional<Path> any(Path commit) {
    try {
      return list(commit).stream().flatMap(model -> content(model).stream()).findFirst();
    } catch (IOException e) {
      return Optional.empty();
    }
  }

  private static Optional<Path> ofRef(Path repository, Path ref) throws IOException {
    String commit = read(ref);
    return COMMIT.matcher(commit).matches()
        ? content(repository.resolve(commit).resolve(name(ref)))
        : Optional.empty();
  }

  private static String read(Path ref) throws IOException {
    return Files.size(ref) > 100 ? "" : Files.readString(ref).strip();
  }

  /** The path that opens a model: its directory, or the GGUF file in it. */
  private static Optional<Path> content(Path directory) {
    if (!Files.isDirectory(directory, LinkOption.NOFOLLOW_LINKS)) {
      return Optional.empty();
    }
    Path gguf = directory.resolve(name(directory) + GGUF);
    return Optional.of(Files.isRegularFile(gguf, LinkOption.NOFOLLOW_LINKS) ? gguf : directory);
  }

  /**
   * All models in the cache, by name.
   *
   * @throws HubException if the cache cannot be read
   */
  public List<PulledModel> list() throws HubException {
    List<PulledModel> found = new ArrayList<>();
    try {
      for (Path owner : list(models)) {
        for (Path repository : list(owner)) {
          for (Path commit : list(repository)) {
            if (COMMIT.matcher(name(commit)).matches()) {
              for (Path model : list(commit)) {
                found.addAll(pulled(name(owner) + "/" + name(repository), name(commit), model));
              }
            }
          }
        }
      }
    } catch (IOException e) {
      throw new HubException("cannot read the cache: " + HubException.reason(e), e);
    }
    found.sort(Comparator.comparing(PulledModel::name));
    return found;
  }

  /**
   * Lists a model under each revision that points to it, or under its commit if none does any more.
   */
  private List<PulledModel> pulled(String repository, String commit, Path model)
      throws IOException {
    Optional<Path> content = content(model);
    if (content.isEmpty()) {
      return List.of();
    }
    long bytes = 0;
    for (Path file : list(model)) {
      bytes += Files.size(file);
    }
    List<String> revisions = new ArrayList<>();
    for (Path revision : list(models.resolve(repository).resolve(REFS))) {
      Path ref = revision.resolve(name(model));
      if (Files.exists(ref) && read(ref).equals(commit)) {
        revisions.add(Percent.decoded(name(revision)));
      }
    }
    List<PulledModel> names = new ArrayList<>();
    for (String revision : revisions.isEmpty() ? List.of(commit) : revisions) {
      names.add(new PulledModel(name(repository, revision, model), commit, bytes, content.get()));
    }
    return names;
  }

  private static String name(String repository, String revision, Path model) throws IOException {
    String directoryName = name(model);
    Optional<String> file = Optional.empty();
    if (!repository.endsWith("/" + directoryName)) {
      file =
          list(model).stream()
              .map(HubCache::name)
              .filter(entry -> entry.startsWith(directoryName + "."))
              .findFirst();
    }
    return new HubModel(repository, revision, file).toString();
  }

  private static String name(Path path) {
    return Objects.toString(path.getFileName(), "");
  }

  /** The entries of a directory; none if it is not a directory. */
  public static List<Path> entries(Path directory) throws HubException {
    try {
      return list(directory);
    } catch (IOException e) {
      throw new HubException("cannot read " + directory + ": " + HubException.reason(e), e);
    }
  }

  private static List<Path> list(Path directory) throws IOException {
    List<Path> entries = new ArrayList<>();
    try (DirectoryStream<Path> stream = Files.newDirectoryStream(directory)) {
      stream.forEach(entries::add);
    } catch (NoSuchFileException | NotDirectoryException e) {
      return List.of();
    } catch (DirectoryIteratorException e) {
      throw e.getCause();
    }
    entries.sort(Comparator.naturalOrder());
    return entries;
  }

  /** A number of bytes for people, such as {@code 548 MB}. */
  public static String shown(long bytes) {
    return Storage.shown(bytes);
  }

  /**
   * The directory of a part of a model, created if it is missing.
   *
   * @param tag identifies the part's content; of letters, digits and dashes
   * @throws HubException if it cannot be created, or the tag is no name
   */
  public Path part(String tag) throws HubException {
    if (!TAG.matcher(tag).matches()) {
      throw new HubException("'" + HubException.oneLine(tag) + "' does not identify a part");
    }
    return Storage.directory(Storage.root(parts), tag);
  }

  /** A repository's own directory, created if it is missing. */
  public Path repository(HubModel model) throws HubException {
    String[] name = model.repositoryParts();
    return Storage.directory(Storage.root(models), name[0], name[1]);
  }

  /** Stores the commit of a revision; the model must already be in its place. */
  public static void setRef(Path repository, HubModel model, String commit) throws HubException {
    Path refs = Storage.directory(repository, REFS, Percent.encoded(model.revision()));
    Path ref = refs.resolve(model.directoryName());
    try {
      Path temporary = Files.createTempFile(refs, ".ref", "");
      Files.writeString(temporary, commit + "\n");
      Files.move(temporary, ref, StandardCopyOption.ATOMIC_MOVE);
    } catch (IOException e) {
      throw Storage.unwritable(ref, e);
    }
  }
}
