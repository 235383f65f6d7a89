package io.holdfast.reverse;

import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Looks for the order in which the lost guest had served requests, from one attempt to the next. On the wire it is not
 * to be seen; but an answer that is wrong tells that another request was served before.
 *
 * <p>A request goes ahead only past requests with which it overlaps in time, with all of them: it came before any of them was
 * answered. So whoever saw an answer and asked after it is always served after it.
 *
 * <p>Places are positions in the {@link InputLog} at which the guest got something.
 */
final class Repair {

    private record Move(long place, long before) {}

    private final InputLog log;
    /** What goes ahead, and of what; where several do, in that order. */
    private final Map<Long, Long> moved = new LinkedHashMap<>();

    private final Set<Move> tried = new HashSet<>();
    private final Set<Long> given = new HashSet<>();
    private long firstWrong = InputLog.NONE;
    /** What goes ahead of what in the next attempt. */
    private @Nullable Move next;

    Repair(InputLog log) {
        this.log = log;
    }

    /** Another guest was lost. */
    void forget() {
        moved.clear();
        tried.clear();
        given.clear();
        firstWrong = InputLog.NONE;
        next = null;
    }

    /**
     * The request at a place was served, and something that the guest said then is wrong. The first one in an attempt counts.
     *
     * @param end of what was recorded
     */
    void onWrongAnswer(long place, long end) {
        if (firstWrong == InputLog.NONE) {
            firstWrong = place;
            long late = moved.getOrDefault(place, place);
            long candidate = candidate(late, end);
            next = candidate == InputLog.NONE ? null : new Move(candidate, late);
        }
    }

    /** Whether another attempt would be another one. */
    boolean mayImprove() {
        return next != null;
    }

    /** Before another attempt: has one more request go ahead, instead of the last one if that was wrong itself. */
    void improve() {
        given.clear();
        moved.remove(firstWrong);
        if (next != null) {
            tried.add(next);
            moved.put(next.place, next.before);
        }
        firstWrong = InputLog.NONE;
        next = null;
    }

    /** Of the requests that may go ahead of another one, that which was answered first. */
    private long candidate(long late, long end) {
        long best = InputLog.NONE;
        long bestAnswer = Long.MAX_VALUE;
        long firstAnswer = answer(late, end);
        Map<Long, Long> firstOfFlow = new HashMap<>();
        firstOfFlow.put(log.flow(late), late);
        for (long place = log.next(late); place < Math.min(firstAnswer, end); place = log.next(place)) {
            long input = log.inputAt(place);
            if (input == InputLog.NONE || log.kind(input) != InputLog.SEGMENT) {
                continue;
            }
            long answer = answer(place, end);
            boolean isFirst = firstOfFlow.putIfAbsent(log.flow(place), place) == null;
            if (isFirst && answer < bestAnswer && isFree(place) && !tried.contains(new Move(place, late))) {
                best = place;
                bestAnswer = answer;
            }
            firstAnswer = Math.min(firstAnswer, answer);
        }
        return best;
    }

    private boolean isFree(long place) {
        return !moved.containsKey(place) && !moved.containsValue(place);
    }

    private long answer(long place, long end) {
        long answer = log.answerTo(place, end);
        return answer == InputLog.NONE ? Long.MAX_VALUE : answer;
    }

    /** Whether the request at a place goes ahead of another one. */
    boolean isMoved(long place) {
        return moved.containsKey(place);
    }

    /** What the guest should get before the request at a place, and has not got in this attempt; {@link InputLog#NONE} if nothing. */
    long nextAheadOf(long place) {
        for (Map.Entry<Long, Long> move : moved.entrySet()) {
            if (move.getValue() == place && !given.contains(move.getKey())) {
                return move.getKey();
            }
        }
        return InputLog.NONE;
    }

    void onGiven(long place) {
        given.add(place);
    }
}
