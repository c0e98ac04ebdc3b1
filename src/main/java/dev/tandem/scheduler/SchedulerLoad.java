package dev.tandem.scheduler;

/**
 * What the sequences of a model use at the moment.
 *
 * @param sequences open ones
 * @param waiting openings that wait for room
 * @param reservedBytes memory that the open ones may fill
 */
public record SchedulerLoad(int sequences, int waiting, long reservedBytes) {}
