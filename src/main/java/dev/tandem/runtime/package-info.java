/**
 * Open models: files, backend, stages and generators put together, whole or split, for any number
 * of generations at once. {@code api} shows them to users.
 */
package dev.tandem.runtime;
