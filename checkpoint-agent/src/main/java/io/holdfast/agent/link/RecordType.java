package io.holdfast.agent.link;

import static io.holdfast.agent.link.RecordLayout.MAX_BODY_BYTES;
import static io.holdfast.agent.link.RecordLayout.PAGES_FIXED_BYTES;

import io.holdfast.control.ClientFrame;
import org.jspecify.annotations.Nullable;

/** The types of records with their numbers on the wire and the longest body that each may have. */
enum RecordType {
    HELLO(1, MAX_BODY_BYTES),
    WELCOME(2, 256),
    REFUSAL(3, MAX_BODY_BYTES),
    CHECKPOINT_BEGIN(4, Byte.BYTES + Long.BYTES),
    PAGES(5, PAGES_FIXED_BYTES + LinkMessage.MAX_PAYLOAD_BYTES),
    DEVICE_STATE(6, LinkMessage.MAX_PAYLOAD_BYTES),
    CHECKPOINT_END(7, MAX_BODY_BYTES),
    CONFIRM(8, Long.BYTES),
    ARMED(9, Long.BYTES),
    HEARTBEAT(10, 3 * Long.BYTES),
    GUEST_DEATH(11, 32 << 10),
    RELINQUISH(12, 32 << 10),
    MIRRORED(13, 2 * Integer.BYTES + Long.BYTES + ClientFrame.MAX_BYTES),
    REVOKE(14, 32 << 10),
    WALL_LINE(15, 2 * Integer.BYTES + LinkMessage.WallLine.MAX_BYTES),
    WALL_STREAM(16, Integer.BYTES + Byte.BYTES),
    HAND_OVER(17, 32 << 10);

    private static final @Nullable RecordType[] BY_NUMBER = new RecordType[256];

    static {
        for (RecordType type : values()) {
            BY_NUMBER[type.number] = type;
        }
    }

    private final int number;
    private final int maxBodyBytes;

    RecordType(int number, int maxBodyBytes) {
        this.number = number;
        this.maxBodyBytes = maxBodyBytes;
    }

    /** On the wire, 1 to 255. */
    int number() {
        return number;
    }

    int maxBodyBytes() {
        return maxBodyBytes;
    }

    /**
     * @param number 0 to 255
     * @return null if no type has it
     */
    static @Nullable RecordType ofNumber(int number) {
        return BY_NUMBER[number];
    }
}
