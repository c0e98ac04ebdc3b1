package dev.tandem.protocol;

/**
 * The limits of a tensor frame on a connection.
 *
 * @param maxRows rows
 * @param maxColumns elements of a row
 */
public record FrameLimits(int maxRows, int maxColumns) {}
