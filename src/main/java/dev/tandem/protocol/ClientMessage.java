package dev.tandem.protocol;

/** The messages of a client. */
public sealed interface ClientMessage permits InfoRequest, Open, CloseSequence, RowRequest, Step {}
