package dev.tandem.server;

import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The keys that a server knows, as hashes. Each line of their file is a name, the SHA-256 of the
 * key in hexadecimal, and perhaps limits: {@code alice 9f86... connections=4 sequences=8 kv=2G}.
 * Empty lines and lines that begin with {@code #} do not count.
 *
 * <p>Keys are long random strings, so a plain hash protects them.
 */
final class ApiKeys {
  private static final Pattern LINE =
      Pattern.compile(
          "(\\S+)\\s+([0-9a-fA-F]{64})(?:\\s+connections=(\\d{1,6}))?(?:\\s+sequences=(\\d{1,6}))?"
              + "(?:\\s+kv=(\\d{1,9})([KMG]?))?");

  private static final List<String> UNITS = List.of("", "K", "M", "G");
  private static final int KIBI = 10;

  private static final String BEARER = "Bearer ";
  private static final int MAX_KEY_CHARACTERS = 1024;

  private final List<byte[]> hashes = new ArrayList<>();

  /** Parallel to the hashes. */
  private final List<ClientAccount> accounts = new ArrayList<>();

  /**
   * Reads a file of keys.
   *
   * @param keepPrefixes whether chunks of prompts are kept for the clients of a key
   * @throws IOException if it cannot be read, or a line is not as said; the message names the line
   *     and shows no hash
   */
  static ApiKeys read(Path file, boolean keepPrefixes) throws IOException {
    ApiKeys keys = new ApiKeys();
    List<String> lines;
    try {
      lines = Files.readAllLines(file);
    } catch (CharacterCodingException e) {
      throw new IOException(file + ": not UTF-8", e);
    }
    for (int i = 0; i < lines.size(); i++) {
      String line = lines.get(i).strip();
      if (!line.isEmpty() && !line.startsWith("#")) {
        keys.add(line, file + ": line " + (i + 1), keepPrefixes);
      }
    }
    if (keys.hashes.isEmpty()) {
      throw new IOException(file + ": no API key; each line is NAME SHA256-OF-THE-KEY");
    }
    return keys;
  }

  private void add(String line, String where, boolean keepPrefixes) throws IOException {
    Matcher matcher = LINE.matcher(line);
    if (!matcher.matches()) {
      throw new IOException(
          where + " must be NAME SHA256-OF-THE-KEY [connections=N] [sequences=N] [kv=SIZE]");
    }
    byte[] hash = HexFormat.of().parseHex(matcher.group(2));
    hashes.add(hash);
    accounts.add(
        new ClientAccount(
            matcher.group(1),
            limit(matcher.group(3)),
            limit(matcher.group(4)),
            bytes(matcher.group(5), matcher.group(6)),
            keepPrefixes ? Optional.of(HexFormat.of().formatHex(hash)) : Optional.empty()));
  }

  private static int limit(@Nullable String digits) {
    return digits == null ? Integer.MAX_VALUE : Integer.parseInt(digits);
  }

  /** K, M and G are powers of 1024. */
  private static long bytes(@Nullable String digits, @Nullable String unit) {
    if (digits == null || unit == null) {
      return Long.MAX_VALUE;
    }
    return Long.parseLong(digits) << (KIBI * UNITS.indexOf(unit));
  }

  /**
   * Whose key it is. Takes equally long for every key of a length, right or wrong.
   *
   * @param authorization the request's header; null if it has none
   */
  Optional<ClientAccount> find(@Nullable String authorization) {
    if (authorization == null
        || !authorization.startsWith(BEARER)
        || authorization.length() > MAX_KEY_CHARACTERS) {
      return Optional.empty();
    }
    byte[] hash = hash(authorization.substring(BEARER.length()));
    Optional<ClientAccount> found = Optional.empty();
    for (int i = 0; i < hashes.size(); i++) {
      if (MessageDigest.isEqual(hashes.get(i), hash)) {
        found = Optional.of(accounts.get(i));
      }
    }
    return found;
  }

  private static byte[] hash(String key) {
    try {
      return MessageDigest.getInstance("SHA-256").digest(key.getBytes(StandardCharsets.UTF_8));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java has SHA-256", e);
    }
  }
}
