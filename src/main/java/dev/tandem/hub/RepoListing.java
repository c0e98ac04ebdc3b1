package dev.tandem.hub;

import dev.tandem.hub.cache.FileNames;
import dev.tandem.hub.cache.HubException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.regex.Pattern;

/**
 * The files of a repository at one commit, as {@code GET
 * /api/models/OWNER/NAME/revision/REVISION?blobs=true} lists them: {@code {"sha": COMMIT,
 * "siblings": [{"rfilename", "size", "blobId", "lfs": {"sha256", "size"}}]}}. {@code blobId} is
 * git's name of the content, except if there is an {@code lfs}: then it is the name of a pointer.
 *
 * @param files by path
 */
record RepoListing(String repository, String commit, Map<String, RepoFile> files) {
  private static final Pattern COMMIT = Pattern.compile("[0-9a-f]{40}([0-9a-f]{24})?");
  private static final int MAX_FILES = 100_000;

  /**
   * Reads a hub's answer.
   *
   * @throws HubException if the answer is malformed, or lists a file outside of the repository
   */
  static RepoListing parse(String repository, byte[] answer) throws HubException {
    HubAnswerFields root = HubAnswerFields.parse("the hub's description of " + repository, answer);
    String commit = root.textOrEmpty("sha");
    if (!COMMIT.matcher(commit).matches()) {
      throw root.unusable("\"sha\" must be a commit", root.any("sha"));
    }
    Object siblings = root.any("siblings");
    if (!(siblings instanceof List<?> list) || list.size() > MAX_FILES) {
      throw root.unusable("\"siblings\" must be a list of files", siblings);
    }
    Map<String, RepoFile> files = new LinkedHashMap<>();
    for (HubAnswerFields sibling : root.objects("siblings")) {
      RepoFile file = file(repository, commit, sibling);
      if (files.put(file.path(), file) != null) {
        throw root.unusable("each file must be listed once", file.path());
      }
    }
    return new RepoListing(repository, commit, files);
  }

  private static RepoFile file(String repository, String commit, HubAnswerFields sibling)
      throws HubException {
    if (!(sibling.any("rfilename") instanceof String path) || FileNames.isHostile(path)) {
      throw sibling.unusable(
          "\"rfilename\" must be a path inside of the repository", sibling.any("rfilename"));
    }
    HubAnswerFields lfs = sibling.objectOrNull("lfs");
    OptionalLong bytes = lfs == null ? OptionalLong.empty() : lfs.bytes("size");
    if (bytes.isEmpty()) {
      bytes = sibling.bytes("size");
    }
    Optional<ContentHash> hash =
        lfs == null
            ? ContentHash.of(ContentHash.Kind.GIT_SHA1, sibling.textOrEmpty("blobId"))
            : ContentHash.of(ContentHash.Kind.SHA256, lfs.textOrEmpty("sha256"));
    return new RepoFile(repository, commit, path, bytes, hash);
  }

  /** A file by its path. */
  Optional<RepoFile> find(String path) {
    return Optional.ofNullable(files.get(path));
  }
}
