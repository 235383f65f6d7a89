package io.holdfast.agent.rehearsal;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.holdfast.agent.engine.EngineException;
import io.holdfast.agent.engine.QemuStandby;
import io.holdfast.agent.engine.SpareQemu;
import io.holdfast.agent.rehearsal.CheckpointSource.Copied;
import io.holdfast.agent.role.RehearsalOutcome;
import io.holdfast.arp.GuestAddresses;
import io.holdfast.config.RehearsalConfig;
import java.io.IOException;
import java.util.EnumMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One rehearsal of a promotion: copies the newest checkpoint, restores it in a {@link SpareQemu}, and asks its guest whether it
 * is there. The QEMU that waits, its memory and its files are not touched, no frame leaves (INV-9), and nothing remains.
 *
 * <p><b>Threads.</b> It has one of its own; {@link #end} and {@link #awaitEnd} may be called by any.
 */
public final class Rehearsal {

    private static final Logger log = LoggerFactory.getLogger(Rehearsal.class);
    private static final JsonMapper JSON = new JsonMapper();
    private static final long ASK_EVERY_MILLIS = 20;
    private static final String NO_ADDRESS =
            "the guest runs; whether it answers cannot be told, because no address of it is known";

    /**
     * Where and how.
     *
     * @param standby how the QEMU is started that waits
     * @param memoryBytes of the guest
     * @param config what is expected of it
     */
    public record Plan(QemuStandby.Settings standby, long memoryBytes, RehearsalConfig config) {}

    private record Ending(RehearsalOutcome outcome, String reason) {}

    /** What there is of it, to be reported however it ends. */
    private static final class Course {
        final Map<RehearsalStep, Long> nanosByStep = new EnumMap<>(RehearsalStep.class);
        RehearsalStep step = RehearsalStep.ROOM;
        long stepBeganNanos = System.nanoTime();
        long epoch;
        String address = "";
    }

    private final Plan plan;
    private final CheckpointSource source;
    private final Consumer<RehearsalStep> onStep;
    private final Consumer<RehearsalReport> onEnd;
    private final Thread thread = Thread.ofPlatform().daemon().name("rehearsal").unstarted(this::run);
    private final AtomicReference<@Nullable Ending> ending = new AtomicReference<>();
    private final AtomicReference<@Nullable SpareQemu> spare = new AtomicReference<>();
    private final Course course = new Course();

    /**
     * Prepares one.
     *
     * @param onStep told of each step as it begins, on this rehearsal's thread
     * @param onEnd told of the end when nothing is left, on the same thread; once
     */
    public Rehearsal(
            Plan plan, CheckpointSource source, Consumer<RehearsalStep> onStep, Consumer<RehearsalReport> onEnd) {
        this.plan = plan;
        this.source = source;
        this.onStep = onStep;
        this.onEnd = onEnd;
    }

    /** Begins; once. */
    public void start() {
        thread.start();
    }

    /** Ends it at once, if it has not ended: its QEMU is killed when this returns, or is as soon as it is there. */
    public void end(RehearsalOutcome outcome, String reason) {
        if (ending.compareAndSet(null, new Ending(outcome, reason))) {
            SpareQemu running = spare.get();
            if (running != null) {
                running.kill();
            }
            thread.interrupt();
        }
    }

    /** Waits until nothing is left of it, for a while. */
    public void awaitEnd(long limitMillis) throws InterruptedException {
        thread.join(limitMillis);
    }

    private void run() {
        long beganNanos = System.nanoTime();
        Ending result = carryOut();
        enter(RehearsalStep.END);
        close();
        onEnd.accept(new RehearsalReport(
                result.outcome,
                result.reason,
                course.epoch,
                course.address,
                course.nanosByStep,
                System.nanoTime() - beganNanos));
    }

    /** Whatever happens here is a result: it may not harm the backup. */
    private Ending carryOut() {
        try {
            return rehearse();
        } catch (Throwable e) {
            Ending ordered = ending.get();
            if (ordered != null) {
                return ordered;
            }
            log.debug("a rehearsal failed", e);
            return new Ending(
                    RehearsalOutcome.FAILED,
                    course.step.text() + ": " + (e instanceof EngineException ? e.getMessage() : e.toString()));
        }
    }

    private Ending rehearse() throws EngineException, IOException, InterruptedException {
        enter(RehearsalStep.ROOM);
        Optional<String> shortage =
                Room.beside(plan.standby.memory(), plan.memoryBytes).shortageFor(plan.memoryBytes);
        if (shortage.isPresent()) {
            return new Ending(RehearsalOutcome.FAILED, "not begun: " + shortage.get());
        }
        begin(RehearsalStep.COPY);
        SpareQemu qemu = SpareQemu.prepare(plan.standby, plan.memoryBytes);
        spare.set(qemu);
        Copied checkpoint = source.copyTo(qemu.memory());
        course.epoch = checkpoint.epoch();

        begin(RehearsalStep.START);
        qemu.start();
        IsolatedNetwork network = new IsolatedNetwork(qemu.pid());
        NeighborQuestions questions = new NeighborQuestions(addresses(checkpoint.guestAddressesJson()), network.taps());
        network.carryOut(questions.setUp());

        begin(RehearsalStep.LOAD);
        qemu.load(checkpoint.deviceState());

        if (!questions.isEmpty()) {
            begin(RehearsalStep.ANSWER);
            if (!awaitAnswer(network, questions)) {
                return new Ending(
                        RehearsalOutcome.NO_ANSWER,
                        "the guest runs, but has not answered at %s within %d ms"
                                .formatted(
                                        questions.address(),
                                        plan.config.answerLimit().toMillis()));
            }
        }
        if (!plan.config.check().isEmpty()) {
            begin(RehearsalStep.CHECK);
            return check(network, questions.address());
        }
        finishStep();
        return questions.isEmpty()
                ? new Ending(RehearsalOutcome.RESTORED, NO_ADDRESS)
                : new Ending(RehearsalOutcome.ANSWERED, "the guest answers at " + course.address);
    }

    private boolean awaitAnswer(IsolatedNetwork network, NeighborQuestions questions)
            throws EngineException, InterruptedException {
        long deadlineNanos = System.nanoTime() + plan.config.answerLimit().toNanos();
        while (true) {
            network.carryOut(questions.ask());
            Optional<String> answered = questions.answered(network.neighbors());
            if (answered.isPresent()) {
                course.address = answered.get();
                return true;
            }
            if (System.nanoTime() - deadlineNanos > 0) {
                return false;
            }
            TimeUnit.MILLISECONDS.sleep(ASK_EVERY_MILLIS);
        }
    }

    private Ending check(IsolatedNetwork network, String knownAddress) throws InterruptedException {
        String address = course.address.isEmpty() ? knownAddress : course.address;
        try {
            ExternalCommand.Result result = network.run(
                    plan.config.check(), Map.of("HOLDFAST_GUEST_ADDRESS", address), plan.config.answerLimit());
            finishStep();
            return result.succeeded()
                    ? new Ending(RehearsalOutcome.ANSWERED, "the check finds the guest well")
                    : new Ending(
                            RehearsalOutcome.NO_ANSWER,
                            "the guest runs, but the check ended with %d: %s"
                                    .formatted(result.exitCode(), lastLineOf(result.output())));
        } catch (IOException e) {
            return new Ending(RehearsalOutcome.NO_ANSWER, "the guest runs, but the check failed: " + e.getMessage());
        }
    }

    private static String lastLineOf(String output) {
        return output.substring(output.lastIndexOf('\n') + 1);
    }

    private static GuestAddresses addresses(String json) throws EngineException {
        try {
            return json.isEmpty() ? GuestAddresses.NONE : GuestAddresses.fromJson(JSON.readTree(json));
        } catch (JsonProcessingException | IllegalArgumentException e) {
            throw new EngineException("the checkpoint's addresses are not understood: " + e.getMessage(), e);
        }
    }

    private void begin(RehearsalStep next) throws InterruptedException {
        if (ending.get() != null) {
            throw new InterruptedException();
        }
        finishStep();
        enter(next);
    }

    private void enter(RehearsalStep next) {
        course.step = next;
        course.stepBeganNanos = System.nanoTime();
        onStep.accept(next);
    }

    private void finishStep() {
        course.nanosByStep.put(course.step, System.nanoTime() - course.stepBeganNanos);
    }

    /** Must not be disturbed by what has ended the rest. */
    private void close() {
        SpareQemu used = spare.get();
        // From now on an end comes too late, and whoever interrupts has done so.
        ending.compareAndSet(null, new Ending(RehearsalOutcome.INTERRUPTED, ""));
        if (Thread.interrupted()) {
            log.debug("clears away a rehearsal that was ended");
        }
        if (used != null) {
            used.close();
        }
    }
}
