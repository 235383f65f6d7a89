package io.holdfast.agent.role;

import io.holdfast.wall.Epoch;
import java.util.ArrayDeque;
import java.util.Deque;

/**
 * The checkpoints that the backup of one session has or will have, each built on the one before (INV-11), and those of them that it
 * has not confirmed. Not thread-safe.
 */
final class CheckpointChain {

    private static final long NO_SESSION = 0;

    private long session = NO_SESSION;
    private long baseEpoch = Epoch.NONE;
    private final Deque<Long> inFlight = new ArrayDeque<>();

    /** The backup of that session has all memory, and nothing else yet. */
    void begin(long ofSession) {
        session = ofSession;
        baseEpoch = Epoch.NONE;
    }

    /** The next checkpoint begins a new one; what is on its way may still be confirmed. */
    void end() {
        session = NO_SESSION;
    }

    /** What is on its way counts no more, either. */
    void breakOff() {
        session = NO_SESSION;
        inFlight.clear();
    }

    /** Whether a checkpoint of what has changed is all that the backup of that session needs. */
    boolean reaches(long theSession) {
        return theSession != NO_SESSION && session == theSession;
    }

    /** On what the next checkpoint builds; {@link Epoch#NONE} if it follows all memory. */
    long baseEpoch() {
        return baseEpoch;
    }

    void onShipped(long epoch) {
        inFlight.addLast(epoch);
        baseEpoch = epoch;
    }

    /**
     * The backup has that one, and so those before it.
     *
     * @return whether it was on its way
     */
    boolean confirm(long epoch) {
        if (!inFlight.contains(epoch)) {
            return false;
        }
        while (!inFlight.isEmpty() && inFlight.peekFirst() <= epoch) {
            inFlight.removeFirst();
        }
        return true;
    }

    /** How many are on their way. */
    int inFlight() {
        return inFlight.size();
    }
}
