package io.holdfast.control;

/** What a connection for frames is for; whoever connects says so first. */
public enum FramePurpose {
    /** Gives frames to the guest. */
    INJECT(0),
    /** Takes copies of clients' frames, those of TCP. */
    COPY_TCP(1),
    /** Takes copies of all that a guest may get twice if the operator says so. */
    COPY_ALL(2);

    private final int number;

    FramePurpose(int number) {
        this.number = number;
    }

    /** As it crosses the socket. */
    int number() {
        return number;
    }
}
