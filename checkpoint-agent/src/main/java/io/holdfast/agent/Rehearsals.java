package io.holdfast.agent;

import io.holdfast.agent.engine.EngineException;
import io.holdfast.agent.engine.SpareQemu;
import io.holdfast.agent.engine.StandbyEngine;
import io.holdfast.agent.rehearsal.Rehearsal;
import io.holdfast.agent.rehearsal.RehearsalReport;
import io.holdfast.agent.role.RehearsalOutcome;
import io.holdfast.agent.role.RehearsalSchedule;
import io.holdfast.audit.AuditEvent;
import io.holdfast.config.RehearsalConfig;
import io.holdfast.control.CommandException;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A backup's rehearsals: begins them as {@link RehearsalSchedule} decides, and tells what came of them. On the conductor. */
final class Rehearsals {

    private static final Logger log = LoggerFactory.getLogger(Rehearsals.class);
    private static final long LAST_END_MILLIS = 3_000;
    private static final double NANOS_PER_MILLI = 1e6;

    private final AgentContext context;
    private final RehearsalConfig config;
    private final RehearsalMeasures measures;
    private final Worker engineThread;
    private final AppliedCheckpoint applied;
    private final Supplier<RehearsalSchedule.Standing> standing;
    private final Supplier<@Nullable StandbyEngine> standby;
    private final RehearsalSchedule schedule;
    private @Nullable Rehearsal running;

    /**
     * Begins with none, after what an agent has left was removed that died amid one.
     *
     * @param standing how the backup stands at the moment
     * @param standby the hypervisor that waits at the moment
     */
    Rehearsals(
            AgentContext context,
            Worker engineThread,
            AppliedCheckpoint applied,
            Supplier<RehearsalSchedule.Standing> standing,
            Supplier<@Nullable StandbyEngine> standby) {
        this.context = context;
        this.config = context.agent().rehearsal();
        this.measures = context.measures().rehearsals;
        this.engineThread = engineThread;
        this.applied = applied;
        this.standing = standing;
        this.standby = standby;
        this.schedule = new RehearsalSchedule(
                config.every().toNanos(), config.timeLimit().toNanos(), System.nanoTime());
        engineThread.run(this::clear);
    }

    private void clear() {
        try {
            SpareQemu.clear(context.standbySettings());
        } catch (EngineException e) {
            log.error("an earlier rehearsal has left something: {}", e.getMessage());
        }
    }

    /** Begins one that is due, and ends one that has had its time. */
    void onTick(long nowNanos) {
        Rehearsal current = running;
        if (current != null && schedule.isOverdue(nowNanos)) {
            current.end(
                    RehearsalOutcome.FAILED,
                    "not at its end after %d s".formatted(config.timeLimit().toSeconds()));
        }
        RehearsalSchedule.Standing backup = standing.get();
        StandbyEngine waiting = standby.get();
        if (waiting != null && schedule.isDue(backup, nowNanos)) {
            start(waiting, nowNanos);
        }
    }

    /**
     * Begins one by the operator's word.
     *
     * @return its number in {@link RehearsalMeasures}
     */
    long begin(long nowNanos) throws CommandException {
        Optional<String> refusal = schedule.refusal(standing.get());
        StandbyEngine waiting = standby.get();
        if (refusal.isPresent() || waiting == null) {
            throw new CommandException("CannotRehearse", refusal.orElse("no hypervisor waits"));
        }
        return start(waiting, nowNanos);
    }

    private long start(StandbyEngine waiting, long nowNanos) {
        schedule.onBegin(nowNanos);
        long number = measures.onBegin();
        Rehearsal begun = new Rehearsal(
                new Rehearsal.Plan(context.standbySettings(), waiting.memoryBytes(), config),
                new CheckpointCopier(engineThread, applied, waiting.memory()),
                measures::onStep,
                report -> context.conductor().post(() -> onEnd(report)));
        running = begun;
        begun.start();
        return number;
    }

    /** Whatever else there is to do on this host comes first. Does not wait. */
    void end(String because) {
        if (running != null) {
            running.end(RehearsalOutcome.INTERRUPTED, because + " came first");
        }
    }

    private void onEnd(RehearsalReport report) {
        running = null;
        schedule.onEnd();
        measures.onEnd(report, System.nanoTime());
        String text = "rehearsal of checkpoint %d: %s, in %.0f ms; %s"
                .formatted(
                        report.epoch(),
                        report.outcome().word(),
                        report.totalNanos() / NANOS_PER_MILLI,
                        report.reason());
        if (report.outcome().isBad()) {
            log.error("{}; protection goes on, but this backup may not work", text);
        }
        context.audit()
                .note(
                        AuditEvent.REHEARSED,
                        context.terms().term(),
                        text,
                        Map.of("epoch", report.epoch(), "took_ms", Math.round(report.totalNanos() / NANOS_PER_MILLI)));
    }

    /** Waits for a moment, so that nothing is left of one that was ended. */
    void awaitEnd() {
        if (running != null) {
            try {
                running.awaitEnd(LAST_END_MILLIS);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }
    }
}
