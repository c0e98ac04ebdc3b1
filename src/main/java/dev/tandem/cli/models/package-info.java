/** Commands about models' files: inspect, pull, convert, split, synthesize. */
package dev.tandem.cli.models;
