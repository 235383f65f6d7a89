package io.holdfast.agent.role;

import io.holdfast.agent.role.PrimaryEffect.ReportGuestDeath;
import io.holdfast.agent.role.PrimaryEffect.ResumeGuest;
import io.holdfast.wall.Epoch;
import java.util.List;
import java.util.Optional;

/** Whether the primary's guest is here, runs, stands still or is over, and which checkpoint has its last words. Not thread-safe. */
final class PrimaryGuest {

    private boolean found;
    private boolean paused;
    private boolean gone;

    /** It stands still for good, by its own doing; one more checkpoint lets its last words leave. */
    private boolean ended;

    private long lastWordsEpoch = Epoch.NONE;
    private Optional<ReportGuestDeath> death = Optional.empty();

    void onFound() {
        found = true;
    }

    void onPaused() {
        paused = true;
    }

    /** It goes on, unless it is over. */
    List<PrimaryEffect> resume() {
        if (isOver()) {
            return List.of();
        }
        paused = false;
        return List.of(new ResumeGuest());
    }

    /** It will not go on after the checkpoint that ends that epoch. */
    void onLastWords(long epoch) {
        lastWordsEpoch = epoch;
    }

    /** It will go on after all, or ends in another way. */
    void forgetLastWords() {
        lastWordsEpoch = Epoch.NONE;
    }

    /** It is gone, or nothing that it does here counts any more. */
    void onGone() {
        gone = true;
    }

    /** It is not gone after all: it goes on where its last words end. */
    void takeBack() {
        gone = false;
    }

    /** There is no checkpoint of what it did last, and there will be none; if it has ended, it is gone with that. */
    void onCheckpointFailed() {
        gone |= ended;
    }

    /** It is gone without having ended, so that a backup that is armed may take over; also one that connects later. */
    ReportGuestDeath die(String reason) {
        gone = true;
        ReportGuestDeath report = new ReportGuestDeath(reason, true);
        death = Optional.of(report);
        return report;
    }

    /** It has ended by its own doing, and nobody resurrects it. */
    ReportGuestDeath end(String reason) {
        ended = true;
        paused = true;
        ReportGuestDeath report = new ReportGuestDeath(reason, false);
        death = Optional.of(report);
        return report;
    }

    /** Whether one was ever seen here. */
    boolean isFound() {
        return found;
    }

    boolean isPaused() {
        return paused;
    }

    /** Whether nothing is left of it that could be captured. */
    boolean isGone() {
        return gone;
    }

    boolean hasEnded() {
        return ended;
    }

    /** Whether it will never go on, though its last words may still be on their way. */
    boolean isOver() {
        return gone || ended;
    }

    /** Whether it has said all that it will say here. */
    boolean hasLastWords() {
        return lastWordsEpoch != Epoch.NONE;
    }

    /** Whether the checkpoint that ends that epoch has its last words. */
    boolean hasLastWordsIn(long epoch) {
        return lastWordsEpoch == epoch;
    }

    /** Whether all its last words are in the checkpoints up to that epoch. */
    boolean hasLastWordsUpTo(long epoch) {
        return hasLastWords() && epoch >= lastWordsEpoch;
    }

    /** What a backup is told of its end; empty before. */
    Optional<ReportGuestDeath> death() {
        return death;
    }
}
