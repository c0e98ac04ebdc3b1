package dev.tandem.hub;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * What a hub states of a file's content.
 *
 * @param kind how it is computed
 * @param hex lower case
 */
record ContentHash(Kind kind, String hex) {
  private static final Pattern HEX = Pattern.compile("[0-9a-f]+");
  private static final int BUFFER_BYTES = 1 << 18;

  /** The two that hubs use. */
  enum Kind {
    /** SHA-256 of the content: large files. */
    SHA256("SHA-256", 64),
    /** SHA-1 of {@code blob SIZE\0} and the content, git's name of it: small files. */
    GIT_SHA1("SHA-1", 40);

    private final String algorithm;
    private final int hexDigits;

    Kind(String algorithm, int hexDigits) {
      this.algorithm = algorithm;
      this.hexDigits = hexDigits;
    }
  }

  /** A hash of that kind; empty where the text is none. */
  static Optional<ContentHash> of(Kind kind, String text) {
    String hex = text.toLowerCase(Locale.ROOT);
    return hex.length() == kind.hexDigits && HEX.matcher(hex).matches()
        ? Optional.of(new ContentHash(kind, hex))
        : Optional.empty();
  }

  /** What an ETag of the hub's own states: a hash of the one kind or the other, or nothing. */
  static Optional<ContentHash> ofEtag(String etag) {
    String text = etag.replaceFirst("^W/", "").replace("\"", "");
    return of(Kind.SHA256, text).or(() -> of(Kind.GIT_SHA1, text));
  }

  /** The hash of this kind that a file has; symbolic links are not followed. */
  ContentHash ofFile(Path file) throws IOException {
    MessageDigest digest = digest();
    if (kind == Kind.GIT_SHA1) {
      digest.update(("blob " + Files.size(file) + "\0").getBytes(StandardCharsets.US_ASCII));
    }
    byte[] buffer = new byte[BUFFER_BYTES];
    try (InputStream in = Files.newInputStream(file, LinkOption.NOFOLLOW_LINKS)) {
      for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
        digest.update(buffer, 0, n);
      }
    }
    return new ContentHash(kind, HexFormat.of().formatHex(digest.digest()));
  }

  private MessageDigest digest() {
    try {
      return MessageDigest.getInstance(kind.algorithm);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e); // every Java has both
    }
  }

  @Override
  public String toString() {
    return kind.name().toLowerCase(Locale.ROOT) + ":" + hex;
  }
}
