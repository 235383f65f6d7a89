package io.holdfast.reverse;

/**
 * Sequence numbers and timestamps of TCP go round after 2^32. Inside this package they are <i>positions</i>: 64 bit, never
 * going round, equal to the number on the wire modulo 2^32. All comparisons are signed differences (R-4; RFC 9293, section
 * 3.4).
 */
final class SequenceNumbers {

    /** Added to the first number of a connection, so that what lies a little before it is no negative position. */
    private static final long FIRST_TURN = 1L << 32;

    private SequenceNumbers() {}

    /** The position of a connection's first sequence number. */
    static long first(int sequence) {
        return FIRST_TURN + Integer.toUnsignedLong(sequence);
    }

    /** The position of a number that is less than 2^31 away from {@code near}. */
    static long unwrap(long near, int sequence) {
        return near + (sequence - (int) near);
    }

    /** The later one of two timestamps. */
    static int later(int one, int other) {
        return one - other >= 0 ? one : other;
    }
}
