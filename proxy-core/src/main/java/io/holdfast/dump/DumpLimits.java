package io.holdfast.dump;

/**
 * When a dump ends by itself; {@link Long#MAX_VALUE} for never.
 *
 * @param frames so many are written at most
 * @param bytes so long is the stream at most, {@value #LEAST_BYTES} and up
 * @param nanos so long after its reader has come
 */
public record DumpLimits(long frames, long bytes, long nanos) {

    /** Room for what stands around the frames, and for the largest frame. */
    public static final long LEAST_BYTES = 128 << 10;

    public DumpLimits {
        if (frames < 1 || bytes < LEAST_BYTES || nanos < 1) {
            throw new IllegalArgumentException("a dump of %d frames, %d bytes, %d ns".formatted(frames, bytes, nanos));
        }
    }
}
