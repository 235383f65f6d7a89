package io.holdfast.reverse.model;

import static io.holdfast.reverse.model.Sequence.isAfter;
import static io.holdfast.reverse.model.Sequence.isBefore;

/** Whether a segment lies where its receiver looks for it. */
final class Acceptance {

    private Acceptance() {}

    /**
     * The four cases of RFC 9293, section 3.10.7.4, with one more number for segments without data: a sender that has filled the
     * window acknowledges from its right edge, and Linux takes that.
     *
     * @param next RCV.NXT
     * @param edge the right edge of the window
     */
    static boolean isAcceptable(Segment segment, int next, int edge) {
        if (segment.length() == 0) {
            return !isBefore(segment.sequence(), next) && !isAfter(segment.sequence(), edge);
        }
        return isAfter(segment.endSequence(), next) && isBefore(segment.sequence(), edge);
    }

    /** Whether an unacceptable one is old, and not of the future. */
    static boolean isOld(Segment segment, int next) {
        return segment.length() == 0 ? isBefore(segment.sequence(), next) : !isAfter(segment.endSequence(), next);
    }
}
