package dev.tandem.protocol;

/** What a server may send. */
public sealed interface ServerMessage permits Info, Opened, CloseSequence, ErrorMessage, Result {}
