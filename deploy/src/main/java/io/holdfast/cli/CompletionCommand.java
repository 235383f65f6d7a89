package io.holdfast.cli;

import picocli.AutoComplete;
import picocli.CommandLine.Command;
import picocli.CommandLine.ParentCommand;

/** What makes a shell complete the commands; made from them. */
@Command(
        name = "completion",
        mixinStandardHelpOptions = true,
        description = {
            "Prints a script that has bash, or zsh, complete commands and options.",
            "Such as: source <(holdfast completion)"
        })
final class CompletionCommand implements Runnable {

    @ParentCommand
    private Holdfast holdfast;

    @Override
    public void run() {
        holdfast.out().println(AutoComplete.bash("holdfast", Holdfast.commandLine()));
    }
}
