package io.holdfast.cli;

/** What the command's exit says to scripts. */
final class ExitCode {

    static final int OK = 0;
    /** Refused, or tried and failed; a message says which. */
    static final int FAILED = 1;
    /** The command line or the configuration is wrong. */
    static final int USAGE = 2;
    /** A proxy or agent that was running could not go on. What it held stays held. */
    static final int DIED = 3;
    /** The process that was asked does not answer. */
    static final int NOBODY_LISTENS = 4;

    private ExitCode() {}
}
