/**
 * Tandem: language models split between two machines, or whole on one.
 *
 * <p>{@code dev.tandem.api} is where a program begins; {@code generation}, {@code settings} and
 * {@code tokenizer} are the values that it uses. {@code files} and {@code measure} are tools that
 * no program needs to run a model: files in other formats and types, downloads, benchmarks.
 * Everything else is out of reach.
 */
@SuppressWarnings("requires-automatic") // the progress bar has no module descriptor
module dev.tandem {
  requires com.fasterxml.jackson.core;
  requires com.fasterxml.jackson.databind;
  requires info.picocli;
  requires io.vertx.core;
  requires java.net.http;
  requires me.tongfei.progressbar;
  requires org.bytedeco.javacpp;
  requires org.slf4j;
  requires static transitive org.jspecify;

  exports dev.tandem.api;
  exports dev.tandem.files;
  exports dev.tandem.generation;
  exports dev.tandem.measure;
  exports dev.tandem.settings;
  exports dev.tandem.tokenizer;

  opens dev.tandem.cli to
      info.picocli;
  opens dev.tandem.cli.client to
      info.picocli;
  opens dev.tandem.cli.generation to
      info.picocli;
  opens dev.tandem.cli.measure to
      info.picocli;
  opens dev.tandem.cli.models to
      info.picocli;
  opens dev.tandem.cli.options to
      info.picocli;
  opens dev.tandem.cli.server to
      info.picocli;
  opens dev.tandem.cli.terminal to
      info.picocli;
  opens dev.tandem.cli.text to
      info.picocli;

  uses dev.tandem.runtime.Hosting;

  provides dev.tandem.runtime.Hosting with
      dev.tandem.hosting.ServerHosting;
}
