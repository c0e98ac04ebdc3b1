package dev.tandem.scheduler;

/** Something that a thread waits for; when it is done, the thread is unparked. */
interface Waited {
  boolean isDone();
}
