/**
 * Models of random weights in a given shape, for measurements and tests. The same seed gives the
 * same bits everywhere.
 */
package dev.tandem.random;
