package dev.tandem.protocol;

/**
 * What a tensor frame may be at most on a connection.
 *
 * @param maxRows rows
 * @param maxColumns elements of a row
 */
public record FrameLimits(int maxRows, int maxColumns) {}
