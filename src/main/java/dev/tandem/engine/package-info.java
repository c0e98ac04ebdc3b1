/**
 * The native core seen from Java: engines, stages that run in this process, their tables. It is the
 * only room that knows JavaCPP, and every native handle lives in exactly one class here.
 */
package dev.tandem.engine;
