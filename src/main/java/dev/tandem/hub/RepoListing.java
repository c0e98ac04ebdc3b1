package dev.tandem.hub;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.tandem.hub.cache.FileNames;
import dev.tandem.hub.cache.HubException;
import java.io.IOException;
import java.util.LinkedHashMap;
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

  static final ObjectMapper JSON =
      new ObjectMapper(
              JsonFactory.builder().enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION).build())
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS);

  /**
   * Reads a hub's answer.
   *
   * @throws HubException if the answer is malformed, or lists a file outside of the repository
   */
  static RepoListing parse(String repository, byte[] answer) throws HubException {
    JsonNode root = json(answer, "the hub's description of " + repository);
    String commit = root.path("sha").asText();
    if (!COMMIT.matcher(commit).matches()) {
      throw bad(repository, "\"sha\" must be a commit", root.path("sha"));
    }
    JsonNode siblings = root.path("siblings");
    if (!siblings.isArray() || siblings.size() > MAX_FILES) {
      throw bad(repository, "\"siblings\" must be a list of files", siblings);
    }
    Map<String, RepoFile> files = new LinkedHashMap<>();
    for (JsonNode sibling : siblings) {
      RepoFile file = file(repository, commit, sibling);
      if (files.put(file.path(), file) != null) {
        throw bad(repository, "each file must be listed once", sibling.path("rfilename"));
      }
    }
    return new RepoListing(repository, commit, files);
  }

  private static RepoFile file(String repository, String commit, JsonNode sibling)
      throws HubException {
    JsonNode path = sibling.path("rfilename");
    if (!path.isTextual() || FileNames.isHostile(path.textValue())) {
      throw bad(repository, "\"rfilename\" must be a path inside of the repository", path);
    }
    JsonNode lfs = sibling.path("lfs");
    OptionalLong bytes =
        bytes(repository, lfs.isObject() ? lfs.path("size") : sibling.path("size"));
    if (bytes.isEmpty()) {
      bytes = bytes(repository, sibling.path("size"));
    }
    Optional<ContentHash> hash =
        lfs.isObject()
            ? ContentHash.of(ContentHash.Kind.SHA256, lfs.path("sha256").asText())
            : ContentHash.of(ContentHash.Kind.GIT_SHA1, sibling.path("blobId").asText());
    return new RepoFile(repository, commit, path.textValue(), bytes, hash);
  }

  private static OptionalLong bytes(String repository, JsonNode size) throws HubException {
    if (size.isMissingNode() || size.isNull()) {
      return OptionalLong.empty();
    }
    if (!size.isIntegralNumber() || !size.canConvertToLong() || size.longValue() < 0) {
      throw bad(repository, "\"size\" must be a number of bytes", size);
    }
    return OptionalLong.of(size.longValue());
  }

  /** Parses what a hub sent. */
  static JsonNode json(byte[] bytes, String what) throws HubException {
    try {
      JsonNode root = JSON.readTree(bytes);
      if (root != null && root.isObject()) {
        return root;
      }
      throw new HubException(what + " is not a JSON object; is HF_ENDPOINT right?");
    } catch (HubException e) {
      throw e;
    } catch (IOException e) {
      String reason =
          e instanceof JsonProcessingException json
              ? json.getOriginalMessage()
              : HubException.reason(e);
      throw new HubException(
          what + " is malformed JSON (" + reason + "); is HF_ENDPOINT right?", e);
    }
  }

  private static HubException bad(String repository, String expected, JsonNode got) {
    String shown = got.isMissingNode() ? "nothing" : got.toString();
    return new HubException(
        "the hub's description of "
            + repository
            + " cannot be used: "
            + expected
            + ", got "
            + (shown.length() > 100 ? shown.substring(0, 100) + "..." : shown));
  }

  /** A file by its path. */
  Optional<RepoFile> find(String path) {
    return Optional.ofNullable(files.get(path));
  }
}
