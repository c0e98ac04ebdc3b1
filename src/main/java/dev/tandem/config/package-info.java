/**
 * What a model is: everything that changes its arithmetic, whatever file it came from. The names
 * here are ours; foreign names exist only in the readers of foreign files.
 */
package dev.tandem.config;
