package io.holdfast.cli;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.StringJoiner;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import picocli.CommandLine;
import picocli.CommandLine.Help.Ansi;
import picocli.CommandLine.Model.ArgGroupSpec;
import picocli.CommandLine.Model.ArgSpec;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Model.PositionalParamSpec;

/**
 * A command's page of the manual in roff, with the macros of man(7), made from what `--help` is made of. A line of the
 * description that begins with {@value #EXAMPLE} is an example.
 */
final class ManualPage {

    private static final String EXAMPLE = "Such as: ";
    /** What is quoted, such as {@code `bound: false`}, ends nothing: an even number of backquotes follows. */
    private static final Pattern END_OF_SENTENCE = Pattern.compile("[.:](?= |$)(?=(?:[^`]*`[^`]*`)*[^`]*$)");

    private final CommandSpec command;
    private final String version;
    private final StringJoiner roff = new StringJoiner("\n", "", "\n");

    ManualPage(CommandLine command, String version) {
        this.command = command.getCommandSpec();
        this.version = version;
    }

    /** Such as {@code holdfast-seal}. */
    String name() {
        return command.qualifiedName("-");
    }

    String roff() {
        roff.add(".TH \"%s\" 1 \"\" \"%s\" \"Holdfast\""
                .formatted(name().toUpperCase(Locale.ROOT), "holdfast " + version));
        roff.add(".nh"); // A command's name is not to be broken,
        roff.add(".ad l"); // nor the blanks between long ones to be stretched.
        section("NAME");
        roff.add(escaped(name()) + " \\- " + escaped(firstSentence()));
        section("SYNOPSIS");
        synopses();
        section("DESCRIPTION");
        descriptions().forEach(this::paragraph);
        parameters();
        options();
        subcommands();
        section("EXIT STATUS");
        exitCodes().forEach((code, meaning) -> item("\\fB" + code + "\\fR", List.of(meaning)));
        examples();
        section("SEE ALSO");
        roff.add(seeAlso());
        return roff.toString();
    }

    private void section(String title) {
        roff.add(".SH \"" + title + "\"");
    }

    private void paragraph(String text) {
        roff.add(".PP").add(escaped(text));
    }

    private void item(String tag, List<String> texts) {
        roff.add(".TP").add(tag);
        texts.forEach(text -> roff.add(escaped(text)));
    }

    /** NAME has no full stop and begins small, as whatis(1) shows it. */
    private String firstSentence() {
        String sentence = END_OF_SENTENCE
                .splitAsStream(descriptions().getFirst())
                .findFirst()
                .orElseThrow();
        return Character.toLowerCase(sentence.charAt(0)) + sentence.substring(1);
    }

    private List<String> descriptions() {
        return lines(command.usageMessage().description()).stream()
                .filter(line -> !line.startsWith(EXAMPLE))
                .toList();
    }

    /** Of a command that only has others, one for each of those. */
    private void synopses() {
        if (command.parent() != null && !command.subcommands().isEmpty()) {
            command.subcommands().values().forEach(inner -> synopsis(inner.getCommandSpec()));
        } else {
            synopsis(command);
        }
    }

    private void synopsis(CommandSpec of) {
        StringJoiner words = new StringJoiner(" ");
        words.add("\\fB" + escaped(of.root().name())
                + "\\fR [\\fB\\-\\-config\\fR \\fIFILE\\fR | \\fB\\-\\-guest\\fR \\fINAME\\fR]");
        String path = of.qualifiedName(" ").substring(of.root().name().length()).strip();
        words.add(path.isEmpty() ? "\\fICOMMAND\\fR [\\fIOPTIONS\\fR]" : "\\fB" + escaped(path) + "\\fR");
        for (OptionSpec option : ownOptions(of)) {
            if (option.group() == null) {
                String text = nameOf(option);
                words.add(option.required() ? text : "[" + text + "]");
            }
        }
        // All that there are: of these options one can be given, or none.
        for (ArgGroupSpec group : of.argGroups()) {
            words.add(group.options().stream().map(ManualPage::nameOf).collect(Collectors.joining(" | ", "[", "]")));
        }
        for (PositionalParamSpec parameter : of.positionalParameters()) {
            String text = "\\fI" + escaped(parameter.paramLabel()) + "\\fR"
                    + (parameter.arity().max() > 1 ? " ..." : "");
            words.add(parameter.required() ? text : "[" + text + "]");
        }
        roff.add(words.toString()).add(".br");
    }

    private void parameters() {
        List<PositionalParamSpec> parameters = command.positionalParameters();
        if (!parameters.isEmpty()) {
            section("ARGUMENTS");
            parameters.forEach(parameter -> item("\\fI" + escaped(parameter.paramLabel()) + "\\fR", texts(parameter)));
        }
    }

    private void options() {
        section("OPTIONS");
        for (OptionSpec option : command.options()) {
            if (!option.hidden()) {
                item(nameOf(option), texts(option));
            }
        }
        if (command.parent() != null) {
            for (CommandLine inner : command.subcommands().values()) {
                for (OptionSpec option : ownOptions(inner.getCommandSpec())) {
                    item(nameOf(option) + " (" + escaped(inner.getCommandName()) + ")", texts(option));
                }
            }
        }
    }

    private static List<String> texts(ArgSpec argument) {
        return lines(argument.description());
    }

    /** Neither those that every command has, nor help. */
    private static List<OptionSpec> ownOptions(CommandSpec of) {
        return of.options().stream()
                .filter(option ->
                        !option.hidden() && !option.inherited() && !option.usageHelp() && !option.versionHelp())
                .filter(option -> of.parent() != null)
                .toList();
    }

    private static String nameOf(OptionSpec option) {
        StringJoiner names = new StringJoiner(", ");
        for (String name : option.names()) {
            names.add("\\fB" + escaped(name) + "\\fR");
        }
        return option.arity().max() == 0 ? names.toString() : names + " \\fI" + escaped(option.paramLabel()) + "\\fR";
    }

    private void subcommands() {
        if (!command.subcommands().isEmpty()) {
            section("COMMANDS");
            command.subcommands().values().stream()
                    .map(CommandLine::getCommandSpec)
                    .filter(inner -> !inner.usageMessage().hidden())
                    .forEach(inner -> item(
                            "\\fB" + escaped(inner.name()) + "\\fR",
                            List.of(lines(inner.usageMessage().description()).getFirst())));
        }
    }

    private Map<String, String> exitCodes() {
        return command.root().usageMessage().exitCodeList();
    }

    private void examples() {
        List<String> examples = new ArrayList<>();
        for (String line : lines(command.usageMessage().description())) {
            if (line.startsWith(EXAMPLE)) {
                examples.add(line.substring(EXAMPLE.length()));
            }
        }
        if (!examples.isEmpty()) {
            section("EXAMPLES");
            examples.forEach(example -> roff.add(".nf").add(escaped(example)).add(".fi"));
        }
    }

    private String seeAlso() {
        if (command.parent() != null) {
            return "\\fBholdfast\\fR(1)";
        }
        StringJoiner pages = new StringJoiner(",\n");
        command.subcommands().values().stream()
                .map(CommandLine::getCommandSpec)
                .filter(inner -> !inner.usageMessage().hidden())
                .forEach(inner -> pages.add("\\fB" + escaped(inner.qualifiedName("-")) + "\\fR(1)"));
        return pages.toString();
    }

    private static List<String> lines(String[] texts) {
        List<String> lines = new ArrayList<>();
        for (String text : texts) {
            lines.add(Ansi.OFF.string(text));
        }
        return lines;
    }

    /** A hyphen of ours is one that can be copied; a line that begins with a dot or an apostrophe is no request. */
    private static String escaped(String text) {
        String safe = text.replace("\\", "\\e").replace("-", "\\-");
        return safe.startsWith(".") || safe.startsWith("'") ? "\\&" + safe : safe;
    }
}
