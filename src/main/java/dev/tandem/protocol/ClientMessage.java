package dev.tandem.protocol;

/** The messages of a client. */
public sealed interface ClientMessage
    permits InfoRequest, Open, Resume, CloseSequence, RowRequest, Step {}
