/**
 * Element types of a model's matrices: which type each tensor gets, and models that are converted
 * when they are loaded. Knows no format of files.
 */
package dev.tandem.types;
