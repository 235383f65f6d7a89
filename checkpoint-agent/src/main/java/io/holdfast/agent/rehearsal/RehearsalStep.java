package io.holdfast.agent.rehearsal;

/** What a rehearsal does, in this order. */
public enum RehearsalStep {
    /** Sees whether this host has room for a second guest. */
    ROOM("room", "looking for room"),
    /** Takes memory for a second guest, and copies the checkpoint's. */
    COPY("copy", "copying the checkpoint's memory"),
    /** Starts a QEMU like the one that waits, where nobody sees it. */
    START("start", "starting a spare QEMU"),
    /** Gives it the state of processors and devices; then the guest runs. */
    LOAD("load", "restoring the guest"),
    /** Asks for the guest's addresses until it answers. */
    ANSWER("answer", "asking the guest for its address"),
    /** Runs the operator's command. */
    CHECK("check", "running the operator's check"),
    /** Ends the QEMU and removes what was its own. */
    END("end", "clearing away");

    private final String field;
    private final String text;

    RehearsalStep(String field, String text) {
        this.field = field;
        this.text = text;
    }

    /** What its time is called in JSON, but for the unit. */
    public String field() {
        return field;
    }

    /** What is being done, in words. */
    public String text() {
        return text;
    }
}
