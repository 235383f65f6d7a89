package io.holdfast.control;

/** A refusal that the client of the control protocol gets to see. */
public final class CommandException extends Exception {

    private final String errorClass;

    /**
     * @param errorClass stable, for programs: {@code StaleTerm}, {@code BadArgument}, ...
     * @param description for people: what was wrong and what to do
     */
    public CommandException(String errorClass, String description) {
        super(description);
        this.errorClass = errorClass;
    }

    /** The value of {@code "class"} in the error. */
    public String errorClass() {
        return errorClass;
    }
}
