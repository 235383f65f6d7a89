package io.holdfast.agent;

import io.holdfast.agent.engine.CheckpointEngine;
import io.holdfast.agent.engine.EngineException;
import io.holdfast.agent.engine.StandbyEngine;
import io.holdfast.agent.role.CatchUpAttempts;
import io.holdfast.control.CommandException;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Restores a guest behind an inline proxy, and sees it to where its clients have seen it, before the wall is opened:
 *
 * <pre>
 *   restored ─► guest runs ─► catchup? ─┬─ decided ─────────────────────► caught up
 *      ▲                          ▲     ├─ not yet: look again ─┐
 *      │                          └─────┼───────────────────────┘
 *      └── fresh hypervisor ◄─ lost ◄─ kill ◄─ diverged, and {@link CatchUpAttempts} allow it
 * </pre>
 *
 * A network interface has room for one hypervisor, so a fresh one is started when the one before is dead.
 *
 * <p><b>Threads.</b> The conductor; what blocks is done by the engine thread.
 */
final class InlinePromotion {

    private static final Logger log = LoggerFactory.getLogger(InlinePromotion.class);

    private static final long LOOK_MILLIS = 2;
    private static final int STARTS = 3;

    /** Starts a hypervisor that waits. */
    interface Starter {
        StandbyEngine start() throws EngineException;
    }

    /** Hears how it ends. On the conductor. */
    interface Listener {

        /** The guest runs, and may go live. */
        void onCaughtUp(CheckpointEngine guest);

        void onRestoreFailed(String reason);
    }

    private final AgentContext context;
    private final Worker engineThread;
    private final AppliedCheckpoint checkpoint;
    private final long epoch;
    private final Supplier<@Nullable WallLink> wall;
    private final Starter starter;
    private final Listener listener;
    private final CatchUpAttempts attempts;

    private boolean turned;

    /**
     * Before the first attempt; the wall is owned, and knows that the guest is lost.
     *
     * @param epoch whose checkpoint is restored
     * @param wall null while there is none
     */
    InlinePromotion(
            AgentContext context,
            Worker engineThread,
            AppliedCheckpoint checkpoint,
            long epoch,
            Supplier<@Nullable WallLink> wall,
            Starter starter,
            Listener listener) {
        this.context = context;
        this.engineThread = engineThread;
        this.checkpoint = checkpoint;
        this.epoch = epoch;
        this.wall = wall;
        this.starter = starter;
        this.listener = listener;
        this.attempts = new CatchUpAttempts(context.restoreAttempts(), context.catchUpLimitNanos());
    }

    /** Makes the next attempt, with a hypervisor that has the checkpoint's memory. */
    void restore(StandbyEngine waiting) {
        attempts.onRestore(System.nanoTime());
        turned = false;
        turnProxy();
        engineThread.run(() -> {
            try {
                CheckpointEngine running = checkpoint.promote(waiting, epoch);
                context.conductor().post(() -> look(running));
            } catch (EngineException | RuntimeException e) {
                context.conductor().post(() -> listener.onRestoreFailed(String.valueOf(e.getMessage())));
            }
        });
    }

    /** Before the guest runs: what clients had sent waits for it, and none of its frames is taken for a stray. */
    private void turnProxy() {
        WallLink connected = wall.get();
        if (connected != null) {
            try {
                connected.guestRestored(context.inlinePlace(), epoch);
                turned = true;
            } catch (WallGoneException | CommandException e) {
                log.error("the inline proxy does not turn to this host: {}", e.getMessage());
            }
        }
    }

    private void look(CheckpointEngine running) {
        WallLink connected = wall.get();
        if (connected == null) {
            listener.onCaughtUp(running); // Whoever opens the wall when it is back is told if it is too early.
            return;
        }
        if (!turned) {
            turnProxy();
        }
        try {
            WallLink.CatchUp reached = connected.catchUp();
            switch (attempts.next(reached.decided(), reached.diverged(), System.nanoTime())) {
                case WAIT -> context.conductor().postAfter(LOOK_MILLIS, () -> look(running));
                case RESTORE_AGAIN -> restoreAgain(running, reached);
                case GIVE_UP_REST -> {
                    connected.giveUpRest();
                    listener.onCaughtUp(running);
                }
                case GO_LIVE -> listener.onCaughtUp(running);
            }
        } catch (WallGoneException | CommandException e) {
            log.error("the inline proxy does not tell how far the guest is: {}", e.getMessage());
            listener.onCaughtUp(running);
        }
    }

    private void restoreAgain(CheckpointEngine diverging, WallLink.CatchUp reached) {
        log.warn(
                "attempt {}, {}: {} connections have diverged; checkpoint {} is restored once more",
                attempts.attempt(),
                reached.order(),
                reached.diverged(),
                epoch);
        engineThread.run(() -> {
            diverging.kill();
            diverging.close();
            context.conductor().post(this::tellLost);
            startFresh();
        });
    }

    /** The proxy hears nothing more of the killed one, and discards what it had said. */
    private void tellLost() {
        WallLink connected = wall.get();
        if (connected != null) {
            try {
                connected.guestLost();
            } catch (WallGoneException | CommandException e) {
                log.error("the inline proxy does not hear that its guest was killed: {}", e.getMessage());
            }
        }
    }

    /** Engine thread. Nobody serves the clients now, so one failure must not be the end. */
    private void startFresh() {
        long beganNanos = System.nanoTime();
        String failure = "";
        for (int start = 0; start < STARTS; start++) {
            try {
                StandbyEngine fresh = starter.start();
                checkpoint.copyTo(fresh);
                log.info("a fresh hypervisor waits after {} ms", (System.nanoTime() - beganNanos) / 1_000_000);
                context.conductor().post(() -> restore(fresh));
                return;
            } catch (EngineException e) {
                failure = String.valueOf(e.getMessage());
                log.error("the hypervisor for attempt {} does not start: {}", attempts.attempt() + 1, failure);
            }
        }
        String reason = failure;
        context.conductor().post(() -> listener.onRestoreFailed(reason));
    }

    /** Which attempt it is, from 1; 0 before the first. */
    int attempt() {
        return attempts.attempt();
    }
}
