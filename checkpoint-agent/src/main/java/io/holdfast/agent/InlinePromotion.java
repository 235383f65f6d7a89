package io.holdfast.agent;

import io.holdfast.agent.engine.CheckpointEngine;
import io.holdfast.agent.engine.EngineException;
import io.holdfast.agent.engine.StandbyEngine;
import io.holdfast.agent.role.CatchUpAttempts;
import io.holdfast.control.CommandException;
import java.util.OptionalLong;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Restores a guest behind an inline proxy, and sees it to where its clients have seen it, before it opens the wall:
 *
 * <pre>
 *   restored ─► guest runs ─► catchup? ─┬─ decided ─────────────────────► open
 *      ▲                          ▲     ├─ not yet: look again ─┐
 *      │                          └─────┼───────────────────────┘
 *      └── fresh hypervisor ◄─ lost ◄─ kill ◄─ diverged or dead, and {@link CatchUpAttempts} allow it
 * </pre>
 *
 * A network interface has room for one hypervisor, so a fresh one is started when the one before is dead.
 *
 * <p>It does not end without the proxy: whoever opened the wall of one that has begun a new life, and was told nothing, would
 * let a guest go on with clients that know a younger one. A new life is told once more, and resets what it does not know.
 *
 * <p><b>Threads.</b> The conductor; what blocks is done by the engine thread.
 */
final class InlinePromotion {

    private static final Logger log = LoggerFactory.getLogger(InlinePromotion.class);

    private static final long LOOK_MILLIS = 2;
    private static final long RETRY_MILLIS = 50;
    private static final int STARTS = 3;

    /** Makes the wall this host's, under the term of the promotion. */
    interface Owner {
        void own(WallLink wall) throws WallGoneException, CommandException;
    }

    /** Has guests run from the checkpoint. On the engine thread. */
    interface Guests {

        /** Lets a hypervisor run that has the checkpoint's memory. */
        CheckpointEngine resume(StandbyEngine waiting) throws EngineException;

        /** Starts another hypervisor that waits, with the checkpoint's memory. */
        StandbyEngine startAnother() throws EngineException;
    }

    /** Hears how it ends. On the conductor. */
    interface Listener {

        /** The guest serves its clients again. */
        void onLive(CheckpointEngine guest);

        void onRestoreFailed(String reason);
    }

    private final Conductor conductor;
    private final Worker engineThread;
    private final CatchUpAttempts attempts;
    private final String place;
    private final long epoch;
    private final String reason;
    private final Supplier<@Nullable WallLink> wall;
    private final Supplier<OptionalLong> leaseUntilNanos;
    private final Owner owner;
    private final Guests guests;
    private final Listener listener;

    /** Which life of the proxy knows of the guest that runs; empty if none. */
    private String told = "";

    private String trouble = "";

    /**
     * Before the first attempt; the wall is owned, and knows that the guest is lost.
     *
     * @param place what the inline proxy calls this host
     * @param epoch whose checkpoint is restored
     * @param reason for opening the wall, for the proxy's log
     * @param wall null while there is none
     * @param leaseUntilNanos until when the guest may serve; empty if that does not end by itself
     * @param owner for one that has been away
     */
    InlinePromotion(
            Conductor conductor,
            Worker engineThread,
            CatchUpAttempts attempts,
            String place,
            long epoch,
            String reason,
            Supplier<@Nullable WallLink> wall,
            Supplier<OptionalLong> leaseUntilNanos,
            Owner owner,
            Guests guests,
            Listener listener) {
        this.conductor = conductor;
        this.engineThread = engineThread;
        this.attempts = attempts;
        this.place = place;
        this.epoch = epoch;
        this.reason = reason;
        this.wall = wall;
        this.leaseUntilNanos = leaseUntilNanos;
        this.owner = owner;
        this.guests = guests;
        this.listener = listener;
    }

    /** Makes the next attempt, with a hypervisor that has the checkpoint's memory. */
    void restore(StandbyEngine waiting) {
        attempts.onRestore(System.nanoTime());
        told = "";
        WallLink connected = wall.get();
        if (connected != null) {
            // Before the guest runs: what clients had sent waits for it, and none of its frames is taken for a stray.
            attempt(() -> tellRestored(connected));
        }
        engineThread.run(() -> {
            try {
                CheckpointEngine running = guests.resume(waiting);
                conductor.post(() -> look(running));
            } catch (EngineException | RuntimeException e) {
                waiting.close(); // Only the first one is anybody else's, too.
                conductor.post(() -> listener.onRestoreFailed(String.valueOf(e.getMessage())));
            }
        });
    }

    private void tellRestored(WallLink connected) throws WallGoneException, CommandException {
        connected.guestRestored(place, epoch);
        told = connected.incarnation();
    }

    private void look(CheckpointEngine running) {
        if (!running.isAlive()) { // The proxy would only see that the guest comes no further.
            onDead(running);
            return;
        }
        WallLink connected = wall.get();
        if (connected == null) {
            note("it is not there");
        }
        if (connected == null || !attempt(() -> look(running, connected))) {
            conductor.postAfter(RETRY_MILLIS, () -> look(running));
        }
    }

    private void look(CheckpointEngine running, WallLink connected) throws WallGoneException, CommandException {
        if (connected.incarnation().isEmpty()) {
            owner.own(connected); // It was away.
        }
        if (!connected.incarnation().equals(told)) {
            connected.guestLost();
            tellRestored(connected);
        }
        WallLink.CatchUp reached = connected.catchUp();
        switch (attempts.next(reached.decided(), reached.diverged() > 0 && reached.improvable(), System.nanoTime())) {
            case WAIT -> conductor.postAfter(LOOK_MILLIS, () -> look(running));
            case RESTORE_AGAIN -> restoreAgain(running, reached);
            case GIVE_UP_REST -> {
                connected.giveUpRest();
                goLive(running, connected);
            }
            case GO_LIVE -> goLive(running, connected);
        }
    }

    private void goLive(CheckpointEngine running, WallLink connected) throws WallGoneException, CommandException {
        connected.open(reason, leaseUntilNanos.get());
        listener.onLive(running);
    }

    private interface Saying {
        void say() throws WallGoneException, CommandException;
    }

    /** Whether the proxy has heard it. */
    private boolean attempt(Saying saying) {
        try {
            saying.say();
            return true;
        } catch (WallGoneException | CommandException e) {
            note(String.valueOf(e.getMessage()));
            return false;
        }
    }

    /** Once, however often it is tried. */
    private void note(String now) {
        if (!now.equals(trouble)) {
            trouble = now;
            log.error("the guest waits, because the inline proxy does not see it to its clients: {}", now);
        }
    }

    private void restoreAgain(CheckpointEngine diverging, WallLink.CatchUp reached) {
        log.warn(
                "attempt {}, {}: {} connections have diverged; checkpoint {} is restored once more",
                attempts.attempt(),
                reached.order(),
                reached.diverged(),
                epoch);
        end(diverging, this::startFresh);
    }

    private void onDead(CheckpointEngine dead) {
        String death = "the hypervisor of attempt %d has died before its guest was where its clients have seen it"
                .formatted(attempts.attempt());
        if (attempts.mayReplaceDead()) {
            log.error("{}; checkpoint {} is restored once more", death, epoch);
            end(dead, this::startFresh);
        } else {
            end(dead, () -> conductor.post(() -> listener.onRestoreFailed(death)));
        }
    }

    /** @param next on the engine thread, when it is dead for certain */
    private void end(CheckpointEngine engine, Runnable next) {
        engineThread.run(() -> {
            engine.kill();
            engine.close();
            conductor.post(this::tellLost);
            next.run();
        });
    }

    /** The proxy hears nothing more of the killed one, and discards what it had said. */
    private void tellLost() {
        WallLink connected = wall.get();
        if (connected != null) {
            attempt(connected::guestLost);
        }
    }

    /** Engine thread. Nobody serves the clients now, so one failure must not be the end. */
    private void startFresh() {
        long beganNanos = System.nanoTime();
        String failure = "";
        for (int start = 0; start < STARTS; start++) {
            try {
                StandbyEngine fresh = guests.startAnother();
                log.info("a fresh hypervisor waits after {} ms", (System.nanoTime() - beganNanos) / 1_000_000);
                conductor.post(() -> restore(fresh));
                return;
            } catch (EngineException | RuntimeException e) {
                failure = String.valueOf(e.getMessage());
                log.error("the hypervisor for attempt {} does not start: {}", attempts.attempt() + 1, failure);
            }
        }
        String last = failure;
        conductor.post(() -> listener.onRestoreFailed(last));
    }

    /** Which attempt it is, from 1; 0 before the first. */
    int attempt() {
        return attempts.attempt();
    }
}
