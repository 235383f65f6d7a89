package io.holdfast.wall;

/** The wall does not do what it was asked; nothing has changed and frames stay where they are. */
public final class WallRefusal extends Exception {

    /** Why, in a word that programs can rely on. */
    public enum Reason {
        /** The command names another life of this wall: the proxy has restarted since. */
        WRONG_INCARNATION("WrongIncarnation"),
        /** The term is older than one that this wall has seen. */
        STALE_TERM("StaleTerm"),
        /** Another connection owns the wall, or none does. */
        NOT_OWNER("NotOwner"),
        /** The epoch is still open, or lies in the future. */
        EPOCH_NOT_CLOSED("EpochNotClosed"),
        /** The right to commit, or to open, had run out before the command arrived. */
        LEASE_EXPIRED("LeaseExpired"),
        /** Frames that an earlier guest has sent are still in the kernel. */
        NOT_DRAINED("NotDrained"),
        /** Not in this state. */
        WRONG_STATE("WrongState");

        private final String errorClass;

        Reason(String errorClass) {
            this.errorClass = errorClass;
        }

        /** The error class in the control protocol. */
        public String errorClass() {
            return errorClass;
        }
    }

    private final Reason reason;

    /** A refusal, with what a person should know about it. */
    public WallRefusal(Reason reason, String message) {
        super(message);
        this.reason = reason;
    }

    public Reason reason() {
        return reason;
    }
}
