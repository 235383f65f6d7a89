package io.holdfast.agent.role;

import io.holdfast.agent.role.PrimaryEffect.OpenWall;
import java.util.OptionalLong;

/** Whether the primary's wall answers, and whether it is open, by this side's knowledge. Not thread-safe. */
final class PrimaryWall {

    private boolean up;
    /** It was opened, and nothing has closed it since. */
    private boolean open;

    void onUp() {
        up = true;
    }

    void onDown() {
        up = false;
    }

    /** Everything may leave, until the lease ends. */
    OpenWall open(String reason, OptionalLong leaseUntilNanos) {
        open = true;
        return new OpenWall(reason, leaseUntilNanos);
    }

    /** A barrier, a suspension or a seal closes it. */
    void onClosed() {
        open = false;
    }

    /** Whether there is one that is ours. */
    boolean isUp() {
        return up;
    }

    boolean isOpen() {
        return open;
    }
}
