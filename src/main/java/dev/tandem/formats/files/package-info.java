/**
 * What readers and writers of all formats share: a folder of files, options, the tokenizer beside a
 * model, the outlines of a reader and of a writer. All bounds of a file are checked before anything
 * touches it.
 */
package dev.tandem.formats.files;
