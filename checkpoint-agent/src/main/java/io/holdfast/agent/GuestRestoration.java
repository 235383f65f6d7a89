package io.holdfast.agent;

import io.holdfast.agent.engine.CheckpointEngine;
import io.holdfast.agent.engine.EngineException;
import io.holdfast.agent.engine.GuestNotStartedException;
import io.holdfast.agent.engine.StandbyEngine;
import io.holdfast.agent.role.BackupRole;
import io.holdfast.agent.role.CatchUpAttempts;
import org.jspecify.annotations.Nullable;

/**
 * Has the guest run in the hypervisor that waits, from the applied checkpoint: at once where each host has its own wall, and
 * as an {@link InlinePromotion} where one stands before both.
 *
 * <p><b>Threads.</b> The conductor; what blocks is done by the engine thread.
 */
final class GuestRestoration {

    private static final int NO_ATTEMPT = 0;

    /** Hears how it ends. On the conductor. */
    interface Listener {

        /** See {@link #guest}. */
        void onRestored();

        /** It has certainly not run, and may be restored again. */
        void onNotStarted(String reason);

        void onRestoreFailed(String reason);

        /** Nothing of it runs any more. */
        void onAbandoned();
    }

    private final AgentContext context;
    private final Conductor conductor;
    private final BackupRole role;
    private final Worker engineThread;
    private final AppliedCheckpoint applied;
    private final WaitingHypervisor hypervisor;
    private final BackupWall wall;
    private final InputLog inputLog;
    private final Listener listener;

    private @Nullable InlinePromotion inlinePromotion;
    private @Nullable CheckpointEngine guest;
    /** Read by the engine thread. */
    private volatile boolean abandoned;

    /** Engine thread. Only beside the guest. */
    private @Nullable CheckpointEngine running;

    /**
     * @param role is asked only
     * @param inputLog what clients have sent since the checkpoint
     */
    GuestRestoration(
            AgentContext context,
            BackupRole role,
            Worker engineThread,
            AppliedCheckpoint applied,
            WaitingHypervisor hypervisor,
            BackupWall wall,
            InputLog inputLog,
            Listener listener) {
        this.context = context;
        this.conductor = context.conductor();
        this.role = role;
        this.engineThread = engineThread;
        this.applied = applied;
        this.hypervisor = hypervisor;
        this.wall = wall;
        this.inputLog = inputLog;
        this.listener = listener;
    }

    /** @param epoch whose checkpoint it is */
    void restore(long epoch) {
        abandoned = false;
        StandbyEngine waiting = hypervisor.waiting();
        if (waiting == null) {
            listener.onRestoreFailed("the waiting hypervisor is gone");
        } else if (context.isInline()) {
            restoreInline(waiting, epoch);
        } else {
            restoreBeside(waiting, epoch);
            giveClientsFrames();
        }
    }

    private void restoreBeside(StandbyEngine waiting, long epoch) {
        engineThread.run(() -> {
            try {
                CheckpointEngine resumed = promote(waiting, epoch);
                running = resumed;
                conductor.post(() -> onRestored(resumed));
            } catch (GuestNotStartedException e) {
                conductor.post(() -> listener.onNotStarted(String.valueOf(e.getMessage())));
            } catch (EngineException | RuntimeException e) {
                conductor.post(() -> listener.onRestoreFailed(String.valueOf(e.getMessage())));
            }
        });
    }

    /** Engine thread. */
    private CheckpointEngine promote(StandbyEngine waiting, long epoch) throws EngineException {
        return applied.promote(waiting, epoch, this::restart);
    }

    private void restart(StandbyEngine failed) throws EngineException {
        conductor.post(context.measures().failedStandbys::increment);
        if (abandoned) {
            throw new EngineException("the restoration was given up");
        }
        failed.restart();
    }

    /**
     * What clients sent and the restored state does not contain. The wall is ours under the new term, so it admits input
     * (INV-9). The first frames wait in the tap until the guest runs, which is soon, and the rest behind them in the proxy:
     * so the guest has them when it wakes, rather than when the wall opens.
     */
    private void giveClientsFrames() {
        InputInjection.start(context.config().framesSocket(), inputLog.take(), context.measures());
    }

    private void restoreInline(StandbyEngine waiting, long epoch) {
        InlinePromotion promotion = new InlinePromotion(
                conductor,
                engineThread,
                new CatchUpAttempts(context.restoreAttempts(), context.catchUpLimitNanos()),
                context.inlinePlace(),
                epoch,
                role.promotionReason(),
                wall::current,
                () -> role.aloneRight().leaseUntilNanos(),
                wall::ownAgain,
                new InlinePromotion.Guests() {
                    @Override
                    public CheckpointEngine resume(StandbyEngine withMemory) throws EngineException {
                        CheckpointEngine resumed = promote(withMemory, epoch);
                        hypervisor.fillSpares(); // In case that this attempt diverges.
                        return resumed;
                    }

                    @Override
                    public StandbyEngine startAnother() throws EngineException {
                        return hypervisor.startAnother();
                    }
                },
                new InlinePromotion.Listener() {
                    @Override
                    public void onLive(CheckpointEngine live) {
                        onRestored(live);
                    }

                    @Override
                    public void onRestoreFailed(String reason) {
                        listener.onRestoreFailed(reason);
                    }
                });
        inlinePromotion = promotion;
        promotion.restore(waiting);
    }

    private void onRestored(CheckpointEngine restored) {
        guest = restored;
        listener.onRestored();
    }

    /** Drives the restored guest; null before it runs. */
    @Nullable
    CheckpointEngine guest() {
        return guest;
    }

    /** Which attempt it is, from 1; 0 before the first, and where there is never another. */
    int attempt() {
        return inlinePromotion == null ? NO_ATTEMPT : inlinePromotion.attempt();
    }

    /** The wall first: it holds what the guest says until it is dead. */
    void abandon(String reason) {
        abandoned = true;
        wall.abandon(reason);
        StandbyEngine waiting = hypervisor.take();
        inlinePromotion = null;
        engineThread.run(
                () -> { // Behind its restoration.
                    CheckpointEngine abandoned = running;
                    running = null;
                    if (abandoned != null) {
                        abandoned.kill();
                        abandoned.close();
                    } else if (waiting != null) {
                        waiting.close();
                    }
                    conductor.post(listener::onAbandoned);
                });
    }
}
