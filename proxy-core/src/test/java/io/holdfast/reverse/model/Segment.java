package io.holdfast.reverse.model;

import io.holdfast.frame.TcpOptions;
import io.holdfast.frame.TcpSegment;

/**
 * A TCP segment (RFC 9293, section 3.1) without ports and checksum. Immutable; its arrays are shared and nobody writes to them.
 */
public final class Segment {

    public static final int FIN = TcpSegment.FIN;
    public static final int SYN = TcpSegment.SYN;
    public static final int RST = TcpSegment.RST;
    public static final int PSH = 0x08;
    public static final int ACK = TcpSegment.ACK;

    public static final int NO_WINDOW_SCALE = TcpOptions.NO_WINDOW_SCALE;

    private static final int[] NO_SACK = {};
    private static final byte[] NO_PAYLOAD = {};

    private final int sequence;
    private final int acknowledgment;
    private final int flags;
    private final int window;
    private final int mss;
    private final int windowScale;
    private final boolean sackPermitted;
    private final int[] sack;
    private final boolean hasTimestamps;
    private final int tsval;
    private final int tsecr;
    private final byte[] payload;

    private Segment(Builder builder) {
        sequence = builder.sequence;
        acknowledgment = builder.acknowledgment;
        flags = builder.flags;
        window = builder.window;
        mss = builder.mss;
        windowScale = builder.windowScale;
        sackPermitted = builder.sackPermitted;
        sack = builder.sack;
        hasTimestamps = builder.hasTimestamps;
        tsval = builder.tsval;
        tsecr = builder.tsecr;
        payload = builder.payload;
    }

    /** Begins a segment with neither options nor payload. */
    public static Builder withFlags(int flags) {
        return new Builder().flags(flags);
    }

    /** Begins a segment that is like this one. */
    public Builder toBuilder() {
        Builder builder = new Builder()
                .sequence(sequence)
                .acknowledgment(acknowledgment)
                .flags(flags)
                .window(window)
                .mss(mss)
                .windowScale(windowScale)
                .sackPermitted(sackPermitted)
                .sack(sack)
                .payload(payload);
        return hasTimestamps ? builder.timestamps(tsval, tsecr) : builder;
    }

    public int sequence() {
        return sequence;
    }

    /** Only with {@link #ACK}. */
    public int acknowledgment() {
        return acknowledgment;
    }

    public int flags() {
        return flags;
    }

    /** Whether any of these flags is set. */
    public boolean has(int flags) {
        return (this.flags & flags) != 0;
    }

    /** As on the wire, not yet scaled: 0 to 65535. */
    public int window() {
        return window;
    }

    /** 0 if it is not said. */
    public int mss() {
        return mss;
    }

    /** {@link #NO_WINDOW_SCALE} if it is not said. */
    public int windowScale() {
        return windowScale;
    }

    public boolean sackPermitted() {
        return sackPermitted;
    }

    /** The left and the right edge of each block in turn. */
    public int[] sack() {
        return sack;
    }

    public boolean hasTimestamps() {
        return hasTimestamps;
    }

    public int tsval() {
        return tsval;
    }

    public int tsecr() {
        return tsecr;
    }

    public byte[] payload() {
        return payload;
    }

    /** What the segment takes up of the sequence space: its payload, SYN and FIN. */
    public int length() {
        return payload.length + (has(SYN) ? 1 : 0) + (has(FIN) ? 1 : 0);
    }

    /** The sequence number after the last one that the segment takes up. */
    public int endSequence() {
        return sequence + length();
    }

    @Override
    public String toString() {
        StringBuilder text = new StringBuilder();
        text.append(has(SYN) ? "SYN " : "").append(has(FIN) ? "FIN " : "").append(has(RST) ? "RST " : "");
        text.append(Integer.toUnsignedString(sequence)).append('+').append(payload.length);
        if (has(ACK)) {
            text.append(" ack ").append(Integer.toUnsignedString(acknowledgment));
        }
        text.append(" window ").append(window);
        text.append(mss == 0 ? "" : " mss " + mss);
        text.append(windowScale == NO_WINDOW_SCALE ? "" : " scale " + windowScale);
        text.append(sackPermitted ? " sack permitted" : "");
        for (int i = 0; i < sack.length; i += 2) {
            text.append(" sack ").append(Integer.toUnsignedString(sack[i]));
            text.append("..").append(Integer.toUnsignedString(sack[i + 1]));
        }
        if (hasTimestamps) {
            text.append(" tsval ").append(Integer.toUnsignedString(tsval));
            text.append(" tsecr ").append(Integer.toUnsignedString(tsecr));
        }
        return text.toString();
    }

    /** A segment in the making. Takes over the arrays that it is given. */
    public static final class Builder {

        private int sequence;
        private int acknowledgment;
        private int flags;
        private int window;
        private int mss;
        private int windowScale = NO_WINDOW_SCALE;
        private boolean sackPermitted;
        private int[] sack = NO_SACK;
        private boolean hasTimestamps;
        private int tsval;
        private int tsecr;
        private byte[] payload = NO_PAYLOAD;

        private Builder() {}

        public Builder sequence(int sequence) {
            this.sequence = sequence;
            return this;
        }

        public Builder acknowledgment(int acknowledgment) {
            this.acknowledgment = acknowledgment;
            return this;
        }

        public Builder flags(int flags) {
            this.flags = flags;
            return this;
        }

        public Builder addFlags(int flags) {
            this.flags |= flags;
            return this;
        }

        public Builder window(int window) {
            this.window = window;
            return this;
        }

        public Builder mss(int mss) {
            this.mss = mss;
            return this;
        }

        public Builder windowScale(int windowScale) {
            this.windowScale = windowScale;
            return this;
        }

        public Builder sackPermitted(boolean sackPermitted) {
            this.sackPermitted = sackPermitted;
            return this;
        }

        public Builder sack(int... edges) {
            this.sack = edges;
            return this;
        }

        public Builder timestamps(int tsval, int tsecr) {
            this.hasTimestamps = true;
            this.tsval = tsval;
            this.tsecr = tsecr;
            return this;
        }

        public Builder withoutTimestamps() {
            this.hasTimestamps = false;
            return this;
        }

        public Builder payload(byte[] payload) {
            this.payload = payload;
            return this;
        }

        public Segment build() {
            return new Segment(this);
        }
    }
}
