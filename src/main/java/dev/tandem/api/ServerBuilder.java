package dev.tandem.api;

import dev.tandem.runtime.Hosting;
import dev.tandem.settings.ModelSource;
import dev.tandem.settings.ServerOptions;
import java.util.ServiceLoader;

/** How a model's layers and head are offered to clients. Got from {@link Tandem#server}. */
public final class ServerBuilder extends EngineBuilder<ServerBuilder> {
  private ServerOptions options = ServerOptions.defaults();

  ServerBuilder(ModelSource source) {
    super(source);
  }

  @Override
  ServerBuilder self() {
    return this;
  }

  /** The host name or address to listen on: 127.0.0.1 without a call. */
  public ServerBuilder address(String address) {
    options = options.withAddress(address, options.port());
    return this;
  }

  /**
   * The port to listen on: 8080 without a call; 0 picks one.
   *
   * @throws IllegalArgumentException if it is not in 0..65535
   */
  public ServerBuilder port(int port) {
    options = options.withAddress(options.address(), port);
    return this;
  }

  /** All that is set about listening and limits at once. */
  public ServerBuilder options(ServerOptions value) {
    options = value;
    return this;
  }

  /**
   * Loads the model, or the part that the files hold, and listens.
   *
   * @throws ModelException if the model cannot be opened, or holds nothing to serve
   * @throws ServerException if the address cannot be listened on
   * @throws IllegalArgumentException if a setting is out of range
   * @throws UnsupportedOperationException if this program's jar holds no server
   */
  public ModelServer start() {
    Hosting hosting =
        ServiceLoader.load(Hosting.class, Hosting.class.getClassLoader())
            .findFirst()
            .orElseThrow(() -> new UnsupportedOperationException("this jar holds no server"));
    return load(files -> new HostedServer(files, hosting.start(files, settings(), options)));
  }
}
