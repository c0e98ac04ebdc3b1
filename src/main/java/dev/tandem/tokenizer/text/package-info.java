/**
 * What happens to a text before its words are encoded: normalisation, and cutting into words. The
 * Unicode data are committed tables, so that ids do not depend on the platform's version.
 */
package dev.tandem.tokenizer.text;
