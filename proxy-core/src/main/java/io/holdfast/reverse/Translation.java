package io.holdfast.reverse;

/**
 * How the numbering of a connection that its client sees differs from that of the guest, from a failover on for the rest of
 * the connection's life. The floors are what the client had been told before: it must not hear less.
 *
 * @param sequenceOffset the client's numbering minus the guest's, of the bytes that the guest sends (D)
 * @param timestampOffset the same of the guest's clock (dT)
 * @param ackFloor the highest acknowledgement that the client had (A)
 * @param edgeFloor the right edge of the window that it had been given (E)
 */
record Translation(int sequenceOffset, int timestampOffset, long ackFloor, long edgeFloor) {

    /** Nothing has happened yet: both are the same. */
    static final Translation NONE = new Translation(0, 0, Long.MIN_VALUE, Long.MIN_VALUE);

    /** Where it is not known what the client had been told. */
    static Translation of(int sequenceOffset, int timestampOffset) {
        return new Translation(sequenceOffset, timestampOffset, Long.MIN_VALUE, Long.MIN_VALUE);
    }

    /** Another offset of the clock. */
    Translation withTimestampOffset(int offset) {
        return new Translation(sequenceOffset, offset, ackFloor, edgeFloor);
    }

    boolean isNone() {
        return ackFloor == Long.MIN_VALUE;
    }
}
