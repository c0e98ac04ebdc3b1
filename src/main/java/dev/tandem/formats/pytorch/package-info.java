/**
 * PyTorch checkpoints: a zip file of a pickle and of the tensors' bytes. Nothing of the pickle is
 * executed; it is read as data.
 */
package dev.tandem.formats.pytorch;
