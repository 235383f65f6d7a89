package io.holdfast.reverse.model;

import static io.holdfast.reverse.model.Sequence.earlier;
import static io.holdfast.reverse.model.Sequence.isAfter;
import static io.holdfast.reverse.model.Sequence.isBefore;
import static io.holdfast.reverse.model.Sequence.later;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * The receiving half of an endpoint: puts data in order, and promises a window. What lay within the window is never dropped, and
 * its right edge never moves left.
 */
final class Receiver {

    private static final int MAX_UNSCALED_WINDOW = 0xffff;

    private final int capacityBytes;
    private final ByteQueue ready;
    /** Out of order, ascending by their first byte; they may overlap. */
    private final List<Piece> pieces;

    private final SequenceRanges outOfOrder;
    private int next;
    private int latestArrival;
    private boolean finSeen;
    private int finSequence;
    private boolean finished;
    private int edge;
    private int scale;
    private int mss;
    private long receivedBytes;

    /** Bytes that came too early. */
    private static final class Piece {

        private final int sequence;
        private final byte[] bytes;

        Piece(int sequence, byte[] bytes) {
            this.sequence = sequence;
            this.bytes = bytes;
        }
    }

    Receiver(int capacityBytes) {
        this.capacityBytes = capacityBytes;
        ready = new ByteQueue();
        pieces = new ArrayList<>();
        outOfOrder = new SequenceRanges();
    }

    private Receiver(Receiver other) {
        capacityBytes = other.capacityBytes;
        ready = other.ready.copy();
        pieces = new ArrayList<>(other.pieces);
        outOfOrder = other.outOfOrder.copy();
        next = other.next;
        latestArrival = other.latestArrival;
        finSeen = other.finSeen;
        finSequence = other.finSequence;
        finished = other.finished;
        edge = other.edge;
        scale = other.scale;
        mss = other.mss;
        receivedBytes = other.receivedBytes;
    }

    Receiver copy() {
        return new Receiver(this);
    }

    /**
     * Begins with the peer's SYN.
     *
     * @param mss the most that a segment brings, the measure for windows that are too small to be worth mentioning
     */
    void start(int synSequence, int scale, int mss) {
        next = synSequence + 1;
        edge = next + unscaledWindow();
        this.scale = scale;
        this.mss = mss;
    }

    /** RCV.NXT. */
    int next() {
        return next;
    }

    /** The right edge of the window that the peer may have seen. */
    int edge() {
        return edge;
    }

    /** Whether some data or FIN was received that others must precede. */
    boolean hasGap() {
        return outOfOrder.count() > 0;
    }

    /** Whether the peer's FIN was received, and all before it. */
    boolean isFinished() {
        return finished;
    }

    int readableBytes() {
        return ready.size();
    }

    long receivedBytes() {
        return receivedBytes;
    }

    byte[] read(int maxBytes) {
        return ready.take(Math.min(maxBytes, ready.size()));
    }

    /** Takes what of a segment lies within the window. Data after a FIN is not taken. */
    void take(Segment segment) {
        int start = segment.sequence();
        int dataEnd = start + segment.payload().length;
        if (segment.has(Segment.FIN) && !finSeen && isBefore(dataEnd, edge) && !isBefore(dataEnd, next)) {
            finSeen = true;
            finSequence = dataEnd;
        }
        int from = later(start, next);
        int to = earlier(dataEnd, finSeen ? finSequence : edge);
        if (isBefore(from, to) && !finished) {
            if (from == next) {
                deliver(segment.payload(), from - start, to - from);
                deliverPieces();
            } else {
                keep(from, Arrays.copyOfRange(segment.payload(), from - start, to - start));
            }
        }
        if (finSeen && !finished && next == finSequence) {
            finished = true;
            next++;
            edge = later(edge, next);
        }
    }

    private void keep(int sequence, byte[] bytes) {
        latestArrival = sequence;
        int end = sequence + bytes.length;
        int range = outOfOrder.indexOf(sequence);
        if (range >= 0 && !isAfter(end, outOfOrder.right(range))) {
            return;
        }
        outOfOrder.add(sequence, end);
        int index = pieces.size();
        while (index > 0 && isAfter(pieces.get(index - 1).sequence, sequence)) {
            index--;
        }
        pieces.add(index, new Piece(sequence, bytes));
    }

    private void deliverPieces() {
        int used = 0;
        while (used < pieces.size() && !isAfter(pieces.get(used).sequence, next)) {
            Piece piece = pieces.get(used);
            int known = next - piece.sequence;
            if (known < piece.bytes.length) {
                deliver(piece.bytes, known, piece.bytes.length - known);
            }
            used++;
        }
        pieces.subList(0, used).clear();
        outOfOrder.removeBefore(next);
    }

    private void deliver(byte[] bytes, int offset, int length) {
        ready.append(bytes, offset, length);
        next += length;
        receivedBytes += length;
    }

    /** The blocks that a segment reports (RFC 2018, section 4): that of the latest arrival first, then from the lowest on. */
    int[] sack(int maxBlocks) {
        int blocks = Math.min(maxBlocks, outOfOrder.count());
        int[] sack = new int[2 * blocks];
        int latest = outOfOrder.indexOf(latestArrival);
        int written = 0;
        if (latest >= 0 && blocks > 0) {
            sack[0] = outOfOrder.left(latest);
            sack[1] = outOfOrder.right(latest);
            written = 1;
        }
        for (int i = 0; written < blocks; i++) {
            if (i != latest) {
                sack[2 * written] = outOfOrder.left(i);
                sack[2 * written + 1] = outOfOrder.right(i);
                written++;
            }
        }
        return sack;
    }

    /** The window of a SYN, which is never scaled (RFC 7323, section 2.2). */
    int unscaledWindow() {
        return Math.min(capacityBytes, MAX_UNSCALED_WINDOW);
    }

    /** Promises a window; the number for the wire. Rounded up like Linux does, since rounding down would move the edge left. */
    int promiseWindow() {
        int unit = 1 << scale;
        int window = Math.min((wantedWindow() + unit - 1) >> scale, MAX_UNSCALED_WINDOW);
        edge = next + (window << scale);
        return window;
    }

    /** Whether the window has grown so much that the peer should know (RFC 9293, section 3.8.6.2.2). */
    boolean isUpdateDue() {
        int wanted = wantedWindow();
        return wanted > 0 && wanted >= 2 * (edge - next);
    }

    private int wantedWindow() {
        int free = capacityBytes - ready.size();
        int worthwhile = free < Math.min(mss, capacityBytes / 2) ? 0 : free;
        return Math.max(worthwhile, edge - next);
    }
}
