package io.holdfast.reverse.model;

import static io.holdfast.reverse.model.Sequence.isAfter;

/**
 * The rightmost edge of the window that a peer has promised. Windows that arrive in another order than they were sent in are
 * ordinary; only a higher acknowledgement or timestamp proves that a segment was sent later.
 */
final class WindowEdge {

    private int edge;
    private int acknowledgment;
    private int timestamp;

    WindowEdge() {}

    /** The edge that the peer's SYN promises to a sender whose first number after its own is {@code next}. */
    void start(int next, Segment syn) {
        edge = next + syn.window();
        acknowledgment = next;
        timestamp = syn.tsval();
    }

    WindowEdge copy() {
        WindowEdge copy = new WindowEdge();
        copy.edge = edge;
        copy.acknowledgment = acknowledgment;
        copy.timestamp = timestamp;
        return copy;
    }

    /** Notes a segment; false if it takes back what an earlier one has promised. */
    boolean accept(Segment segment, int windowBytes, boolean timestamps) {
        int promised = segment.acknowledgment() + windowBytes;
        if (isAfter(promised, edge)) {
            edge = promised;
            acknowledgment = segment.acknowledgment();
            timestamp = segment.tsval();
            return true;
        }
        boolean later = isAfter(segment.acknowledgment(), acknowledgment)
                || (timestamps && isAfter(segment.tsval(), timestamp));
        return promised == edge || !later;
    }
}
