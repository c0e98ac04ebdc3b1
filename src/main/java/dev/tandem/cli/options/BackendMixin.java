package dev.tandem.cli.options;

import dev.tandem.cli.terminal.Usage;
import dev.tandem.settings.Backend;
import dev.tandem.settings.EngineSettings;
import java.util.Iterator;
import java.util.Optional;
import picocli.CommandLine.Command;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;
import picocli.CommandLine.TypeConversionException;

/** The backend of the layers that run here. */
@Command(optionListHeading = "Engine:")
public final class BackendMixin {
  public static final String NAME = "--backend";

  @Spec(Spec.Target.MIXEE)
  private CommandSpec spec;

  @Option(
      names = NAME,
      paramLabel = "NAME",
      converter = Converter.class,
      completionCandidates = Names.class,
      description =
          "The backend: ${COMPLETION-CANDIDATES}. Default: fast, or java if its libraries"
              + " cannot be loaded")
  private Optional<Backend> backend = Optional.empty();

  /** Completes the option. */
  public static final class Names implements Iterable<String> {
    @Override
    public Iterator<String> iterator() {
      return Backend.names().iterator();
    }
  }

  /** Reads the option. */
  public static final class Converter implements ITypeConverter<Backend> {
    @Override
    public Backend convert(String name) {
      try {
        return Backend.of(name);
      } catch (IllegalArgumentException e) {
        throw new TypeConversionException(String.valueOf(e.getMessage()));
      }
    }
  }

  /** The settings with the requested backend. */
  public EngineSettings apply(EngineSettings settings) {
    return backend.map(settings::withBackend).orElse(settings);
  }

  /**
   * The same for one end of a split model; a usage error if the backend is for whole models only.
   */
  public EngineSettings applyToSplit(EngineSettings settings) {
    if (backend.isPresent() && !backend.get().isRowExact()) {
      throw Usage.wrong(spec, "--backend", "must be fast or java for a split", backend.get());
    }
    return apply(settings);
  }

  /** Whether the backend is for whole models only. */
  public boolean needsWholeModel() {
    return backend.isPresent() && !backend.get().isRowExact();
  }
}
