/**
 * A model that is offered by a server in this process: its stages, the scheduler's view of them,
 * and the socket. The only room that knows both the runtime of a model and the server.
 */
package dev.tandem.hosting;
