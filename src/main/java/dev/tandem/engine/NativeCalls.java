package dev.tandem.engine;

/** Turns the core's statuses into exceptions. */
final class NativeCalls {
  private NativeCalls() {}

  /**
   * @throws NativeException with the core's message unless {@code status} is OK; call it on the
   *     thread that made the native call
   */
  static void check(String operation, int status) {
    if (status != TandemApi.OK) {
      throw new NativeException(operation, status, TandemApi.td_last_error());
    }
  }
}
