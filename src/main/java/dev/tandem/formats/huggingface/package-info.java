/**
 * Directories of Hugging Face: {@code config.json} and safetensors, read and written. The families
 * that such files hold are described in {@code formats.families}.
 */
package dev.tandem.formats.huggingface;
