package dev.tandem.scheduler;

/** Which piece of a model a stage is. */
record StageKey(int layerBegin, int layerEnd, boolean head) {}
