package io.holdfast.reverse.model;

import java.time.Duration;

/**
 * How an endpoint behaves. An option is in use if both sides offer it.
 *
 * @param initialSequence the ISN
 * @param clockOffsetMillis what is added to the time in milliseconds to make a TSval
 * @param mss the largest payload that it takes, in bytes, options not yet subtracted
 * @param windowScale 0 to 14; {@link Segment#NO_WINDOW_SCALE} if it is not offered
 * @param sendCapacityBytes how much the application may write ahead of the peer's acknowledgements
 * @param receiveCapacityBytes how much the peer may send ahead of the application's reads. A coarse window scale makes it more:
 *     an edge that has been promised is never taken back, and is rounded up
 * @param delayedAckNanos how long an acknowledgement may wait for company; 0 for not at all
 * @param cutPercent how often a segment is made shorter than it could be, by chance
 * @param timeWaitNanos how long TIME-WAIT lasts
 * @param answerIntervalNanos the least time between two answers to unacceptable segments without data (Linux:
 *     tcp_invalid_ratelimit); 0 to answer all
 */
public record TcpConfig(
        int initialSequence,
        int clockOffsetMillis,
        int mss,
        boolean timestamps,
        boolean sack,
        int windowScale,
        int sendCapacityBytes,
        int receiveCapacityBytes,
        long delayedAckNanos,
        int cutPercent,
        long timeWaitNanos,
        long answerIntervalNanos) {

    /** RFC 7323, section 2.3. */
    public static final int MAX_WINDOW_SCALE = 14;

    public TcpConfig {
        if (windowScale > MAX_WINDOW_SCALE || windowScale < Segment.NO_WINDOW_SCALE) {
            throw new IllegalArgumentException("window scale " + windowScale);
        }
        if (receiveCapacityBytes < 1 << Math.max(0, windowScale) || sendCapacityBytes < 1) {
            throw new IllegalArgumentException("a buffer that is smaller than a unit of the window");
        }
        if (mss < 64 || mss > 0xffff) {
            throw new IllegalArgumentException("MSS " + mss);
        }
    }

    /** Like a Linux host on Ethernet, with buffers of 64 KiB and a TIME-WAIT of two seconds; to be changed as needed. */
    public static Builder linux() {
        return new Builder();
    }

    /** The same for another connection. */
    public TcpConfig withIdentity(int initialSequence, int clockOffsetMillis) {
        return new TcpConfig(
                initialSequence,
                clockOffsetMillis,
                mss,
                timestamps,
                sack,
                windowScale,
                sendCapacityBytes,
                receiveCapacityBytes,
                delayedAckNanos,
                cutPercent,
                timeWaitNanos,
                answerIntervalNanos);
    }

    /** A configuration in the making. */
    public static final class Builder {

        private int initialSequence;
        private int clockOffsetMillis;
        private int mss = 1460;
        private boolean timestamps = true;
        private boolean sack = true;
        private int windowScale = 7;
        private int sendCapacityBytes = 64 << 10;
        private int receiveCapacityBytes = 64 << 10;
        private long delayedAckNanos = Duration.ofMillis(40).toNanos();
        private int cutPercent;
        private long timeWaitNanos = Duration.ofSeconds(2).toNanos();
        private long answerIntervalNanos = Duration.ofMillis(500).toNanos();

        private Builder() {}

        public Builder initialSequence(int initialSequence) {
            this.initialSequence = initialSequence;
            return this;
        }

        public Builder clockOffsetMillis(int clockOffsetMillis) {
            this.clockOffsetMillis = clockOffsetMillis;
            return this;
        }

        public Builder mss(int mss) {
            this.mss = mss;
            return this;
        }

        public Builder timestamps(boolean timestamps) {
            this.timestamps = timestamps;
            return this;
        }

        public Builder sack(boolean sack) {
            this.sack = sack;
            return this;
        }

        public Builder windowScale(int windowScale) {
            this.windowScale = windowScale;
            return this;
        }

        public Builder sendCapacityBytes(int sendCapacityBytes) {
            this.sendCapacityBytes = sendCapacityBytes;
            return this;
        }

        public Builder receiveCapacityBytes(int receiveCapacityBytes) {
            this.receiveCapacityBytes = receiveCapacityBytes;
            return this;
        }

        public Builder delayedAckNanos(long delayedAckNanos) {
            this.delayedAckNanos = delayedAckNanos;
            return this;
        }

        public Builder cutPercent(int cutPercent) {
            this.cutPercent = cutPercent;
            return this;
        }

        public Builder timeWaitNanos(long timeWaitNanos) {
            this.timeWaitNanos = timeWaitNanos;
            return this;
        }

        public Builder answerIntervalNanos(long answerIntervalNanos) {
            this.answerIntervalNanos = answerIntervalNanos;
            return this;
        }

        public TcpConfig build() {
            return new TcpConfig(
                    initialSequence,
                    clockOffsetMillis,
                    mss,
                    timestamps,
                    sack,
                    windowScale,
                    sendCapacityBytes,
                    receiveCapacityBytes,
                    delayedAckNanos,
                    cutPercent,
                    timeWaitNanos,
                    answerIntervalNanos);
        }
    }
}
