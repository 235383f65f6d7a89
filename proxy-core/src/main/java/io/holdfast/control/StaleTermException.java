package io.holdfast.control;

/** A term that does not beat the one that is remembered. */
public final class StaleTermException extends Exception {

    private final transient TermRecord known;

    StaleTermException(TermRecord refused, TermRecord known) {
        super("term " + refused + " does not beat " + known + ", which this host has already seen");
        this.known = known;
    }

    /** What is remembered. */
    public TermRecord known() {
        return known;
    }
}
