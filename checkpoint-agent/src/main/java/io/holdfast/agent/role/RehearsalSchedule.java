package io.holdfast.agent.role;

import io.holdfast.wall.Epoch;
import java.util.Optional;

/**
 * Decides when the backup rehearses a promotion: one at a time, by the operator's word or by itself at an interval, and only
 * where there is something to rehearse. Whatever comes of one, the next by itself comes after the interval.
 *
 * <p>Not thread-safe: one thread gives the events. Times are monotonic.
 */
public final class RehearsalSchedule {

    /**
     * How the backup stands.
     *
     * @param confirmedEpoch the newest checkpoint; {@link Epoch#NONE} for none
     * @param standbyReady whether a hypervisor waits, to whose memory checkpoints are applied
     * @param mayPromote whether a lost primary would be replaced
     * @param promoting whether a promotion was decided, however far it has come
     */
    public record Standing(long confirmedEpoch, boolean standbyReady, boolean mayPromote, boolean promoting) {}

    private final long everyNanos;
    private final long limitNanos;
    private boolean running;
    private long beganNanos;

    /**
     * Begins with none under way; the first by itself comes after the interval.
     *
     * @param everyNanos interval of those by themselves; 0 for none
     * @param limitNanos how long one may take
     */
    public RehearsalSchedule(long everyNanos, long limitNanos, long nowNanos) {
        this.everyNanos = everyNanos;
        this.limitNanos = limitNanos;
        this.beganNanos = nowNanos;
    }

    /** Whether one should begin by itself. */
    public boolean isDue(Standing backup, long nowNanos) {
        return everyNanos > 0
                && nowNanos - beganNanos >= everyNanos
                && backup.mayPromote()
                && refusal(backup).isEmpty();
    }

    /** Why none may begin, in words; empty if one may. A backup that may not promote can still be rehearsed. */
    public Optional<String> refusal(Standing backup) {
        if (backup.promoting()) {
            return Optional.of("this host takes over, or has tried to: that is no rehearsal any more");
        }
        if (running) {
            return Optional.of("a rehearsal is under way");
        }
        if (backup.confirmedEpoch() == Epoch.NONE) {
            return Optional.of("this backup has never confirmed a full checkpoint");
        }
        if (!backup.standbyReady()) {
            return Optional.of("the waiting hypervisor, which has the checkpoint, is not ready");
        }
        return Optional.empty();
    }

    /** One begins. */
    public void onBegin(long nowNanos) {
        running = true;
        beganNanos = nowNanos;
    }

    /** It has ended, and left nothing behind. */
    public void onEnd() {
        running = false;
    }

    /** Whether the one under way has had its time. */
    public boolean isOverdue(long nowNanos) {
        return running && nowNanos - beganNanos > limitNanos;
    }
}
