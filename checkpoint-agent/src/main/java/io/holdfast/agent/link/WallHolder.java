package io.holdfast.agent.link;

/** Whose proxy has the wall, as the sender of a {@link LinkMessage.Hello} sees it. */
public enum WallHolder {
    /** Each host has one, beside its guest. */
    EACH,
    /** The sender's, in front of both hosts. */
    SENDER,
    /** The receiver's, in front of both hosts. */
    RECEIVER;

    /** The same, as the receiver sees it. */
    public WallHolder seenByReceiver() {
        return switch (this) {
            case EACH -> EACH;
            case SENDER -> RECEIVER;
            case RECEIVER -> SENDER;
        };
    }
}
