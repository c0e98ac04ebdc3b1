package dev.tandem.server;

/**
 * Who a connection belongs to. Its sequences count for both, from the moment at which they are
 * asked for, and for the address that opened them wherever they are resumed. Only the event loop
 * uses it.
 */
record Client(ClientAccount account, ClientAddress address) {

  /** Counts one more connection. */
  void connect() {
    account.connections().take();
    address.connections().take();
  }

  void disconnect() {
    account.connections().giveBack();
    address.connections().giveBack();
    address.gaveBack();
  }

  /** Counts one more sequence. */
  void openSequence() {
    account.sequences().take();
    address.sequences().take();
  }

  void closeSequence() {
    account.sequences().giveBack();
    address.sequences().giveBack();
    address.gaveBack();
  }
}
