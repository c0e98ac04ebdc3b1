/**
 * Settings by their names. An exception says which setting is wrong; a caller may know the setting
 * under another name, such as an option's.
 */
package dev.tandem.settings;
