/**
 * Stages in plain Java, without native code: a readable reference, an independent result to compare
 * with, and a fallback where the native core does not run. All arithmetic is f32, whatever the
 * weights' types are.
 */
package dev.tandem.plain;
