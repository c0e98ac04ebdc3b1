package dev.tandem.cli.terminal;

import dev.tandem.api.TandemException;
import dev.tandem.settings.ArithmeticMode;
import dev.tandem.settings.ModelNotFoundException;
import dev.tandem.settings.ProfileDifference;
import dev.tandem.settings.ProfileException;
import dev.tandem.settings.Remediable;
import dev.tandem.settings.Remedy;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.Charset;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.InvalidPathException;
import java.nio.file.NoSuchFileException;
import java.util.List;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.UnmatchedArgumentException;

/** The message of a failure: one line that says what is wrong and what to do. */
public final class Messages {
  private Messages() {}

  /** The message for wrong arguments. */
  static String of(ParameterException e) {
    if (e instanceof UnmatchedArgumentException unmatched) {
      return of(unmatched);
    }
    return oneLine(e);
  }

  private static String of(UnmatchedArgumentException e) {
    String first = e.getUnmatched().get(0);
    List<String> similar = e.getSuggestions();
    String hint = similar.isEmpty() ? "" : "; did you mean " + similar.get(0) + "?";
    if (e.isUnknownOption() && !similar.contains(first)) {
      boolean text = !first.startsWith("--") && hint.isEmpty();
      return "no option " + first + (text ? "; put a text that begins with - after --" : hint);
    }
    if (!e.getCommandLine().getSubcommands().isEmpty()) {
      return "no command '" + first + "'" + hint;
    }
    return "unexpected '"
        + oneLine(first)
        + "'; put quotes around a text with blanks, and options before --";
  }

  /** The message for a failure. */
  public static String of(Throwable e) {
    if (e instanceof UncheckedIOException && e.getCause() instanceof IOException cause) {
      String message = String.valueOf(e.getMessage());
      return message.equals(cause.toString()) ? of(cause) : oneLine(message);
    }
    if (e instanceof ModelNotFoundException missing) {
      return oneLine(e) + "; tandem pull " + missing.hubName() + " downloads it";
    }
    if (e instanceof TandemException && e.getCause() instanceof IOException cause) {
      return of(cause);
    }
    if (e instanceof FileAlreadyExistsException exists) {
      return exists.getFile() + " exists already";
    }
    if (e instanceof Remediable fault) {
      return worded(fault);
    }
    if (e instanceof NoSuchFileException missing) {
      return missing.getFile() + ": no such file";
    }
    if (e instanceof AccessDeniedException denied) {
      return denied.getFile() + ": permission denied";
    }
    if (e instanceof InvalidPathException path) {
      return of(path);
    }
    if (e instanceof OutOfMemoryError) {
      return "out of memory (" + oneLine(e) + "); java -Xmx allows more";
    }
    if (e instanceof ProfileException profile) {
      return oneLine(e) + remedy(profile.differences().get(0));
    }
    if (e.getCause() instanceof ProfileException profile) {
      return oneLine(e) + remedy(profile.differences().get(0));
    }
    if (e instanceof ExceptionInInitializerError && e.getCause() != null) {
      return of(e.getCause());
    }
    String name = e.getClass().getSimpleName();
    String text = e.getMessage() == null ? name : oneLine(e);
    return isForUsers(e) ? text : "failed: " + text + " (" + name + "; --verbose shows where)";
  }

  /** What is the case, with the options that would change it. */
  static String worded(Remediable fault) {
    return oneLine(fault.worded(Messages::clause));
  }

  private static String clause(Remedy remedy) {
    String option = Usage.option(remedy.setting());
    return switch (remedy.action()) {
      case SET -> remedy.worded("use", option);
      case LEAVE_OUT -> remedy.worded("leave out", option);
    };
  }

  private static String remedy(ProfileDifference difference) {
    return switch (difference.field()) {
      case ACTIVATION -> "; use the same --gelu at both ends";
      case KV_TYPE -> "; use the same --kv-type at both ends";
      case CHUNK_ROWS -> "; use the same --chunk at both ends";
      case MODE ->
          difference.here() == ArithmeticMode.REPRODUCIBLE
              ? "; start the server with --reproducible"
              : "; start both ends with the same options";
      case PROMPT_KERNELS, BLAS -> "; use --reproducible at both ends, or --split 0";
      case MODEL, MATRIX_TYPES -> "; use the same model at both ends";
    };
  }

  private static String of(InvalidPathException e) {
    String encoding = System.getProperty("sun.jnu.encoding", "UTF-8");
    boolean unknown =
        Charset.isSupported(encoding)
            && !Charset.forName(encoding).newEncoder().canEncode(e.getInput());
    return "'"
        + oneLine(e.getInput())
        + "' cannot be a path"
        + (unknown
            ? " here: the locale's encoding, "
                + encoding
                + ", lacks a character; set LC_ALL=C.UTF-8"
            : ": " + oneLine(e.getReason()));
  }

  private static boolean isForUsers(Throwable e) {
    return e instanceof IOException
        || e instanceof IllegalArgumentException
        || e instanceof LinkageError
        || e instanceof TandemException;
  }

  /** A failure's message in one line. */
  public static String oneLine(Throwable e) {
    String text = e.getMessage();
    return text == null ? "unknown error" : oneLine(text);
  }

  public static String oneLine(String text) {
    return text.strip().replaceAll("\\s*\\R\\s*", "; ");
  }
}
