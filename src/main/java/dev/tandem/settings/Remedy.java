package dev.tandem.settings;

import java.io.Serializable;

/**
 * A change of one setting that mends a fault, or replaces an assumption. It names the setting as a
 * Java program does; a caller whose users know it by another name, such as a command line, words it
 * from the parts. Each part is one line of at most 600 characters.
 *
 * @param action what to do with the setting
 * @param setting the name of the builder's method, such as {@code config} of {@code
 *     Tandem.model(name)}
 * @param value the setting's value. A word in capitals, such as {@code NUMBER}, stands for a value
 *     that only the user knows; empty if the setting is left out whatever its value is
 * @param effect what follows from it, such as {@code for the tanh form}; empty if the fault says it
 */
public record Remedy(Action action, String setting, String value, String effect)
    implements Serializable {
  private static final int MAX_CHARS = 600;

  /** Parts may come from a file: line ends and terminal escapes are replaced. */
  public Remedy {
    setting = Remediable.oneLine(setting, MAX_CHARS);
    value = Remediable.oneLine(value, MAX_CHARS);
    effect = Remediable.oneLine(effect, MAX_CHARS);
  }

  /** What to do with a setting. */
  public enum Action {
    /** Give it the value. */
    SET,
    /** Do not give it. */
    LEAVE_OUT
  }

  /** To give a setting a value. */
  public static Remedy set(String setting, String value, String effect) {
    return new Remedy(Action.SET, setting, value, effect);
  }

  /** To state a field of the model's config: {@code KEY=VALUE}. */
  public static Remedy config(String key, String value) {
    return config(key, value, "");
  }

  /** To state a field of the model's config: {@code KEY=VALUE}. */
  public static Remedy config(String key, String value, String effect) {
    return set("config", key + "=" + value, effect);
  }

  /** To name the file of the model's config. */
  public static Remedy configFile() {
    return set("config", "FILE", "");
  }

  /** Not to give a setting, or not to give it this value. */
  public static Remedy leaveOut(String setting, String value) {
    return new Remedy(Action.LEAVE_OUT, setting, value, "");
  }

  /** One clause for a Java program's user, such as {@code set config n_head=NUMBER}. */
  @Override
  public String toString() {
    return worded(action == Action.SET ? "set" : "leave out", setting);
  }

  /**
   * One clause in a caller's words.
   *
   * @param verb what the caller calls the action
   * @param name what the caller calls the setting
   */
  public String worded(String verb, String name) {
    return verb
        + " "
        + name
        + (value.isEmpty() ? "" : " " + value)
        + (effect.isEmpty() ? "" : " " + effect);
  }
}
