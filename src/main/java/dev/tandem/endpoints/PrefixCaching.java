package dev.tandem.endpoints;

import dev.tandem.settings.InvalidSettingException;

/**
 * What a server keeps of prompts, so that others which begin with the same rows need not be
 * computed again. Each API key has its own: who shares a key can tell from the time of an answer
 * whether such a prompt came before.
 *
 * @param bytes memory for each model; 0: nothing is kept
 * @param shared whether something is kept for clients without an API key, who all share it
 */
public record PrefixCaching(long bytes, boolean shared) {
  /** Nothing is kept. */
  public static final PrefixCaching NONE = new PrefixCaching(0, false);

  /** Checks the range. */
  public PrefixCaching {
    InvalidSettingException.require(bytes >= 0, "prefixCache", "must be at least 0 bytes", bytes);
  }
}
