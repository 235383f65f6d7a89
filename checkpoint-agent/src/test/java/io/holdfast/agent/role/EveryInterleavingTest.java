package io.holdfast.agent.role;

import static org.assertj.core.api.Assertions.assertThat;

import io.holdfast.agent.role.SimulatedPair.Sabotage;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/**
 * Not a sample but all of them: from a protected pair on, every order of the next steps up to a depth, with the primary's
 * host killed after each. The backup must take over, and must not contradict what was seen.
 * {@code -Dholdfast.interleaving.depth=N} looks further.
 */
class EveryInterleavingTest {

    private static final int DEPTH = Integer.getInteger("holdfast.interleaving.depth", 8);
    private static final int WARM_UP_ROUNDS = 40;
    private static final int TAKE_OVER_ROUNDS = 80;
    private static final long TICK_NANOS = 20 * SimulatedPair.MILLI;

    /** A step that may come next. The backup's are few enough to follow at once. */
    private enum Step {
        GUEST,
        CAPTURE,
        RELEASE,
        ENGINE,
        WALL,
        TO_BACKUP,
        TO_PRIMARY,
        TICK
    }

    private int killed;
    private List<String> firstViolation = List.of();

    @Test
    void shouldTakeOverWithoutContradictionWhereverThePrimaryIsKilled() {
        explore(new ArrayList<>(), Sabotage.NONE, DEPTH);
        System.out.println(killed + " kills");
        assertThat(firstViolation).isEmpty();
        assertThat(killed).isGreaterThan(10_000);
    }

    @Test
    void shouldFindTheOrderThatAnEarlyCommitNeeds() {
        explore(new ArrayList<>(), Sabotage.COMMIT_WHEN_SHIPPED, DEPTH);
        assertThat(firstViolation).isNotEmpty();
    }

    private void explore(List<Step> path, Sabotage sabotage, int depth) {
        kill(path, sabotage);
        if (path.size() == depth) {
            return;
        }
        SimulatedPair pair = walk(path, sabotage);
        for (Step step : Step.values()) {
            if (firstViolation.isEmpty() && isEnabled(pair, step)) {
                path.addLast(step);
                explore(path, sabotage, depth);
                path.removeLast();
            }
        }
    }

    private void kill(List<Step> path, Sabotage sabotage) {
        SimulatedPair pair = walk(path, sabotage);
        pair.crashHost(pair.a);
        for (int round = 0; round < TAKE_OVER_ROUNDS; round++) {
            pair.deliverStep(true);
            pair.engineStep(pair.b);
            pair.wallStep(pair.b);
            pair.nowNanos += TICK_NANOS;
            pair.tickStep(pair.b);
        }
        killed++;
        List<String> violations = new ArrayList<>(pair.violations());
        if (pair.promotions != 1) {
            violations.add(pair.promotions + " promotions: " + pair.describe());
        }
        if (!violations.isEmpty()) {
            violations.add(path.toString());
            violations.add(pair.journal());
            firstViolation = violations;
        }
    }

    private static SimulatedPair walk(List<Step> path, Sabotage sabotage) {
        SimulatedPair pair = new SimulatedPair(sabotage, false, SimulatedPair.Guard.NOTHING);
        for (int round = 0; round < WARM_UP_ROUNDS; round++) {
            for (Step step : Step.values()) {
                if (step != Step.GUEST) {
                    take(pair, step);
                }
            }
            pair.engineStep(pair.b);
        }
        for (int round = 0; round < 8; round++) {
            for (Step step : List.of(Step.ENGINE, Step.WALL, Step.TO_BACKUP, Step.TO_PRIMARY)) {
                take(pair, step);
            }
        }
        // All is quiet and confirmed; now a frame is held and the next checkpoint is due.
        for (Step step : List.of(Step.GUEST, Step.CAPTURE, Step.CAPTURE, Step.TICK, Step.TICK, Step.TICK)) {
            take(pair, step);
        }
        for (Step step : path) {
            take(pair, step);
        }
        return pair;
    }

    private static boolean isEnabled(SimulatedPair pair, Step step) {
        return switch (step) {
            case GUEST -> pair.guestRuns(pair.a);
            case CAPTURE -> pair.a.stampedFrame != null || !pair.a.inKernel.isEmpty();
            case RELEASE -> pair.mayRelease(pair.a);
            case ENGINE -> !pair.a.engine.isEmpty();
            case WALL -> !pair.a.wallCommands.isEmpty();
            case TO_BACKUP -> pair.hasMessage(true);
            case TO_PRIMARY -> pair.hasMessage(false);
            case TICK -> true;
        };
    }

    private static void take(SimulatedPair pair, Step step) {
        switch (step) {
            case GUEST -> pair.guestStep(pair.a);
            case CAPTURE -> pair.captureStep(pair.a);
            case RELEASE -> pair.releaseStep(pair.a);
            case ENGINE -> pair.engineStep(pair.a);
            case WALL -> pair.wallStep(pair.a);
            case TO_BACKUP -> pair.deliverStep(true);
            case TO_PRIMARY -> pair.deliverStep(false);
            case TICK -> {
                pair.nowNanos += TICK_NANOS;
                pair.tickStep(pair.a);
                pair.tickStep(pair.b);
            }
        }
    }
}
