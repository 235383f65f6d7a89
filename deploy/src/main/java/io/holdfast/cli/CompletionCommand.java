package io.holdfast.cli;

import picocli.AutoComplete;
import picocli.CommandLine.Command;
import picocli.CommandLine.ParentCommand;

/** What makes a shell complete the commands; made from them. */
@Command(
        name = "completion",
        mixinStandardHelpOptions = true,
        description = {
            "Prints a script that has bash, or zsh, complete commands, options and the names of guests.",
            "Such as: source <(holdfast completion)"
        })
final class CompletionCommand implements Runnable {

    /** What picocli has for an option whose values it does not know. */
    private static final String NO_GUESTS = """
                '--guest')
                  return
            """;

    /** Guests come and go after the script was made. */
    private static final String GUESTS = """
                '--guest')
                  COMPREPLY=( $(compgen -W "$(compgen -G '%s/*.yaml' | sed 's|.*/||; s|\\.yaml$||')" -- "${curr_word}") )
                  return
            """.formatted(Holdfast.CONFIGURATIONS);

    @ParentCommand
    private Holdfast holdfast;

    @Override
    public void run() {
        holdfast.out()
                .println(AutoComplete.bash("holdfast", Holdfast.commandLine()).replace(NO_GUESTS, GUESTS));
    }
}
