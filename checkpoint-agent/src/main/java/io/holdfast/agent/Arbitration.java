package io.holdfast.agent;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.holdfast.agent.arbiter.Arbiter;
import io.holdfast.agent.arbiter.Claim;
import io.holdfast.agent.arbiter.Fence;
import io.holdfast.agent.arbiter.Verdict;
import io.holdfast.agent.role.Safeguards;
import io.holdfast.wall.Term;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.function.Consumer;

/**
 * Carries questions to the arbiter and the fence, if there are any, and their answers to the conductor.
 *
 * <p>Used by the conductor.
 */
final class Arbitration implements AutoCloseable {

    private static final double NANOS_PER_SECOND = 1e9;

    private final Optional<Arbiter> arbiter;
    private final Optional<Fence> fence;
    private final Conductor conductor;
    private final AgentMeasures measures;

    Arbitration(Optional<Arbiter> arbiter, Optional<Fence> fence, Conductor conductor, AgentMeasures measures) {
        this.arbiter = arbiter;
        this.fence = fence;
        this.conductor = conductor;
        this.measures = measures;
    }

    /** @param probed whether the network is asked for an old owner of the guest */
    Safeguards safeguards(boolean probed) {
        return new Safeguards(arbiter.isPresent(), fence.isPresent(), probed);
    }

    boolean isArbitrated() {
        return arbiter.isPresent();
    }

    /** @param onVerdict called on the conductor */
    void ask(Claim claim, Consumer<Verdict> onVerdict) {
        arbiter.orElseThrow()
                .claim(
                        claim,
                        verdict -> conductor.post(() -> {
                            count(verdict);
                            onVerdict.accept(verdict);
                        }));
    }

    private void count(Verdict verdict) {
        switch (verdict) {
            case Verdict.Granted granted -> measures.grantedClaims.increment();
            case Verdict.Refused refused -> measures.refusedClaims.increment();
            case Verdict.Unreachable unreachable -> measures.unansweredClaims.increment();
        }
    }

    /** @param onEnd hears why there is no proof, empty if there is; called on the conductor */
    void fence(Term primary, Consumer<String> onEnd) {
        fence.orElseThrow().run(primary, trouble -> conductor.post(() -> onEnd.accept(trouble)));
    }

    /**
     * The fields of a status that both roles have.
     *
     * @param waitsFor see {@link AgentView#waitsFor}
     * @param leaseSeconds see {@link AgentView#leaseSeconds}
     */
    void describe(ObjectNode status, String waitsFor, double leaseSeconds) {
        status.put("arbiter", arbiter.map(Arbiter::kind).orElse("none"))
                .put("fence", fence.isPresent())
                .put("waits_for", waitsFor)
                .put("lease_left_seconds", leaseSeconds);
    }

    /** What is left of a lease. */
    static double secondsLeft(OptionalLong untilNanos, long nowNanos) {
        return untilNanos.isEmpty() ? 0 : Math.max(0, untilNanos.getAsLong() - nowNanos) / NANOS_PER_SECOND;
    }

    @Override
    public void close() {
        arbiter.ifPresent(Arbiter::close);
        fence.ifPresent(Fence::close);
    }
}
