package io.holdfast.cli;

import java.io.Console;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/**
 * What commands have in common that nobody can take back: they ask whoever sits at the terminal, and want to know why they
 * are given. Scripts say {@code --yes}. A command that has this as a mixin calls {@link #reasonFor} before it does anything.
 */
final class Confirmation {

    private static final String AGREED = "yes";

    @Option(
            names = "--reason",
            paramLabel = "TEXT",
            description = "Why, for the audit. Must be given where the command asks back, or would without --yes.")
    private String reason = "";

    @Option(names = "--yes", description = "Do not ask back; for scripts, and wherever nobody can be asked.")
    private boolean yes;

    @Spec(Spec.Target.MIXEE)
    private CommandSpec command;

    Confirmation() {}

    /**
     * Has somebody agree.
     *
     * @param question names the guest and what will happen to it
     * @return the operator's reason, not blank
     * @throws ParameterException if there is no reason, or nobody agrees
     */
    String reasonFor(String question) {
        if (reason.isBlank()) {
            throw new ParameterException(
                    command.commandLine(), "say why, with --reason TEXT; it is what the audit log will say");
        }
        if (!yes && !isGiven(question)) {
            throw new ParameterException(
                    command.commandLine(), "not confirmed; say --yes where nobody can be asked. Nothing was done");
        }
        return reason;
    }

    /** What was said of why, for a command that does not ask back this time; blank if nothing. */
    String reason() {
        return reason;
    }

    @SuppressWarnings("SystemConsoleNull") // Its contract still allows null.
    private static boolean isGiven(String question) {
        Console console = System.console();
        return console != null
                && console.isTerminal()
                && AGREED.equals(console.readLine("%s Type %s: ", question, AGREED));
    }
}
