package io.holdfast.cli;

import java.io.Console;

/** Asks whoever sits at the terminal. */
final class Confirmation {

    private Confirmation() {}

    /** False, too, where nobody can be asked. */
    @SuppressWarnings("SystemConsoleNull") // Its contract still allows null.
    static boolean given(String question) {
        Console console = System.console();
        return console != null && console.isTerminal() && "yes".equals(console.readLine("%s Type yes: ", question));
    }
}
