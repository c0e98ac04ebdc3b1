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
 * The hash that a hub states for a file's content.
 *
 * @param kind the algorithm
 * @param hex the digest in lower case
 */
record ContentHash(Kind kind, String hex) {
  private static final Pattern HEX = Pattern.compile("[0-9a-f]+");
  private static final int BUFFER_BYTES = 1 << 18;

  /** The two algorithms that hubs use. */
  enum Kind {
    /** SHA-256 of the content, for large files. */
    SHA256("SHA-256", 64),
    /**
     * SHA-1 of {@code blob SIZE\0} and the content, which is git's name of the content, for small
     * files.
     */
    GIT_SHA1("SHA-1", 40);

    private final String algorithm;
    private final int hexDigits;

    Kind(String algorithm, int hexDigits) {
      this.algorithm = algorithm;
      this.hexDigits = hexDigits;
    }
  }

  /** A hash of that kind; empty if the text is not one. */
  static Optional<ContentHash> of(Kind kind, String text) {
    String hex = text.toLowerCase(Locale.ROOT);
    return hex.length() == kind.hexDigits && HEX.matcher(hex).matches()
        ? Optional.of(new ContentHash(kind, hex))
        : Optional.empty();
  }

  /** The hash in an ETag of the hub itself, of either kind; empty if it holds none. */
  static Optional<ContentHash> ofEtag(String etag) {
    String text = etag.replaceFirst("^W/", "").replace("\"", "");
    return of(Kind.SHA256, text).or(() -> of(Kind.GIT_SHA1, text));
  }

  /** Computes the hash of this kind for a file; does not follow symbolic links. */
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
