package io.holdfast.dump;

import io.holdfast.bridge.FrameFate;
import java.nio.charset.StandardCharsets;

/**
 * What is said of all frames of one fate. It changes with the epoch, not with the frame, so the newest is kept.
 *
 * <p><b>Threads.</b> One.
 */
final class Comment {

    private static final byte[] NOTHING = new byte[0];

    private final String word;
    private long stamp = Long.MIN_VALUE;
    private byte[] text = NOTHING;

    Comment(FrameFate fate) {
        word = switch (fate) {
            case HELD -> "held";
            case PASSED -> "passed";
            case EXEMPT -> "exempt";
            case DISCARDED -> "discarded";
            case DROPPED_AT_LIMIT -> "dropped at the limit";
            case SHUT_OUT -> "shut out";
            case DELIVERED -> "";
        };
    }

    /** In UTF-8; empty if there is nothing to say. */
    byte[] on(long newStamp) {
        if (newStamp != stamp && !word.isEmpty()) {
            stamp = newStamp;
            text = ("epoch " + newStamp + ", " + word).getBytes(StandardCharsets.UTF_8);
        }
        return text;
    }
}
