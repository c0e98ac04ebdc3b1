/**
 * The native core seen from Java: engines, and stages that run in this process. Only this package
 * uses JavaCPP, and every native handle has exactly one class here.
 */
package dev.tandem.engine;
