package dev.tandem.violations.server;

/** What no client may use. */
public final class Target {}
