package io.holdfast.wall;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.holdfast.wall.WallRefusal.Reason;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;

class BufferWallTest {

    private static final long ENGINE = 1;
    private static final long OTHER_ENGINE = 2;
    private static final long NOW = 1_000;
    private static final long LEASE = 2_000;
    private static final Term TERM = new Term(3, Term.Claim.PROMOTION, "a");

    private final BufferWall wall = new BufferWall("9f", Term.none(), false);

    @Test
    void shouldReleaseNothingBeforeAnEngineOwnsIt() {
        assertThat(wall.state()).isEqualTo(WallState.CLOSED);
        assertThat(mayLeave(Epoch.FIRST)).isFalse();
    }

    @Test
    void shouldHoldTheOpenEpochAndEveryClosedOneUntilCommit() throws WallRefusal {
        arm();
        long closed = barrier();
        assertThat(mayLeave(closed)).isFalse();
        assertThat(mayLeave(wall.openEpoch())).isFalse();
    }

    /** INV-1. */
    @Test
    void shouldReleaseOnlyWhatTheBackupConfirmed() throws WallRefusal {
        arm();
        long first = barrier();
        long second = barrier();
        commit(first);
        assertThat(mayLeave(first)).isTrue();
        assertThat(mayLeave(second)).isFalse();
        assertThat(mayLeave(wall.openEpoch())).isFalse();
    }

    /** INV-7. */
    @Test
    void shouldTakeACommitThatSkipsAhead() throws WallRefusal {
        arm();
        long first = barrier();
        long second = barrier();
        commit(second);
        assertThat(mayLeave(first)).isTrue();
        assertThat(wall.frontier()).isEqualTo(second);
    }

    /** INV-7. */
    @Test
    void shouldNotGoBackWhenACommitIsRepeatedLate() throws WallRefusal {
        arm();
        long first = barrier();
        long second = barrier();
        commit(second);
        assertThat(wall.commit(ENGINE, "9f", 3, first, LEASE, NOW)).isEqualTo(second);
        assertThat(mayLeave(second)).isTrue();
    }

    /** INV-7. */
    @Test
    void shouldRefuseToCommitTheOpenEpoch() throws WallRefusal {
        arm();
        barrier();
        assertRefused(Reason.EPOCH_NOT_CLOSED, () -> commit(wall.openEpoch()));
    }

    /** INV-7. */
    @Test
    void shouldRefuseToCommitAFutureEpoch() throws WallRefusal {
        arm();
        assertRefused(Reason.EPOCH_NOT_CLOSED, () -> commit(wall.openEpoch() + 5));
    }

    @Test
    void shouldRefuseToCommitNoEpoch() throws WallRefusal {
        arm();
        assertRefused(Reason.EPOCH_NOT_CLOSED, () -> commit(Epoch.NONE));
    }

    /** INV-7: a zombie's commit after the proxy has restarted. */
    @Test
    void shouldRefuseACommitForAnotherIncarnation() throws WallRefusal {
        arm();
        long closed = barrier();
        assertRefused(Reason.WRONG_INCARNATION, () -> wall.commit(ENGINE, "8e", 3, closed, LEASE, NOW));
    }

    /** INV-7. */
    @Test
    void shouldRefuseACommitOfAnotherTerm() throws WallRefusal {
        arm();
        long closed = barrier();
        assertRefused(Reason.STALE_TERM, () -> wall.commit(ENGINE, "9f", 2, closed, LEASE, NOW));
    }

    /** INV-7. */
    @Test
    void shouldRefuseACommitWhoseLeaseHasRunOut() throws WallRefusal {
        arm();
        long closed = barrier();
        assertRefused(Reason.LEASE_EXPIRED, () -> wall.commit(ENGINE, "9f", 3, closed, NOW - 1, NOW));
        assertThat(mayLeave(closed)).isFalse();
    }

    @Test
    void shouldCompareALeaseAcrossTheWrapOfTheClock() throws WallRefusal {
        arm();
        long closed = barrier();
        long now = Long.MAX_VALUE - 5;
        long lease = now + 10;
        assertThat(wall.commit(ENGINE, "9f", 3, closed, lease, now)).isEqualTo(closed);
    }

    /** INV-7. */
    @Test
    void shouldRefuseTheDisplacedEngine() throws WallRefusal {
        arm();
        long closed = barrier();
        wall.hello(OTHER_ENGINE, TERM, Epoch.FIRST);
        assertRefused(Reason.NOT_OWNER, () -> commit(closed));
    }

    @Test
    void shouldHoldWhatTheDisplacedEngineLeftBehindUntilTheNewOneCommits() throws WallRefusal {
        arm();
        long left = barrier();
        wall.hello(OTHER_ENGINE, TERM, Epoch.FIRST);
        assertThat(mayLeave(left)).isFalse();
        long closed = wall.barrier(OTHER_ENGINE, "9f", 3);
        wall.commit(OTHER_ENGINE, "9f", 3, closed, LEASE, NOW);
        assertThat(mayLeave(left)).isTrue();
    }

    /** INV-7. */
    @Test
    void shouldRefuseAnOlderTerm() throws WallRefusal {
        arm();
        assertRefused(
                Reason.STALE_TERM, () -> wall.hello(OTHER_ENGINE, new Term(2, Term.Claim.PROMOTION, "b"), Epoch.FIRST));
    }

    @Test
    void shouldRefuseAnotherOwnerOfTheSameTerm() throws WallRefusal {
        arm();
        assertRefused(
                Reason.STALE_TERM, () -> wall.hello(OTHER_ENGINE, new Term(3, Term.Claim.PROMOTION, "b"), Epoch.FIRST));
    }

    /** INV-7. */
    @Test
    void shouldLetAPromotionBeatGoingAloneAtTheSameNumber() throws WallRefusal {
        wall.hello(ENGINE, new Term(3, Term.Claim.ALONE, "a"), Epoch.FIRST);
        wall.hello(OTHER_ENGINE, new Term(3, Term.Claim.PROMOTION, "b"), Epoch.FIRST);
        assertThat(wall.term().owner()).isEqualTo("b");
    }

    /** INV-6. */
    @Test
    void shouldHoldEverythingWhenTheEngineIsLost() throws WallRefusal {
        arm();
        long closed = barrier();
        commit(closed);
        wall.ownerLost(ENGINE);
        assertThat(wall.state()).isEqualTo(WallState.SUSPENDED);
        assertThat(mayLeave(closed)).isFalse();
    }

    @Test
    void shouldNotMindTheLossOfAnEngineThatWasDisplaced() throws WallRefusal {
        arm();
        wall.hello(OTHER_ENGINE, TERM, Epoch.FIRST);
        wall.ownerLost(ENGINE);
        assertThat(wall.state()).isEqualTo(WallState.ARMING);
    }

    /** INV-6. */
    @Test
    void shouldHoldEverythingWhileTheBackupIsLost() throws WallRefusal {
        arm();
        long closed = barrier();
        commit(closed);
        wall.suspend(ENGINE, "9f", 3, "link down");
        assertThat(mayLeave(closed)).isFalse();
    }

    @Test
    void shouldBeProtectedAgainWithTheNextCommitAfterASuspension() throws WallRefusal {
        arm();
        wall.suspend(ENGINE, "9f", 3, "link down");
        long closed = barrier();
        commit(closed);
        assertThat(wall.state()).isEqualTo(WallState.PROTECTED);
        assertThat(mayLeave(closed)).isTrue();
    }

    @Test
    void shouldLetEverythingLeaveWhenAlone() throws WallRefusal {
        arm();
        wall.open(ENGINE, "9f", 3, "promoted");
        assertThat(mayLeave(wall.openEpoch())).isTrue();
    }

    @Test
    void shouldStayAloneWhenTheEngineRestarts() throws WallRefusal {
        arm();
        wall.open(ENGINE, "9f", 3, "promoted");
        wall.ownerLost(ENGINE);
        wall.hello(OTHER_ENGINE, TERM, Epoch.FIRST);
        assertThat(wall.state()).isEqualTo(WallState.ALONE);
    }

    @Test
    void shouldHoldWhatFollowsTheFirstBarrierOfAnArmingThatBeganAlone() throws WallRefusal {
        arm();
        wall.open(ENGINE, "9f", 3, "promoted");
        long closed = barrier();
        assertThat(wall.state()).isEqualTo(WallState.ARMING);
        assertThat(mayLeave(closed)).isTrue();
        assertThat(mayLeave(wall.openEpoch())).isFalse();
    }

    /** INV-6. */
    @Test
    void shouldSayThatALeaseIsOverBeforeAnybodyHasSealedIt() throws WallRefusal {
        arm();
        openUntil(LEASE, NOW);
        assertThat(wall.isLeaseOver(LEASE)).isFalse();
        assertThat(wall.isLeaseOver(LEASE + 1)).isTrue();
    }

    /** INV-6. */
    @Test
    void shouldSealItselfWhenTheLeaseHasRunOut() throws WallRefusal {
        arm();
        openUntil(LEASE, NOW);
        long captured = wall.openEpoch();
        assertThat(wall.sealIfLeaseEnded(LEASE)).isFalse();
        assertThat(wall.sealIfLeaseEnded(LEASE + 1)).isTrue();
        assertThat(wall.state()).isEqualTo(WallState.SEALED);
        assertThat(mayLeave(captured)).isFalse();
    }

    @Test
    void shouldServeOnWhenItIsOpenedAgainInTime() throws WallRefusal {
        arm();
        openUntil(LEASE, NOW);
        openUntil(LEASE + 500, LEASE);
        assertThat(wall.sealIfLeaseEnded(LEASE + 500)).isFalse();
        assertThat(wall.leaseLeftNanos(LEASE)).hasValue(500);
    }

    /** INV-7: a renewal that waited in a socket while this process was stopped. */
    @Test
    void shouldNotBeOpenedAgainWhenTheLeaseHasRunOut() throws WallRefusal {
        arm();
        openUntil(LEASE, NOW);
        assertRefused(Reason.WRONG_STATE, () -> openUntil(LEASE + 500, LEASE + 1));
        assertThat(wall.state()).isEqualTo(WallState.SEALED);
    }

    @Test
    void shouldRefuseToOpenOnALeaseThatIsOver() throws WallRefusal {
        arm();
        assertRefused(Reason.LEASE_EXPIRED, () -> openUntil(LEASE, LEASE + 1));
        assertThat(mayLeave(wall.openEpoch())).isFalse();
    }

    /** Output commit protects from then on. */
    @Test
    void shouldNeedNoLeaseWhenItIsProtected() throws WallRefusal {
        arm();
        openUntil(LEASE, NOW);
        commit(barrier());
        assertThat(wall.isLeaseOver(LEASE + 1)).isFalse();
        assertThat(wall.leaseLeftNanos(NOW)).isEmpty();
    }

    @Test
    void shouldKeepTheLeaseWhenTheEngineRestarts() throws WallRefusal {
        arm();
        openUntil(LEASE, NOW);
        wall.ownerLost(ENGINE);
        wall.hello(OTHER_ENGINE, TERM, Epoch.FIRST);
        assertThat(wall.sealIfLeaseEnded(LEASE + 1)).isTrue();
    }

    /** By an operator's word, say. */
    @Test
    void shouldHaveNoEndAnyMoreWhenItIsOpenedWithoutOne() throws WallRefusal {
        arm();
        openUntil(LEASE, NOW);
        wall.open(ENGINE, "9f", 3, "the operator");
        assertThat(wall.isLeaseOver(LEASE + 1)).isFalse();
    }

    @Test
    void shouldNeverReleaseWhatWasCapturedBeforeItWasOwned() throws WallRefusal {
        long captured = wall.openEpoch();
        arm();
        wall.open(ENGINE, "9f", 3, "promoted");
        assertThat(mayLeave(captured)).isFalse();
        assertThat(mayLeave(wall.openEpoch())).isTrue();
    }

    /** The host was deposed and nobody could tell its wall; what it holds is of the guest that was given up. */
    @Test
    void shouldNeverReleaseWhatWasCapturedBeforeAPromotion() throws WallRefusal {
        arm();
        long captured = wall.openEpoch();
        wall.suspend(ENGINE, "9f", 3, "backup lost");
        wall.hello(OTHER_ENGINE, new Term(5, Term.Claim.PROMOTION, "a"), Epoch.FIRST);
        wall.open(OTHER_ENGINE, "9f", 5, "promoted");
        assertThat(mayLeave(captured)).isFalse();
        assertThat(mayLeave(wall.openEpoch())).isTrue();
    }

    /** It is the same guest that goes on alone. */
    @Test
    void shouldReleaseWhatWasHeldWhenTheSameGuestGoesOnAlone() throws WallRefusal {
        arm();
        long captured = wall.openEpoch();
        wall.suspend(ENGINE, "9f", 3, "backup lost");
        wall.hello(OTHER_ENGINE, TERM.aloneOf("a"), Epoch.FIRST);
        wall.open(OTHER_ENGINE, "9f", 4, "the operator");
        assertThat(mayLeave(captured)).isTrue();
    }

    @Test
    void shouldNeverReleaseWhatWasDiscarded() throws WallRefusal {
        arm();
        long captured = wall.openEpoch();
        wall.discard(ENGINE, "9f", 3);
        wall.open(ENGINE, "9f", 3, "promoted");
        assertThat(mayLeave(captured)).isFalse();
    }

    @Test
    void shouldNeverReleaseAnythingOfASealedTerm() throws WallRefusal {
        arm();
        wall.open(ENGINE, "9f", 3, "promoted");
        long captured = wall.openEpoch();
        wall.seal(TERM, "fenced");
        assertThat(mayLeave(captured)).isFalse();
        assertThat(wall.state().admitsInput()).isFalse();
        wall.hello(OTHER_ENGINE, TERM.promotionOf("b"), Epoch.FIRST);
        wall.open(OTHER_ENGINE, "9f", 4, "promoted");
        assertThat(mayLeave(captured)).isFalse();
        assertThat(mayLeave(wall.openEpoch())).isTrue();
    }

    @Test
    void shouldNotBeOwnedAgainUnderTheSealedTerm() throws WallRefusal {
        arm();
        wall.seal(TERM, "fenced");
        assertRefused(Reason.STALE_TERM, () -> wall.hello(ENGINE, TERM, Epoch.FIRST));
    }

    @Test
    void shouldStaySealedOverARestart() {
        BufferWall restarted = new BufferWall("a0", TERM, true);
        assertRefused(Reason.STALE_TERM, () -> restarted.hello(ENGINE, TERM, Epoch.FIRST));
    }

    @Test
    void shouldStillSayAfterARestartThatItIsSealedByItsLease() throws WallRefusal {
        BufferWall restarted = BufferWall.sealedByLease("a0", TERM);
        assertThat(restarted.isSealedByLease()).isTrue();
        assertRefused(Reason.STALE_TERM, () -> restarted.hello(ENGINE, TERM, Epoch.FIRST));
        restarted.hello(ENGINE, TERM.aloneOf("a"), Epoch.FIRST);
        assertThat(restarted.isSealedByLease()).isFalse();
    }

    /** An engine that is there sees the end of its lease as well. */
    @Test
    void shouldStaySealedByItsLeaseWhenTheSameTermIsSealedOnceMore() throws WallRefusal {
        arm();
        openUntil(LEASE, NOW);
        wall.sealIfLeaseEnded(LEASE + 1);
        wall.seal(TERM, "the engine says so, too");
        assertThat(wall.isSealedByLease()).isTrue();
        wall.seal(TERM.promotionOf("b"), "b has taken over");
        assertThat(wall.isSealedByLease()).isFalse();
    }

    @Test
    void shouldContinueTheNumbersOfEpochsThatTheEngineKnows() throws WallRefusal {
        wall.hello(ENGINE, TERM, 42);
        assertThat(wall.openEpoch()).isEqualTo(42);
    }

    private void openUntil(long untilNanos, long nowNanos) throws WallRefusal {
        wall.openUntil(ENGINE, "9f", 3, "by the arbiter", untilNanos, nowNanos);
    }

    private void arm() throws WallRefusal {
        wall.hello(ENGINE, TERM, Epoch.FIRST);
    }

    private long barrier() throws WallRefusal {
        return wall.barrier(ENGINE, "9f", 3);
    }

    private void commit(long epoch) throws WallRefusal {
        wall.commit(ENGINE, "9f", 3, epoch, LEASE, NOW);
    }

    private boolean mayLeave(long stamp) {
        long releaseThrough = wall.releaseThrough();
        return stamp <= releaseThrough && stamp > wall.discardThrough();
    }

    private static void assertRefused(Reason reason, ThrowingCallable command) {
        assertThat(catchThrowableOfType(WallRefusal.class, command))
                .isNotNull()
                .extracting(WallRefusal::reason)
                .isEqualTo(reason);
    }
}
