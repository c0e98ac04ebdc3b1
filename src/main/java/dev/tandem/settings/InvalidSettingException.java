package dev.tandem.settings;

/**
 * A setting has a value that it must not have. The message is {@code SETTING RULE, got VALUE}; its
 * parts let a caller name the setting as its own users know it.
 */
public final class InvalidSettingException extends IllegalArgumentException {
  private static final long serialVersionUID = 1;

  private final String setting;
  private final String rule;
  private final String got;

  /**
   * A wrong value.
   *
   * @param setting the name of the record's component or of the builder's method, such as {@code
   *     topP}
   * @param rule what holds for right values, such as {@code must be in [0, 1]}
   * @param got the value
   */
  public InvalidSettingException(String setting, String rule, Object got) {
    super(setting + " " + rule + ", got " + got);
    this.setting = setting;
    this.rule = rule;
    this.got = String.valueOf(got);
  }

  /** The setting's name in Java. */
  public String setting() {
    return setting;
  }

  /** What holds for right values. */
  public String rule() {
    return rule;
  }

  /** The wrong value. */
  public String got() {
    return got;
  }

  /**
   * Checks a value.
   *
   * @throws InvalidSettingException unless the condition holds
   */
  public static void require(boolean condition, String setting, String rule, Object got) {
    if (!condition) {
      throw new InvalidSettingException(setting, rule, got);
    }
  }
}
