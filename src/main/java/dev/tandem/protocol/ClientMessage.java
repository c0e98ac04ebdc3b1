package dev.tandem.protocol;

/** What a client may send. */
public sealed interface ClientMessage permits InfoRequest, Open, CloseSequence, Step {}
