package dev.tandem.cli.terminal;

import java.lang.reflect.Member;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Help;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Model.UsageMessageSpec;

/**
 * The layout of help: a short synopsis, then the options in groups. An option's heading is the
 * {@code optionListHeading} of the class that declares it, a command or a mixin.
 */
final class HelpLayout {
  private static final String FALLBACK_HEADING = "Options:";

  private HelpLayout() {}

  /** Lays out the help of a command and of its subcommands. */
  static void apply(CommandLine line) {
    line.getCommandSpec().usageMessage().abbreviateSynopsis(true).sortOptions(false);
    line.getCommandSpec().usageMessage().commandListHeading("%nCommands:%n");
    line.getHelpSectionMap().put(UsageMessageSpec.SECTION_KEY_OPTION_LIST_HEADING, help -> "");
    line.getHelpSectionMap().put(UsageMessageSpec.SECTION_KEY_OPTION_LIST, HelpLayout::options);
    line.getSubcommands().values().forEach(HelpLayout::apply);
  }

  private static String options(Help help) {
    Map<String, List<OptionSpec>> groups = new LinkedHashMap<>();
    List<OptionSpec> shown =
        help.commandSpec().options().stream().filter(option -> !option.hidden()).toList();
    for (OptionSpec option : shown) {
      groups.computeIfAbsent(heading(option), heading -> new ArrayList<>()).add(option);
    }
    StringBuilder text = new StringBuilder();
    groups.forEach(
        (heading, options) -> {
          // Created for all options together, so that all groups have the same columns.
          Help.Layout layout = help.createDefaultLayout(shown, List.of(), help.colorScheme());
          layout.addOptions(options, help.parameterLabelRenderer());
          text.append(String.format(Locale.ROOT, "%n%s%n%s", heading, layout));
        });
    return text.toString();
  }

  /** The heading of an option's group. */
  static String heading(OptionSpec option) {
    if (option.userObject() instanceof Member member) {
      Command declaring = member.getDeclaringClass().getAnnotation(Command.class);
      if (declaring != null && !declaring.optionListHeading().isEmpty()) {
        return declaring.optionListHeading();
      }
    }
    return FALLBACK_HEADING;
  }
}
