package io.holdfast.agent.role;

import java.util.Locale;

/** How a rehearsal ended. */
public enum RehearsalOutcome {
    /** The restored guest answered, and the operator's check, if there is one, found it well. */
    ANSWERED,
    /** The guest runs from the checkpoint; nobody has ever learnt an address to ask it at. */
    RESTORED,
    /** The guest runs from the checkpoint, but is silent, or not as the operator's check expects it. */
    NO_ANSWER,
    /** There was no guest to ask, or no end in time. */
    FAILED,
    /** Something else came first, such as a promotion; it says nothing about the checkpoint. */
    INTERRUPTED;

    /** As it stands in status, metrics and the audit log. */
    public String word() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }

    /** Whether it proves that the backup works. */
    public boolean isProof() {
        return this == ANSWERED;
    }

    /** Whether somebody has to look at it. */
    public boolean isBad() {
        return this == NO_ANSWER || this == FAILED;
    }
}
