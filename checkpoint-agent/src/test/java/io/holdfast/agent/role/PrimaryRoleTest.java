package io.holdfast.agent.role;

import static org.assertj.core.api.Assertions.assertThat;

import io.holdfast.agent.role.PrimaryEffect.CaptureState;
import io.holdfast.agent.role.PrimaryEffect.CloseLink;
import io.holdfast.agent.role.PrimaryEffect.Commit;
import io.holdfast.agent.role.PrimaryEffect.DiscardHeld;
import io.holdfast.agent.role.PrimaryEffect.DrainWall;
import io.holdfast.agent.role.PrimaryEffect.DropCaptured;
import io.holdfast.agent.role.PrimaryEffect.GoAlone;
import io.holdfast.agent.role.PrimaryEffect.HandOver;
import io.holdfast.agent.role.PrimaryEffect.Note;
import io.holdfast.agent.role.PrimaryEffect.OpenWall;
import io.holdfast.agent.role.PrimaryEffect.PauseGuest;
import io.holdfast.agent.role.PrimaryEffect.PlaceBarrier;
import io.holdfast.agent.role.PrimaryEffect.Precopy;
import io.holdfast.agent.role.PrimaryEffect.RefuseBackup;
import io.holdfast.agent.role.PrimaryEffect.ReportGuestDeath;
import io.holdfast.agent.role.PrimaryEffect.ResumeGuest;
import io.holdfast.agent.role.PrimaryEffect.RevokeCheckpoints;
import io.holdfast.agent.role.PrimaryEffect.SealWall;
import io.holdfast.agent.role.PrimaryEffect.SendArmed;
import io.holdfast.agent.role.PrimaryEffect.Ship;
import io.holdfast.agent.role.PrimaryEffect.StepDown;
import io.holdfast.agent.role.PrimaryEffect.StoreArmed;
import io.holdfast.agent.role.PrimaryEffect.StoreRelinquished;
import io.holdfast.agent.role.PrimaryEffect.SuspendWall;
import io.holdfast.wall.Term;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The decisions one by one; their interplay is in the simulations. */
class PrimaryRoleTest {

    private static final long INTERVAL = 50;
    private static final int BUDGET_PERCENT = 25;
    private static final long PAUSE = 6;
    private static final long LEASE = 150;
    private static final long RETRY = 500;
    private static final long SESSION = 7;
    private static final String POWERED_OFF = "the guest has shut down";
    private static final String BACKUP = "1b";
    private static final String DISK_FULL = "no space left on device";
    private static final Term TERM = new Term(2, Term.Claim.PROMOTION, "a");

    private static final PrimaryRole.Settings SETTINGS =
            new PrimaryRole.Settings(INTERVAL, BUDGET_PERCENT, 2, RETRY, LEASE);

    private long now = 1_000;
    private PrimaryRole role = role(2, false, false);

    private static PrimaryRole role(int epochsInFlight, boolean backupArmed, boolean servesAlone) {
        return PrimaryRole.withoutArbiter(
                new PrimaryRole.Settings(INTERVAL, BUDGET_PERCENT, epochsInFlight, RETRY, LEASE),
                new PrimaryRole.Beginning(TERM, 0, backupArmed, "", servesAlone));
    }

    @Test
    void shouldLetAGuestGoOnThatAnEarlierAgentLeftPaused() {
        assertThat(role.onStart(true, now)).containsExactly(new ResumeGuest());
    }

    @Test
    void shouldHandOutAllMemoryBeforeTheFirstCheckpointOfABackup() {
        role.onStart(false, now);
        role.onWallUp(1, now);
        assertThat(role.onLinkUp(SESSION, role.term(), BACKUP, true, now)).containsExactly(new Precopy(SESSION));
        assertThat(role.onPrecopied(SESSION, now)).containsExactly(new PauseGuest());
    }

    @Test
    void shouldPlaceTheBarrierWhileTheGuestIsPausedAndResumeItAfterTheCapture() {
        connect();
        assertThat(role.onGuestPaused(now)).containsExactly(new PlaceBarrier());
        assertThat(role.onBarrierPlaced(1, false, now)).containsExactly(new CaptureState(SESSION, 1, 0));
        assertThat(role.onStateCaptured(1, now)).containsExactly(new ResumeGuest(), new Ship(SESSION, 1));
    }

    @Test
    void shouldCommitOnlyWhatTheBackupConfirmedAndWithALease() {
        connect();
        checkpoint(1, false);
        assertThat(confirm(SESSION, 1))
                .containsExactly(
                        new StoreArmed(SESSION, BACKUP, 1, now), new SendArmed(SESSION, 1), new Commit(1, now + LEASE));
    }

    @Test
    void shouldIgnoreAConfirmationOfAnEarlierConnection() {
        connect();
        checkpoint(1, false);
        assertThat(confirm(SESSION - 1, 1)).isEmpty();
    }

    @Test
    void shouldIgnoreAConfirmationOfWhatWasNotShipped() {
        connect();
        checkpoint(1, false);
        assertThat(confirm(SESSION, 2)).isEmpty();
    }

    @Test
    void shouldNotWaitForAConfirmationBeforeTheNextCheckpoint() {
        connect();
        checkpoint(1, false);
        assertThat(role.onTick(now += INTERVAL)).containsExactly(new PauseGuest());
    }

    @Test
    void shouldWaitWhenAsManyAreInFlightAsMayBe() {
        role = role(1, false, false);
        connect();
        checkpoint(1, false);
        assertThat(role.onTick(now += INTERVAL)).isEmpty();
        assertThat(confirm(SESSION, 1)).endsWith(new PauseGuest());
    }

    @Test
    void shouldTakeACheckpointAtOnceWhenTheWallFills() {
        connect();
        checkpoint(1, false);
        assertThat(role.onHighWater(now)).containsExactly(new PauseGuest());
    }

    @Test
    void shouldTakeACheckpointForOutputThatWaitsAsSoonAsThePauseBudgetAllows() {
        connect();
        pauseAndCheckpoint(1);
        assertThat(role.onOutputHeld(2, now)).isEmpty();
        assertThat(role.onTick(now + 3 * PAUSE - 1)).isEmpty();
        assertThat(role.onTick(now + 3 * PAUSE)).containsExactly(new PauseGuest());
    }

    @Test
    void shouldTakeACheckpointForOutputAtOnceWhenTheGuestHasRunForLongEnough() {
        connect();
        pauseAndCheckpoint(1);
        now += 3 * PAUSE;
        assertThat(role.onTick(now)).isEmpty();
        assertThat(role.onOutputHeld(2, now)).containsExactly(new PauseGuest());
    }

    @Test
    void shouldNotTakeACheckpointForOutputOfAnEpochThatIsClosed() {
        connect();
        pauseAndCheckpoint(1);
        assertThat(role.onOutputHeld(1, now += 3 * PAUSE)).isEmpty();
    }

    @Test
    void shouldTakeNoCheckpointBeforeTheIntervalWhenNothingWaits() {
        connect();
        long begun = now;
        pauseAndCheckpoint(1);
        assertThat(role.onTick(begun + INTERVAL - 1)).isEmpty();
        assertThat(role.onTick(begun + INTERVAL)).containsExactly(new PauseGuest());
    }

    @Test
    void shouldLetTheGuestRunForItsShareAlsoIfPausesAreLong() {
        connect();
        role.onGuestPaused(now += INTERVAL);
        role.onBarrierPlaced(1, false, now);
        role.onStateCaptured(1, now);
        assertThat(role.onTick(now + INTERVAL - 1)).isEmpty();
        assertThat(role.onTick(now + INTERVAL)).containsExactly(new PauseGuest());
    }

    @Test
    void shouldNotLetOutputWaitForLongBecauseOfOneLongPause() {
        connect();
        for (int epoch = 1; epoch <= 8; epoch++) {
            pauseAndCheckpoint(epoch);
            confirm(SESSION, epoch);
            role.onTick(now += INTERVAL);
        }
        now += 5 * PAUSE;
        pauseAndCheckpoint(9);
        role.onOutputHeld(10, now);
        assertThat(role.onTick(now + 6 * PAUSE)).containsExactly(new PauseGuest());
    }

    @Test
    void shouldKeepTheGuestPausedAtAFullWallUntilTheFrontierMoves() {
        connect();
        assertThat(checkpoint(1, true)).containsExactly(new Ship(SESSION, 1));
        assertThat(role.onTick(now += INTERVAL)).isEmpty();
        assertThat(confirm(SESSION, 1)).contains(new Commit(1, now + LEASE), new ResumeGuest());
    }

    @Test
    void shouldPauseTheGuestWhenTheWallFillsAndThereIsNoBackup() {
        loseArmedBackup();
        assertThat(role.onHighWater(now)).endsWith(new PauseGuest());
        assertThat(role.onGuestPaused(now)).isEmpty();
    }

    @Test
    void shouldLetTheGuestRunWithoutABackupAsLongAsTheWallHasRoom() {
        loseArmedBackup();
        assertThat(role.onOutputHeld(role.lastEpoch() + 1, now)).isEmpty();
    }

    @Test
    void shouldPauseTheGuestWhenTheBackupIsLostAfterTheWallHasFilled() {
        connect();
        checkpoint(1, false);
        confirm(SESSION, 1);
        role.onTick(now += INTERVAL);
        role.onGuestPaused(now);
        role.onBarrierPlaced(2, false, now);
        role.onHighWater(now);
        role.onLinkDown(SESSION, "cut", now);
        assertThat(role.onStateCaptured(2, now += PAUSE)).startsWith(new ResumeGuest());
        assertThat(role.onTick(now += INTERVAL)).endsWith(new PauseGuest());
    }

    @Test
    void shouldNotPauseAGuestThatServesAlone() {
        role = role(2, false, true);
        role.onStart(false, now);
        role.onWallUp(1, now);
        assertThat(role.onHighWater(now)).isEmpty();
    }

    @Test
    void shouldLetAGuestThatWaitedForRoomGoOnWhenANewBackupHasConfirmed() {
        waitForRoom();
        role.onLinkUp(SESSION + 1, role.term(), BACKUP, true, now);
        assertThat(role.onPrecopied(SESSION + 1, now)).containsExactly(new PlaceBarrier());
        role.onBarrierPlaced(2, true, now);
        assertThat(role.onStateCaptured(2, now)).containsExactly(new Ship(SESSION + 1, 2));
        assertThat(confirm(SESSION + 1, 2)).contains(new Commit(2, now + LEASE), new ResumeGuest());
    }

    @Test
    void shouldLetAGuestThatWaitedForRoomGoOnWhenTheWallIsANewOne() {
        waitForRoom();
        role.onWallDown(now);
        assertThat(role.onWallUp(5, now)).containsExactly(new ResumeGuest());
    }

    @Test
    void shouldLetAGuestThatWaitedForRoomGoOnAlone() {
        waitForRoom();
        assertThat(role.onAloneGranted(TERM.aloneOf("a"), "the operator: test"))
                .containsExactly(new OpenWall("the operator: test"), new ResumeGuest());
    }

    @Test
    void shouldSuspendTheWallWhenAnArmedBackupIsLost() {
        connect();
        checkpoint(1, false);
        confirm(SESSION, 1);
        assertThat(role.onLinkDown(SESSION, "cut", now)).containsExactly(new SuspendWall("backup lost: cut"));
    }

    @Test
    void shouldGoOnAloneWhenTheBackupIsLostBeforeItWasArmed() {
        role = role(2, false, true);
        connect();
        checkpoint(1, false);
        assertThat(role.onLinkDown(SESSION, "cut", now)).singleElement().isInstanceOf(OpenWall.class);
    }

    @Test
    void shouldNotArmABackupWithACheckpointThatAnOpenWallHasOvertaken() {
        role = role(2, false, true);
        connect();
        checkpoint(1, false);
        role.onWallDown(now);
        assertThat(role.onWallUp(1, now).getFirst()).isInstanceOf(OpenWall.class);
        assertThat(confirm(SESSION, 1)).isEmpty();
        assertThat(role.isBackupArmed()).isFalse();
    }

    @Test
    void shouldDropACaptureThatAnOpenWallHasOvertakenAndBeginAnew() {
        role = role(2, false, true);
        connect();
        role.onGuestPaused(now);
        role.onBarrierPlaced(1, false, now);
        role.onWallDown(now);
        role.onWallUp(1, now);
        assertThat(role.onStateCaptured(1, now)).startsWith(new ResumeGuest(), new DropCaptured());
        assertThat(role.onTick(now += INTERVAL)).containsExactly(new Precopy(SESSION));
    }

    /** Its barrier had begun the arming, which nobody completes now. */
    @Test
    void shouldOpenTheWallAgainWhenTheFirstCheckpointCameToNothing() {
        role = role(2, false, true);
        connect();
        role.onGuestPaused(now);
        role.onLinkDown(SESSION, "cut", now);
        role.onBarrierPlaced(1, false, now);
        assertThat(role.onStateCaptured(1, now)).last().isInstanceOf(OpenWall.class);
    }

    @Test
    void shouldLetAGuestThatWaitedForRoomGoOnAloneAlsoDuringAPrecopy() {
        waitForRoom();
        role.onLinkUp(SESSION + 1, role.term(), BACKUP, true, now);
        assertThat(role.onAloneGranted(TERM.aloneOf("a"), "the operator: test")).contains(new ResumeGuest());
    }

    // ---- conflicts (INV-10) ----

    @Test
    void shouldBeSureToOwnTheGuestWhileTheBackupFollows() {
        protect();
        assertThat(role.isSureToOwn()).isTrue();
    }

    @Test
    void shouldNotBeSureToOwnItWhenAnArmedBackupIsOutOfSight() {
        protect();
        role.onLinkDown(SESSION, "cut", now);
        assertThat(role.isSureToOwn()).isFalse();
    }

    @Test
    void shouldBeSureToOwnAGuestThatWasTakenOverHere() {
        role = PrimaryRole.withoutArbiter(
                new PrimaryRole.Settings(INTERVAL, BUDGET_PERCENT, 2, RETRY, LEASE),
                new PrimaryRole.Beginning(new Term(4, Term.Claim.PROMOTION, "a"), 0, false, "", true));
        role.onStart(false, now);
        assertThat(role.isSureToOwn()).isTrue();
    }

    @Test
    void shouldNotBeSureToOwnAGuestThatGoesOnAloneByAnOperatorsWord() {
        protect();
        role.onLinkDown(SESSION, "cut", now);
        role.onAloneGranted(TERM.aloneOf("a"), "the operator: test");
        assertThat(role.isSureToOwn()).isFalse();
    }

    // ---- a backup that relinquishes ----

    @Test
    void shouldGoOnAloneWhenTheArmedBackupHasNothingToPromoteAnyMore() {
        protect();
        List<PrimaryEffect> effects = role.onRelinquished(SESSION, "standby lost");
        assertThat(effects.getFirst()).isInstanceOf(StoreRelinquished.class);
        assertThat(effects.get(1)).isInstanceOf(OpenWall.class);
        assertThat(role.isProtected()).isFalse();
    }

    @Test
    void shouldGoOnAloneWhenTheArmedBackupComesBackWithNothingToPromote() {
        protect();
        assertThat(role.onLinkDown(SESSION, "cut", now)).hasOnlyElementsOfType(SuspendWall.class);
        List<PrimaryEffect> effects = role.onLinkUp(SESSION + 1, role.term(), BACKUP, false, now);
        assertThat(effects.getFirst()).isInstanceOf(StoreRelinquished.class);
        assertThat(effects.get(1)).isInstanceOf(OpenWall.class);
        assertThat(effects.getLast()).isEqualTo(new Precopy(SESSION + 1));
    }

    @Test
    void shouldStaySuspendedWhenTheBackupComesBackWithACheckpointThatItMayPromote() {
        protect();
        role.onLinkDown(SESSION, "cut", now);
        assertThat(role.onLinkUp(SESSION + 1, role.term(), BACKUP, true, now))
                .containsExactly(new Precopy(SESSION + 1));
    }

    /** It may be a promise from before it was armed. */
    @Test
    void shouldIgnoreAPromiseOfAnEarlierConnection() {
        protect();
        assertThat(role.onRelinquished(SESSION - 1, "late")).isEmpty();
        assertThat(role.isBackupArmed()).isTrue();
    }

    @Test
    void shouldOpenTheWallThatWasAwayWhenTheBackupRelinquished() {
        protect();
        role.onWallDown(now);
        assertThat(role.onRelinquished(SESSION, "standby lost")).hasOnlyElementsOfType(StoreRelinquished.class);
        assertThat(role.onWallUp(2, now)).hasOnlyElementsOfType(OpenWall.class);
    }

    /** INV-1: what leaves in the meantime is in none of the checkpoints that are under way. */
    @Test
    void shouldArmItAgainOnlyWithACheckpointThatBeginsAfterwards() {
        protect();
        role.onTick(now += INTERVAL);
        checkpoint(2, false);
        role.onRelinquished(SESSION, "standby lost");
        assertThat(confirm(SESSION, 2)).isEmpty();
        assertThat(role.isBackupArmed()).isFalse();
    }

    @Test
    void shouldSuspendAgainOnceItIsArmedAgain() {
        protect();
        role.onRelinquished(SESSION, "standby lost");
        role.onLinkDown(SESSION, "cut", now);
        role.onLinkUp(SESSION + 1, role.term(), BACKUP, false, now);
        role.onPrecopied(SESSION + 1, now);
        role.onGuestPaused(now);
        role.onBarrierPlaced(3, false, now);
        role.onStateCaptured(3, now);
        assertThat(confirm(SESSION + 1, 3)).startsWith(new StoreArmed(SESSION + 1, BACKUP, 3, now));
        assertThat(role.onLinkDown(SESSION + 1, "cut", now)).hasOnlyElementsOfType(SuspendWall.class);
    }

    @Test
    void shouldNotOpenTheWallOfAGuestThatIsGone() {
        protect();
        role.onHypervisorGone();
        assertThat(role.onRelinquished(SESSION, "standby lost")).isEmpty();
    }

    @Test
    void shouldNotSayThatTheGuestRunsWhileAPauseIsUnderWay() {
        connect();
        assertThat(role.guestRuns()).isFalse();
        role.onGuestPaused(now);
        role.onBarrierPlaced(1, false, now);
        role.onStateCaptured(1, now);
        assertThat(role.guestRuns()).isTrue();
    }

    @Test
    void shouldNotOpenTheWallAfterARestartWhileABackupMayPromote() {
        role = role(2, true, false);
        role.onStart(false, now);
        assertThat(role.onWallUp(1, now)).isEmpty();
    }

    @Test
    void shouldBeginWithAllMemoryAgainAfterTheLinkWasLost() {
        connect();
        checkpoint(1, false);
        role.onLinkDown(SESSION, "cut", now);
        assertThat(role.onLinkUp(SESSION + 1, role.term(), BACKUP, true, now))
                .containsExactly(new Precopy(SESSION + 1));
    }

    @Test
    void shouldDropACaptureThatNobodyCanUseAndLetTheGuestGoOn() {
        connect();
        role.onGuestPaused(now);
        role.onBarrierPlaced(1, false, now);
        role.onLinkDown(SESSION, "cut", now);
        assertThat(role.onStateCaptured(1, now)).containsExactly(new ResumeGuest(), new DropCaptured());
    }

    @Test
    void shouldLetTheGuestGoOnWhenTheWallIsLostWhileItIsPaused() {
        connect();
        role.onWallDown(now);
        assertThat(role.onGuestPaused(now)).containsExactly(new ResumeGuest());
    }

    @Test
    void shouldLetTheGuestGoOnWhenTheBarrierIsNotAnswered() {
        connect();
        role.onGuestPaused(now);
        assertThat(role.onWallDown(now)).containsExactly(new ResumeGuest());
    }

    @Test
    void shouldLetTheGuestGoOnAndWaitWhenACheckpointFails() {
        connect();
        role.onGuestPaused(now);
        assertThat(role.onCheckpointFailed(now)).containsExactly(new ResumeGuest(), new DropCaptured());
        assertThat(role.onTick(now + RETRY - 1)).isEmpty();
        assertThat(role.onTick(now + RETRY)).containsExactly(new Precopy(SESSION));
    }

    @Test
    void shouldSealItsWallBeforeItTellsTheBackupThatTheGuestIsDead() {
        protect();
        List<PrimaryEffect> effects = role.onHypervisorGone();
        assertThat(effects.get(0)).isInstanceOf(SealWall.class);
        assertThat(effects.get(1)).isEqualTo(new ReportGuestDeath("the hypervisor process is gone", true));
    }

    /** A wall that was sealed could not protect the guest that the operator starts next. */
    @Test
    void shouldOnlyDiscardTheLastOutputOfAGuestThatNoBackupHas() {
        connect();
        String reason = "the hypervisor process is gone";
        assertThat(role.onHypervisorGone())
                .containsExactly(new SuspendWall(reason), new DiscardHeld(), new ReportGuestDeath(reason, true));
    }

    /** INV-1, INV-11: those checkpoints are not what the guest had. */
    @Test
    void shouldRevokeWhatItHasShippedWhenAPageWasMissed() {
        protect();
        role.onTick(now += INTERVAL);
        checkpoint(2, false);
        role.onTick(now += INTERVAL);
        role.onGuestPaused(now);
        role.onBarrierPlaced(3, false, now);
        assertThat(role.onShippedStateWrong("page 7", now))
                .containsExactly(new RevokeCheckpoints(SESSION, "page 7"), new ResumeGuest(), new DropCaptured());
        assertThat(role.isProtected()).isFalse();
        assertThat(confirm(SESSION, 2)).as("no commit").isEmpty();
        assertThat(role.onTick(now += RETRY)).containsExactly(new Precopy(SESSION));
    }

    @Test
    void shouldLetTheBackupTakeOverAgainOnlyWhenItHasANewCheckpoint() {
        protect();
        role.onShippedStateWrong("page 7", now);
        role.onTick(now += RETRY);
        role.onPrecopied(SESSION, now);
        checkpoint(2, false);
        assertThat(confirm(SESSION, 2)).containsExactly(new SendArmed(SESSION, 2), new Commit(2, now + LEASE));
        assertThat(role.isProtected()).isTrue();
    }

    @Test
    void shouldNotCallTheGuestProtectedUntilThisBackupMayTakeOver() {
        loseArmedBackup();
        role.onLinkUp(SESSION + 1, role.term(), BACKUP, true, now);
        assertThat(role.isBackupArmed()).as("the one that was lost may promote").isTrue();
        assertThat(role.isProtected()).isFalse();
    }

    @Test
    void shouldStoreAgainThatABackupIsArmedIfThatHasFailed() {
        connect();
        checkpoint(1, false);
        confirmOnAFullDisk(1);
        assertThat(role.isBackupArmed()).isFalse();
        role.onLinkDown(SESSION, DISK_FULL, now);
        role.onLinkUp(SESSION + 1, role.term(), BACKUP, true, now);
        role.onPrecopied(SESSION + 1, now);
        checkpoint(2, false);
        assertThat(confirm(SESSION + 1, 2)).startsWith(new StoreArmed(SESSION + 1, BACKUP, 2, now));
        assertThat(role.isProtected()).isTrue();
    }

    @Test
    void shouldNeitherArmNorCommitBeforeItIsOnDiskThatTheBackupMayTakeOver() {
        connect();
        checkpoint(1, false);
        assertThat(role.onConfirmed(SESSION, 1, now)).containsExactly(new StoreArmed(SESSION, BACKUP, 1, now));
        assertThat(role.isProtected()).isFalse();
    }

    @Test
    void shouldGoOnAloneWhenItCannotBeWrittenThatTheBackupMayTakeOver() {
        role = role(2, false, true);
        connect();
        checkpoint(1, false);
        assertThat(confirmOnAFullDisk(1)).containsExactly(new CloseLink(DISK_FULL));
        assertThat(role.onLinkDown(SESSION, DISK_FULL, now)).singleElement().isInstanceOf(OpenWall.class);
    }

    @Test
    void shouldKeepTakingCheckpointsAfterADiskWasFullWhileTheNextOneWasDue() {
        connect();
        checkpoint(1, false);
        role.onTick(now += INTERVAL);
        checkpoint(2, false);
        role.onTick(now += INTERVAL);
        confirmOnAFullDisk(1);
        assertThat(role.onConfirmed(SESSION, 2, now))
                .as("of a chain that is broken off")
                .isEmpty();
        role.onLinkDown(SESSION, DISK_FULL, now);
        role.onLinkUp(SESSION + 1, role.term(), BACKUP, true, now);
        assertThat(role.onTick(now += RETRY)).isEmpty();
        assertThat(role.onPrecopied(SESSION + 1, now)).containsExactly(new PauseGuest());
    }

    @Test
    void shouldArmNoBackupThatHasGoneBeforeItsArmingIsOnDisk() {
        connect();
        checkpoint(1, false);
        StoreArmed store = (StoreArmed) role.onConfirmed(SESSION, 1, now).getFirst();
        role.onLinkDown(SESSION, "cut", now);
        assertThat(role.onArmedStored(store)).isEmpty();
        assertThat(role.onArmingFailed(store, DISK_FULL)).isEmpty();
    }

    @Test
    void shouldHaveLostAGuestWhoseHypervisorIsGone() {
        protect();
        assertThat(role.isGuestLost()).isFalse();
        role.onHypervisorGone();
        assertThat(role.isGuestLost()).isTrue();
    }

    /** It goes on here if the backup cannot run it. */
    @Test
    void shouldNotHaveLostAGuestThatItHasHandedOver() {
        handOver();
        assertThat(role.isGuestLost()).isFalse();
    }

    @Test
    void shouldGoAloneAboveATermThatWasClaimedInVain() {
        loseArmedBackup();
        Term failed = TERM.promotionOf("b");
        role.onRefused(BackupRole.TERM_UNSERVED, failed);
        assertThat(role.isGuestGone()).isFalse();
        assertThat(role.nextAloneTerm("a").isStaleAgainst(failed)).isFalse();
    }

    @Test
    void shouldNotAskForAFailoverWhenTheGuestPoweredItselfOff() {
        protect();
        assertThat(role.onGuestEnded(POWERED_OFF, now)).startsWith(new ReportGuestDeath(POWERED_OFF, false));
        assertThat(role.onHypervisorGone()).isEmpty();
    }

    @Test
    void shouldLetTheLastWordsOfAGuestThatPoweredItselfOffLeaveAfterTheBackupKnows() {
        protect();
        assertThat(role.onGuestEnded(POWERED_OFF, now))
                .containsExactly(new ReportGuestDeath(POWERED_OFF, false), new PlaceBarrier());
        assertThat(role.onBarrierPlaced(2, false, now)).containsExactly(new CaptureState(SESSION, 2, 1));
        assertThat(role.onStateCaptured(2, now)).containsExactly(new Ship(SESSION, 2));
        assertThat(confirm(SESSION, 2)).containsExactly(new Commit(2, now + LEASE));
        assertThat(role.onTick(now + INTERVAL)).isEmpty();
    }

    @Test
    void shouldTakeOneMoreCheckpointWhenTheGuestPowersItselfOffDuringACapture() {
        protect();
        role.onTick(now += INTERVAL);
        role.onGuestPaused(now);
        role.onBarrierPlaced(2, false, now);
        assertThat(role.onGuestEnded(POWERED_OFF, now)).containsExactly(new ReportGuestDeath(POWERED_OFF, false));
        assertThat(role.onStateCaptured(2, now)).containsExactly(new Ship(SESSION, 2), new PlaceBarrier());
    }

    @Test
    void shouldNotArmABackupForAGuestThatPoweredItselfOff() {
        connect();
        role.onGuestEnded(POWERED_OFF, now);
        checkpoint(1, false);
        assertThat(confirm(SESSION, 1))
                .containsExactly(new StoreArmed(SESSION, BACKUP, 1, now), new Commit(1, now + LEASE));
    }

    @Test
    void shouldKeepTheLastWordsWhenTheyCannotBeCheckpointed() {
        protect();
        role.onGuestEnded(POWERED_OFF, now);
        assertThat(role.onCheckpointFailed(now)).containsExactly(new DropCaptured());
        assertThat(role.onTick(now + RETRY)).isEmpty();
    }

    @Test
    void shouldTellABackupThatConnectsLaterThatTheGuestIsDead() {
        role.onStart(false, now);
        role.onWallUp(1, now);
        role.onHypervisorGone();
        assertThat(role.onLinkUp(SESSION, role.term(), BACKUP, true, now))
                .containsExactly(new ReportGuestDeath("the hypervisor process is gone", true));
    }

    /** Nobody else has a guest, or will have one under that term. */
    @Test
    void shouldGoOnUnderANewerTermWhenTheBackupHasForgoneItsOwn() {
        protect();
        role.onLinkDown(SESSION, "cut", now);
        Term forgone = TERM.promotionOf("b");
        assertThat(role.onRefused(BackupRole.TERM_FORGONE, forgone))
                .singleElement()
                .isInstanceOfSatisfying(
                        GoAlone.class, go -> assertThat(go.term()).isEqualTo(forgone.aloneOf("a")));
    }

    /** It stands still here, and is the last one. */
    @Test
    void shouldTakeAGuestBackThatWasHandedOverInVain() {
        handOver();
        Term forgone = TERM.promotionOf("b");
        assertThat(role.onRefused(BackupRole.TERM_FORGONE, forgone))
                .singleElement()
                .isInstanceOf(GoAlone.class);
        assertThat(role.onAloneGranted(forgone.aloneOf("a"), "forgone")).contains(new ResumeGuest());
    }

    /** Its hypervisor is on its way, and its word is not due yet. */
    @Test
    void shouldKeepTheLastGuestWhenABackupOfANewerTermIsNotReady() {
        protect();
        role.onLinkDown(SESSION, "cut", now);
        assertThat(role.onRefused("NotReady", TERM.promotionOf("b"))).isEmpty();
        assertThat(role.isGuestGone()).isFalse();
    }

    /** The backup cannot follow a term that is older than its own. */
    @Test
    void shouldTakeANewerTermThoughItServesAloneAlready() {
        role = role(2, false, true);
        role.onStart(false, now);
        assertThat(role.onRefused(BackupRole.TERM_FORGONE, TERM.promotionOf("b")))
                .singleElement()
                .isInstanceOf(GoAlone.class);
    }

    @Test
    void shouldNotGoOnByAPromiseThatSpeaksOfAnOlderTerm() {
        protect();
        assertThat(role.onRefused(BackupRole.TERM_FORGONE, new Term(1, Term.Claim.PROMOTION, "b")))
                .isEmpty();
    }

    @Test
    void shouldNotGoOnByAPromiseWithoutAGuest() {
        role.onStartWithoutGuest();
        assertThat(role.onRefused(BackupRole.TERM_FORGONE, TERM.promotionOf("b")))
                .isEmpty();
    }

    /** INV-9: it does not know whether it has promoted. */
    @Test
    void shouldNotTakeABackupThatHasLostItsMemoryForTheOneThatWasArmed() {
        protect();
        role.onLinkDown(SESSION, "cut", now);
        assertThat(role.onLinkUp(SESSION + 1, role.term(), "another", false, now))
                .singleElement()
                .isInstanceOf(RefuseBackup.class);
        assertThat(role.isBackupConnected()).isFalse();
        assertThat(role.isBackupArmed()).isTrue();
    }

    /** What it has said before it heard of that is still on its way to us; it speaks for no session. */
    @Test
    void shouldNotGoOnByThePromiseOfABackupThatItHasRefused() {
        protect();
        role.onLinkDown(SESSION, "cut", now);
        role.onLinkUp(SESSION + 1, role.term(), "another", false, now);
        assertThat(role.onRelinquished(0, "its agent stops")).isEmpty();
        assertThat(role.isBackupArmed()).isTrue();
    }

    @Test
    void shouldTakeTheBackupThatWasArmedAlsoAfterARestart() {
        role = PrimaryRole.withoutArbiter(SETTINGS, new PrimaryRole.Beginning(TERM, 0, true, BACKUP, false));
        role.onStart(false, now);
        role.onWallUp(1, now);
        assertThat(role.onLinkUp(SESSION, role.term(), "another", false, now))
                .singleElement()
                .isInstanceOf(RefuseBackup.class);
        assertThat(role.onLinkUp(SESSION, role.term(), BACKUP, false, now))
                .hasAtLeastOneElementOfType(StoreRelinquished.class);
    }

    @Test
    void shouldTakeAnyBackupWhenNoneIsArmed() {
        role.onStart(false, now);
        role.onWallUp(1, now);
        role.onLinkUp(SESSION, role.term(), BACKUP, false, now);
        role.onLinkDown(SESSION, "cut", now);
        assertThat(role.onLinkUp(SESSION + 1, role.term(), "another", false, now))
                .noneMatch(RefuseBackup.class::isInstance);
    }

    /** Somebody has answered for the old one. */
    @Test
    void shouldTakeAnyBackupWhenItHasGoneOnAlone() {
        protect();
        role.onLinkDown(SESSION, "cut", now);
        role.onAloneGranted(TERM.aloneOf("a"), "the operator");
        assertThat(role.onLinkUp(SESSION + 1, role.term(), "another", false, now))
                .contains(new Precopy(SESSION + 1));
    }

    /** INV-9: it would claim the next one, which may be ours. */
    @Test
    void shouldNotArmABackupThatAnswersAHelloOfATermThatIsOver() {
        role.onStart(false, now);
        role.onWallUp(1, now);
        role.onAloneGranted(TERM.aloneOf("a"), "the operator");
        assertThat(role.onLinkUp(SESSION, TERM, BACKUP, true, now))
                .singleElement()
                .isInstanceOf(CloseLink.class);
        assertThat(role.isBackupConnected()).isFalse();
    }

    @Test
    void shouldStepDownWhenSomebodyKnowsANewerTerm() {
        connect();
        Term newer = TERM.promotionOf("b");
        assertThat(role.onNewerTerm(newer)).singleElement().isInstanceOf(StepDown.class);
    }

    @Test
    void shouldNotStepDownForAnOlderTerm() {
        connect();
        assertThat(role.onNewerTerm(new Term(1, Term.Claim.PROMOTION, "b"))).isEmpty();
    }

    /** The other host takes a wall before both hosts when its guest does not run yet, and perhaps never will. */
    @Test
    void shouldKeepItsGuestWhenTheWallBeforeBothHostsHasSeenANewerTerm() {
        protect();
        Term newer = TERM.promotionOf("b");
        role.onWallDown(now);
        assertThat(role.onTermSeenAtWall(newer, true)).isEmpty();
        assertThat(role.isGuestGone()).isFalse();
        assertThat(role.nextAloneTerm("a").isStaleAgainst(newer)).isFalse();
        assertThat(role.onRefused(BackupRole.STALE_TERM, newer)).singleElement().isInstanceOf(StepDown.class);
    }

    @Test
    void shouldStepDownWhenItsOwnWallHasSeenANewerTerm() {
        protect();
        assertThat(role.onTermSeenAtWall(TERM.promotionOf("b"), false))
                .singleElement()
                .isInstanceOf(StepDown.class);
    }

    // ---- switchover ----

    @Test
    void shouldRefuseToHandOverToABackupThatIsNotArmed() {
        connect();
        assertThat(role.whyNotSwitchOver()).contains("no backup is armed");
    }

    @Test
    void shouldTakeALastCheckpointAtOnceWhenTheGuestIsToBeHandedOver() {
        protect();
        assertThat(role.onSwitchoverAsked("maintenance", now)).containsExactly(new PauseGuest());
    }

    @Test
    void shouldKeepTheGuestStillAfterItsLastCheckpoint() {
        protect();
        role.onSwitchoverAsked("maintenance", now);
        assertThat(checkpoint(2, false)).containsExactly(new Ship(SESSION, 2));
    }

    @Test
    void shouldTakeNoFurtherCheckpointAfterTheLastOne() {
        standStillForSwitchover();
        assertThat(role.onTick(now += INTERVAL)).isEmpty();
    }

    @Test
    void shouldHandOverNothingBeforeTheBackupHasTheLastCheckpoint() {
        role = role(3, false, false);
        protect();
        role.onTick(now += INTERVAL);
        checkpoint(2, false);
        role.onSwitchoverAsked("maintenance", now);
        checkpoint(3, false);
        assertThat(confirm(SESSION, 2)).containsExactly(new Commit(2, now + LEASE));
    }

    @Test
    void shouldNotLetAGuestGoOnThatIsToBeHandedOverWhenThereIsRoomInTheWall() {
        role = role(3, false, false);
        protect();
        role.onTick(now += INTERVAL);
        checkpoint(2, false);
        role.onSwitchoverAsked("maintenance", now);
        checkpoint(3, true);
        assertThat(confirm(SESSION, 2)).doesNotContain(new ResumeGuest());
    }

    @Test
    void shouldLetTheLastOutputLeaveBeforeItHandsOver() {
        standStillForSwitchover();
        assertThat(confirm(SESSION, 2)).containsExactly(new Commit(2, now + LEASE), new DrainWall());
        assertThat(role.onWallDrained())
                .containsExactly(
                        new SuspendWall("the guest is handed over: maintenance"), new HandOver(SESSION, "maintenance"));
    }

    @Test
    void shouldNotHandOverTwice() {
        handOver();
        assertThat(role.whyNotSwitchOver()).contains("already");
        assertThat(role.onWallDrained()).isEmpty();
    }

    @Test
    void shouldLetTheGuestGoOnHereWhenTheBackupIsLostBeforeItHasTheLastCheckpoint() {
        standStillForSwitchover();
        assertThat(role.onLinkDown(SESSION, "cut", now))
                .containsExactly(
                        new SuspendWall("backup lost: cut"),
                        new Note("the switchover is abandoned: backup lost: cut"),
                        new ResumeGuest());
        assertThat(role.switchoverProgress()).isEqualTo("abandoned: backup lost: cut");
    }

    @Test
    void shouldResumeOnlyAfterTheCaptureWhenTheBackupIsLostInTheMiddleOfTheLastCheckpoint() {
        protect();
        role.onSwitchoverAsked("maintenance", now);
        role.onGuestPaused(now);
        role.onBarrierPlaced(2, false, now);
        assertThat(role.onLinkDown(SESSION, "cut", now)).doesNotContain(new ResumeGuest());
        assertThat(role.onStateCaptured(2, now)).startsWith(new ResumeGuest());
    }

    @Test
    void shouldLetTheGuestGoOnOnceWhenTheLastCheckpointFails() {
        protect();
        role.onSwitchoverAsked("maintenance", now);
        role.onGuestPaused(now);
        role.onBarrierPlaced(2, false, now);
        assertThat(role.onCheckpointFailed(now)).containsOnlyOnce(new ResumeGuest());
        assertThat(role.isGuestGone()).isFalse();
    }

    @Test
    void shouldLetTheGuestGoOnHereWhenTheProxyIsGoneBeforeTheLastCheckpointIsCommitted() {
        standStillForSwitchover();
        assertThat(role.onWallDown(now)).contains(new ResumeGuest());
    }

    @Test
    void shouldKeepTheGuestStillWhenTheLinkBreaksAfterItWasHandedOver() {
        handOver();
        assertThat(role.onLinkDown(SESSION, "cut", now)).isEmpty();
        assertThat(role.isHandedOver()).isTrue();
    }

    @Test
    void shouldSayAgainToABackupThatComesBackThatItIsToTakeOver() {
        handOver();
        role.onLinkDown(SESSION, "cut", now);
        assertThat(role.onLinkUp(SESSION + 1, role.term(), BACKUP, true, now))
                .containsExactly(new HandOver(SESSION + 1, "maintenance"));
    }

    @Test
    void shouldTakeTheGuestBackWhenTheBackupCannotTakeOver() {
        handOver();
        assertThat(role.onRelinquished(SESSION, "standby lost"))
                .contains(new ResumeGuest(), new OpenWall("the backup cannot take over: standby lost"));
        assertThat(role.isGuestGone()).isFalse();
    }

    @Test
    void shouldTakeTheGuestBackFromABackupThatComesBackWithoutACheckpoint() {
        handOver();
        role.onLinkDown(SESSION, "cut", now);
        assertThat(role.onLinkUp(SESSION + 1, role.term(), BACKUP, false, now)).contains(new ResumeGuest());
    }

    @Test
    void shouldTakeTheGuestBackByTheOperatorsWord() {
        handOver();
        role.onLinkDown(SESSION, "cut", now);
        assertThat(role.onAloneGranted(role.nextAloneTerm("a"), "the operator"))
                .contains(new ResumeGuest(), new OpenWall("the operator"));
    }

    @Test
    void shouldNotTakeBackAGuestWhoseHypervisorHasDiedMeanwhile() {
        handOver();
        role.onHypervisorGone();
        assertThat(role.onRelinquished(SESSION, "standby lost")).isEmpty();
        assertThat(role.isGuestGone()).isTrue();
    }

    @Test
    void shouldStepDownWhenTheBackupHasTakenOver() {
        handOver();
        Term newer = new Term(3, Term.Claim.PROMOTION, "b");
        assertThat(role.onNewerTerm(newer))
                .containsExactly(new StepDown(newer, "term " + newer + " is newer than ours, " + TERM));
        assertThat(role.isHandedOver()).isTrue();
    }

    /** With checkpoint 2, which the backup has not confirmed yet. */
    private void standStillForSwitchover() {
        protect();
        role.onSwitchoverAsked("maintenance", now);
        checkpoint(2, false);
    }

    private void handOver() {
        standStillForSwitchover();
        confirm(SESSION, 2);
        role.onWallDrained();
    }

    /** With a disk that can be written. */
    private List<PrimaryEffect> confirm(long session, long epoch) {
        List<PrimaryEffect> effects = new ArrayList<>(role.onConfirmed(session, epoch, now));
        if (!effects.isEmpty() && effects.getLast() instanceof StoreArmed store) {
            effects.addAll(role.onArmedStored(store));
        }
        return effects;
    }

    private List<PrimaryEffect> confirmOnAFullDisk(long epoch) {
        StoreArmed store = (StoreArmed) role.onConfirmed(SESSION, epoch, now).getLast();
        return role.onArmingFailed(store, DISK_FULL);
    }

    private void connect() {
        role.onStart(false, now);
        role.onWallUp(1, now);
        role.onLinkUp(SESSION, role.term(), BACKUP, true, now);
        role.onPrecopied(SESSION, now);
    }

    private void protect() {
        connect();
        checkpoint(1, false);
        confirm(SESSION, 1);
    }

    private void loseArmedBackup() {
        protect();
        role.onLinkDown(SESSION, "cut", now);
    }

    private void waitForRoom() {
        loseArmedBackup();
        role.onHighWater(now);
        role.onGuestPaused(now);
    }

    /** From the pause that is under way to the shipping. */
    private List<PrimaryEffect> checkpoint(long epoch, boolean wallAtLimit) {
        role.onGuestPaused(now);
        role.onBarrierPlaced(epoch, wallAtLimit, now);
        return role.onStateCaptured(epoch, now);
    }

    /** As {@link #checkpoint}, from the pause that has just begun on. */
    private void pauseAndCheckpoint(long epoch) {
        now += PAUSE;
        checkpoint(epoch, false);
    }
}
