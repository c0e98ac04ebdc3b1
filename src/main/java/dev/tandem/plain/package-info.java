/**
 * Stages in plain Java, without native code: to read, to compare with, and to fall back on where
 * the native core does not run. All arithmetic is f32, whatever the weights' types are.
 */
package dev.tandem.plain;
