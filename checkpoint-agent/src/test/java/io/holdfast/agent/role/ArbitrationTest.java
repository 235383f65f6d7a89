package io.holdfast.agent.role;

import static org.assertj.core.api.Assertions.assertThat;

import io.holdfast.agent.role.SimulatedPair.Guard;
import io.holdfast.agent.role.SimulatedPair.Host;
import io.holdfast.agent.role.SimulatedPair.Sabotage;
import org.junit.jupiter.api.Test;

/** A cut between two hosts that live, and an arbiter that hears both, one or none of them. */
class ArbitrationTest {

    private static final long TICK_NANOS = 5 * SimulatedPair.MILLI;
    private static final int A_WHILE_ROUNDS = 1_000;

    private final SimulatedPair pair = protectedPair(Sabotage.NONE, Guard.ARBITER);

    @Test
    void shouldHaveTheBackupTakeOverWhenTheArbiterHearsOnlyIt() {
        pair.a.cutFromArbiter = true;
        cutAndWait(pair);
        assertThat(serves(pair, pair.b)).isTrue();
        assertThat(serves(pair, pair.a)).isFalse();
    }

    @Test
    void shouldHaveThePrimaryGoOnAloneWhenTheArbiterHearsOnlyIt() {
        pair.b.cutFromArbiter = true;
        cutAndWait(pair);
        assertThat(serves(pair, pair.a)).isTrue();
        assertThat(pair.promotions).isZero();
    }

    @Test
    void shouldHaveOneOfThemServeWhenTheArbiterHearsBoth() {
        cutAndWait(pair);
        assertThat(serves(pair, pair.a)).isNotEqualTo(serves(pair, pair.b));
    }

    @Test
    void shouldHaveNobodyServeWhenTheArbiterHearsNone() {
        pair.a.cutFromArbiter = true;
        pair.b.cutFromArbiter = true;
        cutAndWait(pair);
        assertThat(serves(pair, pair.a)).isFalse();
        assertThat(serves(pair, pair.b)).isFalse();
    }

    @Test
    void shouldGoOnProtectedWhenTheLinkIsBackBeforeTheArbiterAnswers() {
        pair.a.cutFromArbiter = true;
        pair.b.cutFromArbiter = true;
        cutAndWait(pair);
        pair.healNetwork();
        pass(pair, A_WHILE_ROUNDS);
        assertThat(serves(pair, pair.a)).isTrue();
        assertThat(pair.a.isProtected()).isTrue();
        assertThat(pair.promotions).isZero();
    }

    /** The key says that the primary has gone on from there. */
    @Test
    void shouldRefuseABackupThatHearsTheArbiterAfterThePrimaryHasGoneOnAlone() {
        pair.b.cutFromArbiter = true;
        cutAndWait(pair);
        pair.b.cutFromArbiter = false;
        pass(pair, A_WHILE_ROUNDS);
        assertThat(pair.promotions).isZero();
        assertThat(pair.b.backup).isNotNull().matches(backup -> backup.confirmedEpoch() == 0);
    }

    /** Output that nobody else can contradict, but the lease says that it must not leave. */
    @Test
    void shouldServeNoMoreWhenTheLeaseHasRunOut() {
        pair.b.cutFromArbiter = true;
        cutAndWait(pair);
        pair.a.cutFromArbiter = true;
        pass(pair, A_WHILE_ROUNDS);
        assertThat(serves(pair, pair.a)).isFalse();
    }

    /** By the same right, under a newer term. */
    @Test
    void shouldServeAgainWhenTheArbiterAnswersAfterTheLeaseHasRunOut() {
        pair.b.cutFromArbiter = true;
        cutAndWait(pair);
        pair.a.cutFromArbiter = true;
        pass(pair, A_WHILE_ROUNDS);
        long sealedTerm = pair.a.disk.term.number();
        pair.a.cutFromArbiter = false;
        pass(pair, A_WHILE_ROUNDS);
        assertThat(serves(pair, pair.a)).isTrue();
        assertThat(pair.a.disk.term.number()).isEqualTo(sealedTerm + 1);
    }

    @Test
    void shouldClaimTheRightAgainBeforeARestartedAgentServesAlone() {
        pair.b.cutFromArbiter = true;
        cutAndWait(pair);
        pair.a.cutFromArbiter = true;
        pair.crashAgent(pair.a);
        pass(pair, A_WHILE_ROUNDS);
        pair.startAgent(pair.a);
        pass(pair, A_WHILE_ROUNDS);
        assertThat(serves(pair, pair.a)).isFalse();
        pair.a.cutFromArbiter = false;
        pass(pair, A_WHILE_ROUNDS);
        assertThat(serves(pair, pair.a)).isTrue();
    }

    @Test
    void shouldComeToAnEndThoughAnswersAreLost() {
        pair.losesAnswers = true;
        cutAndWait(pair);
        assertThat(serves(pair, pair.a)).isNotEqualTo(serves(pair, pair.b));
    }

    /** Nobody knows any more who has gone on, so nobody may. */
    @Test
    void shouldGrantNothingToABackupWhenTheArbiterHasLostItsData() {
        assertThat(afterLossOfData(Sabotage.NONE).promotions).isZero();
    }

    @Test
    void shouldSeeTheViolationWhenABackupIsGrantedWhatTheArbiterHasForgotten() {
        assertThat(afterLossOfData(Sabotage.GRANT_AFTER_LOSS_OF_DATA).violations())
                .isNotEmpty();
    }

    @Test
    void shouldHaveThePrimaryFencedBeforeTheGuestRunsElsewhere() {
        SimulatedPair fenced = protectedPair(Sabotage.NONE, Guard.ARBITER_AND_FENCE);
        fenced.a.cutFromArbiter = true;
        cutAndWait(fenced);
        assertThat(fenced.promotions).isEqualTo(1);
        assertThat(fenced.a.guest).isNull();
    }

    private static SimulatedPair afterLossOfData(Sabotage sabotage) {
        SimulatedPair pair = protectedPair(sabotage, Guard.ARBITER);
        pair.b.cutFromArbiter = true;
        cutAndWait(pair);
        pair.a.cutFromArbiter = true;
        pair.loseDataOfArbiter();
        pair.b.cutFromArbiter = false;
        pass(pair, A_WHILE_ROUNDS);
        return pair;
    }

    private static SimulatedPair protectedPair(Sabotage sabotage, Guard guard) {
        SimulatedPair pair = new SimulatedPair(sabotage, false, guard);
        pass(pair, A_WHILE_ROUNDS);
        assertThat(pair.a.isProtected()).as(pair.journal()).isTrue();
        return pair;
    }

    private static void cutAndWait(SimulatedPair pair) {
        pair.cutNetwork();
        pass(pair, A_WHILE_ROUNDS);
        assertThat(pair.violations()).as(pair.journal()).isEmpty();
    }

    private static boolean serves(SimulatedPair pair, Host host) {
        int before = pair.released;
        boolean itself = pair.mayServe(host);
        pass(pair, A_WHILE_ROUNDS / 4);
        return itself && pair.mayServe(host) && pair.released > before;
    }

    private static void pass(SimulatedPair pair, int rounds) {
        for (int round = 0; round < rounds; round++) {
            pair.nowNanos += TICK_NANOS + round % 2; // Both an even and an odd time, which the models draw by.
            pair.deliverStep(true);
            pair.deliverStep(false);
            for (int index = 0; index < 2; index++) {
                Host host = pair.host(index);
                pair.guestStep(host);
                pair.captureStep(host);
                pair.captureStep(host);
                pair.tickStep(host);
                pair.engineStep(host);
                pair.wallStep(host);
                pair.arbiterStep(host);
                pair.releaseStep(host);
            }
        }
    }
}
