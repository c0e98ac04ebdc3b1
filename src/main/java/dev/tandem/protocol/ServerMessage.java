package dev.tandem.protocol;

/** The messages of a server. */
public sealed interface ServerMessage
    permits Info, Opened, Resumed, CloseSequence, ErrorMessage, Result, TopResult {}
