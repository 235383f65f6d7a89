package io.holdfast.agent.role;

import static org.assertj.core.api.Assertions.assertThat;

import io.holdfast.agent.role.BackupEffect.AbandonGuest;
import io.holdfast.agent.role.BackupEffect.Apply;
import io.holdfast.agent.role.BackupEffect.BecomePrimary;
import io.holdfast.agent.role.BackupEffect.ClaimTerm;
import io.holdfast.agent.role.BackupEffect.CloseSession;
import io.holdfast.agent.role.BackupEffect.Confirm;
import io.holdfast.agent.role.BackupEffect.Note;
import io.holdfast.agent.role.BackupEffect.OpenWallAndAnnounce;
import io.holdfast.agent.role.BackupEffect.OwnWall;
import io.holdfast.agent.role.BackupEffect.ProbeAddresses;
import io.holdfast.agent.role.BackupEffect.Relinquish;
import io.holdfast.agent.role.BackupEffect.RestoreGuest;
import io.holdfast.agent.role.BackupEffect.SendRefusal;
import io.holdfast.agent.role.BackupEffect.SendWelcome;
import io.holdfast.agent.role.BackupEffect.StartStandby;
import io.holdfast.agent.role.BackupEffect.StoreForgone;
import io.holdfast.agent.role.BackupEffect.StoreServiceBegun;
import io.holdfast.agent.role.BackupEffect.StoreTerm;
import io.holdfast.wall.Term;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The decisions one by one; their interplay is in the simulations. */
class BackupRoleTest {

    private static final long SILENCE = 500;
    private static final long GRACE = 300;
    private static final long SESSION = 7;
    private static final Term PRIMARYS = new Term(1, Term.Claim.PROMOTION, "a");
    private static final Term OURS = new Term(2, Term.Claim.PROMOTION, "b");

    private final BackupRole role = role(false);
    private final BackupRole probing = role(true);
    private long now = 1_000;

    @Test
    void shouldHaveTheTermOnDiskBeforeItWelcomesAPrimary() {
        role.onStandbyReady();
        assertThat(role.onHello(SESSION, PRIMARYS, List.of(), now)).containsExactly(new StoreTerm(PRIMARYS));
        assertThat(role.onTermStored(PRIMARYS, now)).containsExactly(new SendWelcome(SESSION, PRIMARYS, 0, false));
    }

    @Test
    void shouldRefuseAPrimaryWhoseTermCannotBeWrittenAndSayWhy() {
        role.onStandbyReady();
        role.onHello(SESSION, PRIMARYS, List.of(), now);
        assertThat(role.onTermNotStored(PRIMARYS, "no space left on device", now))
                .containsExactly(new SendRefusal(
                        SESSION,
                        "NotReady",
                        List.of("host b cannot follow before the term is on its disk: no space left on device"),
                        PRIMARYS));
        assertThat(role.isPrimaryConnected()).isFalse();
    }

    @Test
    void shouldWelcomeNobodyUnderATermThatItHasSeenButNotWritten() {
        role.onStandbyReady();
        role.onHello(SESSION, PRIMARYS, List.of(), now);
        role.onTermNotStored(PRIMARYS, "no space left on device", now);
        assertThat(role.onHello(SESSION + 1, PRIMARYS, List.of(), now)).containsExactly(new StoreTerm(PRIMARYS));
        assertThat(role.onTermStored(PRIMARYS, now)).containsExactly(new SendWelcome(SESSION + 1, PRIMARYS, 0, false));
        assertThat(role.onHello(SESSION + 2, PRIMARYS, List.of(), now))
                .contains(new SendWelcome(SESSION + 2, PRIMARYS, 0, false));
    }

    /** The disk is slower than the primary's patience. */
    @Test
    void shouldNotWriteATermAgainThatGotToTheDiskWhenItsPrimaryHadGone() {
        role.onStandbyReady();
        role.onHello(SESSION, PRIMARYS, List.of(), now);
        role.onSessionLost(SESSION, now);
        assertThat(role.onTermStored(PRIMARYS, now)).isEmpty();
        assertThat(role.onHello(SESSION + 1, PRIMARYS, List.of(), now))
                .containsExactly(new SendWelcome(SESSION + 1, PRIMARYS, 0, false));
    }

    @Test
    void shouldRefuseAPrimaryUntilTheStandbyIsReady() {
        assertThat(errorClassOf(role.onHello(SESSION, PRIMARYS, List.of(), now)))
                .isEqualTo("NotReady");
    }

    @Test
    void shouldRefuseAPrimaryIfTheStandbyDiedWhileItsTermWasBeingStored() {
        role.onStandbyReady();
        role.onHello(SESSION, PRIMARYS, List.of(), now);
        role.onStandbyLost("killed");
        assertThat(errorClassOf(role.onTermStored(PRIMARYS, now))).isEqualTo("NotReady");
        assertThat(role.isPrimaryConnected()).isFalse();
    }

    @Test
    void shouldRefuseAPrimaryThatItCouldNotTakeOverFromAndSayWhy() {
        role.onStandbyReady();
        List<BackupEffect> effects =
                role.onHello(SESSION, PRIMARYS, List.of("memory: 96 on host b, 128 on host a"), now);
        assertThat(errorClassOf(effects)).isEqualTo("Incompatible");
        assertThat(((SendRefusal) effects.get(0)).reasons()).containsExactly("memory: 96 on host b, 128 on host a");
    }

    /** An agent that was upgraded knows nothing of what the one before has promised, and need not. */
    @Test
    void shouldNeverPromoteOverAPrimaryThatItHasRefusedSinceItBegan() {
        role.onStandbyReady();
        role.onHello(SESSION, PRIMARYS, List.of("host a is older"), now);
        role.onSessionLost(SESSION, now);
        assertThat(tick(100 * SILENCE)).isEmpty();
        assertThat(role.mayPromote()).isFalse();
        assertThat(role.whyNotPromote()).contains("never confirmed a full checkpoint");
    }

    /** Whose guest waits behind a wall that nobody here could commit for it. */
    @Test
    void shouldPromoteOverAPrimaryThatCameBackAsOneThatItCouldNotTakeOverFrom() {
        protect();
        role.onSessionLost(SESSION, now);
        assertThat(tick(GRACE - 1)).isEmpty();
        assertThat(errorClassOf(role.onHello(SESSION + 1, PRIMARYS, List.of("host b is older"), now)))
                .isEqualTo("Incompatible");
        assertThat(tick(1)).contains(new ClaimTerm(OURS));
    }

    @Test
    void shouldRefuseAnOlderTerm() {
        follow();
        Term older = new Term(0, Term.Claim.PROMOTION, "c");
        assertThat(errorClassOf(role.onHello(SESSION + 1, older, List.of(), now)))
                .isEqualTo("StaleTerm");
    }

    @Test
    void shouldConfirmACompleteCheckpointBeforeItAppliesIt() {
        follow();
        assertThat(role.onStaged(SESSION, 5, 0)).containsExactly(new Confirm(SESSION, 5), new Apply(5));
    }

    @Test
    void shouldEndAConnectionWhoseChainIsBroken() {
        follow();
        role.onStaged(SESSION, 5, 0);
        assertThat(role.onStaged(SESSION, 7, 6)).singleElement().isInstanceOf(CloseSession.class);
        assertThat(role.confirmedEpoch()).isEqualTo(5);
    }

    @Test
    void shouldPromoteInStepsWithTheTermOnDiskFirstAndTheWallOwnedBeforeTheGuestRuns() {
        protect();
        assertThat(role.onGuestDeath(SESSION, "killed", true, now)).endsWith(new ClaimTerm(OURS));
        assertThat(role.onTermStored(OURS, now)).containsExactly(new OwnWall(OURS, 6));
        assertThat(role.onWallOwned()).containsExactly(new StoreServiceBegun());
        assertThat(role.onServiceBegunStored()).containsExactly(new RestoreGuest(5));
        assertThat(role.onGuestRestored())
                .containsExactly(
                        new OpenWallAndAnnounce("promoted at checkpoint 5 (death)"),
                        new BecomePrimary(OURS, 5, AloneRight.uncontested()));
    }

    @Test
    void shouldPromoteAfterTheGraceWhenTheConnectionEnded() {
        protect();
        role.onSessionLost(SESSION, now);
        assertThat(tick(GRACE - 1)).isEmpty();
        assertThat(tick(1)).contains(new ClaimTerm(OURS));
    }

    @Test
    void shouldNotPromoteWhenThePrimaryIsBackWithinTheGrace() {
        protect();
        role.onSessionLost(SESSION, now);
        tick(GRACE - 1);
        role.onHello(SESSION + 1, PRIMARYS, List.of(), now);
        assertThat(tick(SILENCE - 1)).isEmpty();
    }

    @Test
    void shouldPromoteAfterSilence() {
        protect();
        assertThat(tick(SILENCE)).contains(new ClaimTerm(OURS));
        assertThat(role.promotionCause()).isEqualTo("silence");
    }

    @Test
    void shouldNeverPromoteWithoutAConfirmedFullCheckpoint() {
        follow();
        assertThat(tick(10 * SILENCE)).allMatch(Note.class::isInstance);
        assertThat(role.isPromoting()).isFalse();
    }

    @Test
    void shouldNeverPromoteWhatThePrimaryDidNotAllow() {
        follow();
        role.onStaged(SESSION, 5, 0);
        assertThat(tick(10 * SILENCE)).allMatch(Note.class::isInstance);
        assertThat(role.isPromoting()).isFalse();
    }

    @Test
    void shouldNotResurrectAGuestThatPoweredItselfOff() {
        protect();
        role.onGuestDeath(SESSION, "shut down", false, now);
        role.onSessionLost(SESSION, now);
        tick(10 * SILENCE);
        assertThat(role.isPromoting()).isFalse();
    }

    @Test
    void shouldForgetTheCheckpointOfATermThatIsOver() {
        protect();
        Term alone = new Term(2, Term.Claim.ALONE, "a");
        role.onHello(SESSION + 1, alone, List.of(), now);
        assertThat(role.mayPromote()).isFalse();
        assertThat(role.confirmedEpoch()).isZero();
    }

    @Test
    void shouldReplaceALostStandbyAndForgetWhatWasAppliedToIt() {
        protect();
        assertThat(role.onStandbyLost("killed")).endsWith(new StartStandby());
        assertThat(role.mayPromote()).isFalse();
    }

    @Test
    void shouldPromiseThePrimaryNotToPromoteWhenTheStandbyIsLost() {
        protect();
        assertThat(role.onStandbyLost("killed")).contains(new Relinquish(SESSION, "standby lost: killed"));
        assertThat(role.isPrimaryConnected()).isFalse();
    }

    /** The word that it may was on its way when it promised that it will not. */
    @Test
    void shouldKeepThePromiseWhateverIsStillOnItsWay() {
        protect();
        role.onStandbyLost("killed");
        role.onStandbyReady();
        role.onArmed(SESSION);
        role.onStaged(SESSION, 6, 5);
        assertThat(role.mayPromote()).isFalse();
    }

    @Test
    void shouldPromiseItWhenItsAgentStops() {
        protect();
        assertThat(role.onStop("maintenance")).containsExactly(new Relinquish(SESSION, "maintenance"));
        assertThat(role.mayPromote()).isFalse();
    }

    @Test
    void shouldPromiseNothingOncePromotionIsDecided() {
        protect();
        role.onGuestDeath(SESSION, "killed", true, now);
        assertThat(role.onStop("maintenance")).isEmpty();
        assertThat(role.onStandbyLost("killed")).isEmpty();
    }

    @Test
    void shouldAskThePrimaryToComeAgainIfTheStandbyDiesWhileItsTermIsBeingStored() {
        role.onStandbyReady();
        role.onHello(SESSION, PRIMARYS, List.of(), now);
        role.onStandbyLost("killed");
        assertThat(errorClassOf(role.onTermStored(PRIMARYS, now))).isEqualTo("NotReady");
        assertThat(role.isPrimaryConnected()).isFalse();
    }

    @Test
    void shouldConfirmNothingMoreOncePromotionIsDecided() {
        protect();
        role.onGuestDeath(SESSION, "killed", true, now);
        assertThat(role.onStaged(SESSION, 6, 5)).isEmpty();
    }

    @Test
    void shouldRefuseEveryPrimaryOncePromotionIsDecided() {
        protect();
        role.onGuestDeath(SESSION, "killed", true, now);
        assertThat(role.onHello(SESSION + 1, PRIMARYS, List.of(), now))
                .containsExactly(new SendRefusal(SESSION + 1, "NotReady", List.of("host b is taking over"), PRIMARYS));
    }

    /** A primary that hears of a newer term kills its guest, which may be the last one. */
    @Test
    void shouldDeposeNobodyBeforeTheGuestRunsHere() {
        protect();
        role.onGuestDeath(SESSION, "killed", true, now);
        role.onTermStored(OURS, now);
        role.onWallOwned();
        assertThat(termIn(role.onHello(SESSION + 1, PRIMARYS, List.of(), now))).isEqualTo(PRIMARYS);
        role.onGuestRestored();
        assertThat(termIn(role.onHello(SESSION + 1, PRIMARYS, List.of(), now))).isEqualTo(OURS);
    }

    @Test
    void shouldSayThatItHasTakenTheTermInVainIfTheGuestDoesNotRunHere() {
        failToRestore();
        assertThat(errorClassOf(role.onHello(SESSION + 1, PRIMARYS, List.of(), now)))
                .isEqualTo(BackupRole.TERM_UNSERVED);
    }

    /** INV-9: a promise that is not on disk is none, and what was to be restored may run still. */
    @Test
    void shouldForgoATermOnlyWhenItsGuestIsDeadAndThatIsOnDisk() {
        assertThat(failToRestore()).hasAtLeastOneElementOfType(AbandonGuest.class);
        assertThat(role.isForgone()).isFalse();
        assertThat(role.onGuestAbandoned()).containsExactly(new StoreForgone());
        assertThat(role.isForgone()).isFalse();
        assertThat(role.onForgone()).endsWith(new StartStandby());
        assertThat(role.isForgone()).isTrue();
    }

    @Test
    void shouldHaveNothingToPromoteAfterItHasForgoneATerm() {
        forgo();
        role.onStandbyReady();
        assertThat(role.mayPromote()).isFalse();
        assertThat(tick(10 * SILENCE)).isEmpty();
    }

    /** Nobody knows what the agent that claimed it has left. */
    @Test
    void shouldPromiseThatATermIsForgoneWhichItFindsOnDiskOnlyWhenAHypervisorWaits() {
        BackupRole restarted = new BackupRole(
                "b",
                OURS,
                true,
                new FailureDetector.Settings(SILENCE, GRACE, 100),
                new Safeguards(false, false, false));
        assertThat(errorClassOf(restarted.onHello(SESSION, PRIMARYS, List.of(), now)))
                .isEqualTo("NotReady");
        restarted.onStandbyReady();
        assertThat(errorClassOf(restarted.onHello(SESSION, PRIMARYS, List.of(), now)))
                .isEqualTo(BackupRole.TERM_FORGONE);
    }

    /** Until then what was killed here may run. */
    @Test
    void shouldPromiseThatATermIsForgoneOnlyWhenAFreshHypervisorWaits() {
        forgo();
        assertThat(errorClassOf(role.onHello(SESSION + 1, PRIMARYS, List.of(), now)))
                .isEqualTo("NotReady");
        assertThat(termIn(role.onHello(SESSION + 1, PRIMARYS, List.of(), now))).isEqualTo(PRIMARYS);
        role.onStandbyReady();
        assertThat(role.onHello(SESSION + 1, PRIMARYS, List.of(), now))
                .containsExactly(new SendRefusal(
                        SESSION + 1,
                        BackupRole.TERM_FORGONE,
                        List.of("host b has claimed term 2/promotion/b, but no guest runs there, and none will"),
                        OURS));
    }

    @Test
    void shouldFollowTheTermUnderWhichThePrimaryGoesOn() {
        forgo();
        role.onStandbyReady();
        Term newer = OURS.aloneOf("a");
        assertThat(role.onHello(SESSION + 1, newer, List.of(), now)).containsExactly(new StoreTerm(newer));
        assertThat(role.onTermStored(newer, now)).containsExactly(new SendWelcome(SESSION + 1, newer, 0, false));
        assertThat(role.isForgone()).isFalse();
    }

    /** Its agent has ended between the claim and the guest's first step. */
    @Test
    void shouldKnowFromDiskThatItsTermIsForgone() {
        BackupRole restarted = new BackupRole(
                "b",
                OURS,
                true,
                new FailureDetector.Settings(SILENCE, GRACE, 100),
                new Safeguards(false, false, false));
        restarted.onStandbyReady();
        assertThat(errorClassOf(restarted.onHello(SESSION, PRIMARYS, List.of(), now)))
                .isEqualTo(BackupRole.TERM_FORGONE);
    }

    /** The guest may run here from then on. */
    @Test
    void shouldRestoreNothingBeforeItIsOnDiskThatTheGuestMayRun() {
        protect();
        role.onPromoteAsked("test", false, now);
        role.onTermStored(OURS, now);
        assertThat(role.onWallOwned()).noneMatch(RestoreGuest.class::isInstance);
    }

    /** INV-11. */
    @Test
    void shouldPromoteNoCheckpointThatWasRevoked() {
        protect();
        role.onRevoked(SESSION, "page 7 was missed");
        assertThat(role.mayPromote()).isFalse();
        assertThat(role.onGuestDeath(SESSION, "killed", true, now))
                .singleElement()
                .isInstanceOf(BackupEffect.Note.class);
    }

    @Test
    void shouldBuildOnNoCheckpointThatWasRevoked() {
        protect();
        role.onRevoked(SESSION, "page 7 was missed");
        assertThat(role.onStaged(SESSION, 6, 5)).singleElement().isInstanceOf(CloseSession.class);
    }

    @Test
    void shouldTakeOverFromAPrimaryThatWasOnceSilentBeforeItArmedUs() {
        follow();
        tick(SILENCE + 1);
        role.onBytes(SESSION, now);
        role.onStaged(SESSION, 5, 0);
        role.onArmed(SESSION);
        role.onSessionLost(SESSION, now);
        assertThat(tick(GRACE + 1)).hasAtLeastOneElementOfType(ClaimTerm.class);
        assertThat(role.promotionCause()).isEqualTo("eof");
    }

    @Test
    void shouldSayOnceThatNobodyReplacesASilentPrimary() {
        follow();
        assertThat(tick(10 * SILENCE)).singleElement().isInstanceOf(BackupEffect.Note.class);
    }

    @Test
    void shouldTakeOverWhenThePrimaryHandsTheGuestOver() {
        protect();
        assertThat(role.onHandOver(SESSION, "maintenance", now)).contains(new ClaimTerm(OURS));
        assertThat(role.promotionCause()).isEqualTo("switchover");
    }

    @Test
    void shouldRelinquishWhenItCannotTakeOverWhatIsHandedOver() {
        follow();
        assertThat(role.onHandOver(SESSION, "maintenance", now))
                .containsExactly(
                        new Relinquish(SESSION, "cannot take over: this backup has never confirmed a full checkpoint"));
    }

    @Test
    void shouldNotTakeOverByTheWordOfAnEarlierConnection() {
        protect();
        assertThat(role.onHandOver(SESSION - 1, "maintenance", now)).isEmpty();
    }

    /** INV-9. */
    @Test
    void shouldProbeWhileTheGuestIsRestored() {
        restoreWithProbe();
        assertThat(probing.onWallOwned()).containsExactly(new ProbeAddresses(), new StoreServiceBegun());
    }

    @Test
    void shouldOpenTheWallOnlyWhenTheProbeHasEndedToo() {
        restoreWithProbe();
        probing.onWallOwned();
        assertThat(probing.onGuestRestored()).isEmpty();
        assertThat(probing.onProbeUnanswered()).hasAtLeastOneElementOfType(OpenWallAndAnnounce.class);
    }

    @Test
    void shouldOpenTheWallOnlyWhenTheGuestIsRestoredToo() {
        restoreWithProbe();
        probing.onWallOwned();
        assertThat(probing.onProbeUnanswered()).isEmpty();
        assertThat(probing.onGuestRestored()).hasAtLeastOneElementOfType(OpenWallAndAnnounce.class);
    }

    @Test
    void shouldAbandonTheGuestWhenAnOldOwnerAnswers() {
        restoreWithProbe();
        probing.onWallOwned();
        probing.onGuestRestored();
        assertThat(probing.onOldOwnerFound("52:54:00:00:00:01 answers for 10.0.0.5 on net0"))
                .hasAtLeastOneElementOfType(AbandonGuest.class);
        assertThat(probing.onProbeUnanswered()).isEmpty();
        assertThat(probing.whyNotPromote())
                .contains("52:54:00:00:00:01 answers for 10.0.0.5 on net0")
                .contains("holdfast alone");
    }

    @Test
    void shouldNotOpenTheWallForAGuestThatIsRestoredAfterAnOldOwnerHasAnswered() {
        restoreWithProbe();
        probing.onWallOwned();
        probing.onOldOwnerFound("the guest");
        assertThat(probing.onGuestRestored()).isEmpty();
    }

    /** The old owner's is the last guest there is. */
    @Test
    void shouldDeposeNobodyWhenAnOldOwnerHasAnswered() {
        restoreWithProbe();
        probing.onWallOwned();
        probing.onOldOwnerFound("the guest");
        assertThat(errorClassOf(probing.onHello(SESSION + 1, PRIMARYS, List.of(), now)))
                .isEqualTo(BackupRole.TERM_UNSERVED);
    }

    /** Its word is late, and the guest serves its clients here. */
    @Test
    void shouldNotGoBackOnAPromotionThatIsComplete() {
        restoreWithProbe();
        probing.onWallOwned();
        probing.onProbeUnanswered();
        probing.onGuestRestored();
        assertThat(probing.onOldOwnerFound("the guest")).isEmpty();
    }

    // ---- a guest that does not start ----

    /** Its checkpoint may be the last that is left of the guest. */
    @Test
    void shouldRestoreAGuestThatCouldNotBeStartedAgainAndAgain() {
        restore();
        for (int attempt = 0; attempt < 100; attempt++) {
            assertThat(role.onGuestNotStarted("no memory for QEMU", now)).noneMatch(AbandonGuest.class::isInstance);
            now += 10_000_000_000L;
            assertThat(role.onTick(now)).containsExactly(new RestoreGuest(5));
        }
        assertThat(role.onGuestRestored()).hasAtLeastOneElementOfType(OpenWallAndAnnounce.class);
    }

    @Test
    void shouldNotRestoreAGuestThatIsBeingStarted() {
        restore();
        assertThat(role.onTick(now + 10_000_000_000L)).isEmpty();
        role.onGuestNotStarted("no memory for QEMU", now);
        role.onTick(now + 10_000_000_000L);
        assertThat(role.onTick(now + 20_000_000_000L)).isEmpty();
    }

    @Test
    void shouldGiveAGuestThatStartsNeitherHereNorLaterSomeTimeBetweenTwoAttempts() {
        restore();
        role.onGuestNotStarted("no memory for QEMU", now);
        assertThat(role.onTick(now)).isEmpty();
    }

    @Test
    void shouldTellOnceThatTheGuestDoesNotStartAndOnDemandWhy() {
        restore();
        assertThat(role.onGuestNotStarted("no memory for QEMU 17", now))
                .singleElement()
                .isInstanceOf(Note.class);
        role.onTick(now + 10_000_000_000L);
        assertThat(role.onGuestNotStarted("no memory for QEMU 18", now)).isEmpty();
        assertThat(role.whyNotPromote()).contains("no memory for QEMU 18");
    }

    @Test
    void shouldLetThePrimaryGoOnThatComesBackWithTheGuestThatDoesNotStartHere() {
        restore();
        role.onGuestNotStarted("no memory for QEMU", now);
        assertThat(role.onGuestElsewhere()).hasAtLeastOneElementOfType(AbandonGuest.class);
        role.onGuestAbandoned();
        role.onForgone();
        assertThat(errorClassOf(role.onHello(SESSION + 1, PRIMARYS, List.of(), now)))
                .as("though no hypervisor starts here either")
                .isEqualTo(BackupRole.TERM_FORGONE);
    }

    /** Nobody knows yet whether it runs. */
    @Test
    void shouldNotGiveUpAGuestWhileItIsBeingStartedOnceMore() {
        restore();
        role.onGuestNotStarted("no memory for QEMU", now);
        role.onTick(now + 10_000_000_000L);
        assertThat(role.onGuestElsewhere()).isEmpty();
        assertThat(role.onGuestRestored()).hasAtLeastOneElementOfType(OpenWallAndAnnounce.class);
    }

    /** It has only been slow to learn that it was taken for dead. */
    @Test
    void shouldGoOnWithAPromotionThatNothingObstructsThoughThePrimaryIsBack() {
        restore();
        assertThat(role.onGuestElsewhere()).isEmpty();
        assertThat(role.onGuestRestored()).hasAtLeastOneElementOfType(OpenWallAndAnnounce.class);
    }

    /** The old owner has it, so the checkpoint is not the last. */
    @Test
    void shouldNotRestoreAgainAfterAnOldOwnerHasAnswered() {
        restoreWithProbe();
        probing.onWallOwned();
        probing.onServiceBegunStored();
        probing.onGuestNotStarted("no memory for QEMU", now);
        probing.onOldOwnerFound("the guest");
        assertThat(probing.onTick(now + 10_000_000_000L)).isEmpty();
    }

    // ---- a term that cannot be written ----

    @Test
    void shouldTryAgainToWriteATermThatCouldNotBeWritten() {
        protect();
        role.onGuestDeath(SESSION, "killed", true, now);
        assertThat(role.onTermNotStored(OURS, "disk full", now)).singleElement().isInstanceOf(Note.class);
        assertThat(role.whyNotPromote()).contains("disk full");
        assertThat(role.onTick(now)).isEmpty();
        assertThat(role.onTick(now + 10_000_000_000L)).containsExactly(new ClaimTerm(OURS));
        assertThat(role.onTermStored(OURS, now)).hasOnlyElementsOfType(OwnWall.class);
    }

    /** INV-9: an agent that came in its place would promise that no guest has run here. */
    @Test
    void shouldNotRunTheGuestBeforeItIsOnDiskThatItMay() {
        protect();
        role.onGuestDeath(SESSION, "killed", true, now);
        role.onTermStored(OURS, now);
        role.onWallOwned();
        assertThat(role.onServiceBegunNotStored("disk full", now))
                .singleElement()
                .isInstanceOf(Note.class);
        assertThat(role.onTick(now + 10_000_000_000L)).containsExactly(new StoreServiceBegun());
        assertThat(role.onServiceBegunStored()).containsExactly(new RestoreGuest(5));
    }

    /** Nobody has heard of the term yet. */
    @Test
    void shouldFollowAPrimaryThatComesBackWhileItsOwnTermCannotBeWritten() {
        protect();
        role.onSessionLost(SESSION, now);
        tick(2 * GRACE);
        role.onTermNotStored(OURS, "disk full", now);
        role.onGuestElsewhere();
        assertThat(role.onHello(SESSION + 1, PRIMARYS, List.of(), now))
                .containsExactly(new SendWelcome(SESSION + 1, PRIMARYS, 5, true));
    }

    @Test
    void shouldNotWithdrawATermThatMayBeOnItsWayToTheDisk() {
        protect();
        role.onGuestDeath(SESSION, "killed", true, now);
        role.onTermNotStored(OURS, "disk full", now);
        role.onTick(now + 10_000_000_000L);
        assertThat(role.onGuestElsewhere()).isEmpty();
        assertThat(role.term()).isEqualTo(OURS);
    }

    private void restore() {
        protect();
        role.onGuestDeath(SESSION, "killed", true, now);
        role.onTermStored(OURS, now);
        role.onWallOwned();
        role.onServiceBegunStored();
    }

    private List<BackupEffect> failToRestore() {
        restore();
        return role.onRestoreFailed("no such memory");
    }

    private void forgo() {
        failToRestore();
        role.onGuestAbandoned();
        role.onForgone();
    }

    private void restoreWithProbe() {
        protect(probing);
        probing.onPromoteAsked("test", false, now);
        probing.onTermStored(OURS, now);
    }

    private static BackupRole role(boolean probesAddresses) {
        return new BackupRole(
                "b",
                Term.none(),
                false,
                new FailureDetector.Settings(SILENCE, GRACE, 100),
                new Safeguards(false, false, probesAddresses));
    }

    private void follow() {
        follow(role);
    }

    private void protect() {
        protect(role);
    }

    private void follow(BackupRole role) {
        role.onStandbyReady();
        role.onHello(SESSION, PRIMARYS, List.of(), now);
        role.onTermStored(PRIMARYS, now);
    }

    private void protect(BackupRole role) {
        follow(role);
        role.onStaged(SESSION, 5, 0);
        role.onArmed(SESSION);
    }

    private List<BackupEffect> tick(long duration) {
        List<BackupEffect> effects = new ArrayList<>();
        for (long passed = 0; passed < duration; passed++) {
            effects.addAll(role.onTick(++now));
        }
        return effects;
    }

    private static Term termIn(List<BackupEffect> effects) {
        assertThat(effects).singleElement().isInstanceOf(SendRefusal.class);
        return ((SendRefusal) effects.get(0)).term();
    }

    private static String errorClassOf(List<BackupEffect> effects) {
        assertThat(effects).singleElement().isInstanceOf(SendRefusal.class);
        return ((SendRefusal) effects.get(0)).errorClass();
    }
}
