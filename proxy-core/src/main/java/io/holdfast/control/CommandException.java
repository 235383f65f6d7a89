package io.holdfast.control;

/** A refusal that the client of the control protocol gets to see. */
public final class CommandException extends Exception {

    /** The line is not a request: not UTF-8, not JSON, not an object, or without a command. */
    public static final String BAD_JSON = "BadJson";

    /** An argument is missing, unknown, of the wrong type or out of range. */
    public static final String BAD_ARGUMENT = "BadArgument";

    /** The server has no such command. */
    public static final String COMMAND_NOT_FOUND = "CommandNotFound";

    /** A line in either direction would have more than 64 KiB. */
    public static final String LINE_TOO_LONG = "LineTooLong";

    /** The server has as many clients as it takes. */
    public static final String TOO_MANY_SESSIONS = "TooManySessions";

    /** A defect of the server; its log has the details. */
    public static final String INTERNAL_ERROR = "InternalError";

    private final String errorClass;
    private final String description;

    /**
     * @param errorClass stable, for programs: {@code StaleTerm}, {@link #BAD_ARGUMENT}, ...
     * @param description for people: what was wrong and what to do
     */
    public CommandException(String errorClass, String description) {
        super(description);
        this.errorClass = errorClass;
        this.description = description;
    }

    /** The value of {@code "class"} in the error. */
    public String errorClass() {
        return errorClass;
    }

    /** The value of {@code "desc"} in the error. */
    public String description() {
        return description;
    }
}
