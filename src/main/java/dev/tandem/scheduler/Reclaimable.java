package dev.tandem.scheduler;

/**
 * Something that takes room in a model's memory, and gives it back when an opening waits for it.
 * Only whoever holds the engine calls it.
 */
interface Reclaimable {

  /** All that it could give back now. */
  Room.Need available(long nowNanos);

  /**
   * Releases the piece that is missed least.
   *
   * @param need what is missing; not nothing
   * @return whether there was one
   */
  boolean giveBackOne(Room.Need need, long nowNanos);

  /** The bytes that it could give back now and that count against a tenant's own limit. */
  long availableOf(Tenant tenant, long nowNanos);

  /**
   * Releases the piece that is missed least of those that count against a tenant's own limit.
   *
   * @return whether there was one
   */
  boolean giveBackOneOf(Tenant tenant, long nowNanos);
}
