/**
 * Reads JSON strictly: bounded, each member once, nothing after the value, and members that
 * remember whether they were asked for. Each room binds it to its own exception, so that a failure
 * says whose file or message is wrong.
 */
package dev.tandem.json;
