/**
 * What a user may set, as values that check themselves: the model, its arithmetic, the drawing of
 * tokens; and which setting would mend a fault. A leaf: it uses nothing else of the project, and
 * every other room may use it.
 */
package dev.tandem.settings;
