package io.holdfast.agent.role;

import java.util.OptionalLong;

/**
 * By what right a primary serves, or would serve, without a backup.
 *
 * @param kind who gives it
 * @param leaseUntilNanos monotonic time until which the arbiter has given it; empty if it does not end by itself, or was not given
 */
public record AloneRight(Kind kind, OptionalLong leaseUntilNanos) {

    /** Who gives the right. */
    public enum Kind {
        /** Nobody needs to: no backup of this term can have anything that it may promote. Or an operator answers for it. */
        UNCONTESTED,
        /** The arbiter, and it has not been asked yet in this agent's life. */
        TO_BE_CLAIMED,
        /** The arbiter has given it. */
        GRANTED
    }

    /** Nobody contests it. */
    public static AloneRight uncontested() {
        return new AloneRight(Kind.UNCONTESTED, OptionalLong.empty());
    }

    /** The arbiter is to be asked first. */
    public static AloneRight toBeClaimed() {
        return new AloneRight(Kind.TO_BE_CLAIMED, OptionalLong.empty());
    }

    /** The arbiter has given it. */
    public static AloneRight granted(OptionalLong leaseUntilNanos) {
        return new AloneRight(Kind.GRANTED, leaseUntilNanos);
    }

    /** Whether the guest may serve alone at that time. */
    public boolean holdsAt(long nowNanos) {
        return switch (kind) {
            case UNCONTESTED -> true;
            case TO_BE_CLAIMED -> false;
            case GRANTED -> leaseUntilNanos.isEmpty() || nowNanos - leaseUntilNanos.getAsLong() <= 0;
        };
    }
}
