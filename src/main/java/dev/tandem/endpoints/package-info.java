/**
 * How the two ends of a connection wait, and what a server allows. The builders of {@code api} have
 * a method for each of these values.
 */
package dev.tandem.endpoints;
