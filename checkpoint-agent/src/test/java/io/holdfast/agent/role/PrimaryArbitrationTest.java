package io.holdfast.agent.role;

import static org.assertj.core.api.Assertions.assertThat;

import io.holdfast.agent.arbiter.Claim;
import io.holdfast.agent.arbiter.Verdict;
import io.holdfast.agent.role.PrimaryEffect.AskArbiter;
import io.holdfast.agent.role.PrimaryEffect.CloseLink;
import io.holdfast.agent.role.PrimaryEffect.GoAlone;
import io.holdfast.agent.role.PrimaryEffect.OpenWall;
import io.holdfast.agent.role.PrimaryEffect.SealWall;
import io.holdfast.agent.role.PrimaryEffect.StepDown;
import io.holdfast.agent.role.PrimaryEffect.StoreArmed;
import io.holdfast.agent.role.PrimaryEffect.SuspendWall;
import io.holdfast.wall.Term;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;

/** When a primary asks its arbiter, and what it does by the answers. */
class PrimaryArbitrationTest {

    private static final long MILLI = 1_000_000;
    private static final long GRACE = 300 * MILLI;
    private static final long LEASE = 900 * MILLI;
    private static final long SESSION = 7;
    private static final Term TERM = new Term(2, Term.Claim.PROMOTION, "a");
    private static final Term ALONE = TERM.aloneOf("a");
    private static final Claim CLAIM = Claim.after(TERM, ALONE);

    private long now = 1_000;
    private PrimaryRole role = role(TERM, false, false, AloneRight.uncontested());

    private static PrimaryRole role(Term term, boolean armed, boolean servesAlone, AloneRight right) {
        return PrimaryRole.withArbiter(
                new PrimaryRole.Settings(50 * MILLI, 30, 2, 500 * MILLI, 150 * MILLI),
                new PrimaryRole.Beginning(term, 0, armed, "", servesAlone),
                GRACE,
                right);
    }

    // ---- going alone ----

    @Test
    void shouldRegisterItsTermWhenItHasArmedABackup() {
        protect();
        assertThat(role.onTick(now)).contains(new AskArbiter(Claim.registration(TERM)));
    }

    @Test
    void shouldAskForTheRightToGoOnAloneWhenTheBackupIsAwayForTheGrace() {
        loseBackup();
        assertThat(role.onTick(now + GRACE - 1)).isEmpty();
        assertThat(role.onTick(now + GRACE)).containsExactly(new AskArbiter(CLAIM));
    }

    @Test
    void shouldGiveTheBackupTheGraceToComeBackAlsoAfterARestart() {
        role = role(TERM, true, false, AloneRight.toBeClaimed());
        role.onStart(false, now);
        role.onWallUp(5, now);
        assertThat(role.onTick(now + GRACE - 1)).isEmpty();
        assertThat(role.onTick(now + GRACE)).containsExactly(new AskArbiter(CLAIM));
    }

    @Test
    void shouldStaySuspendedUntilTheNewTermIsOnDisk() {
        askForRight();
        assertThat(role.onVerdict(CLAIM, granted(), now))
                .hasAtLeastOneElementOfType(GoAlone.class)
                .noneMatch(OpenWall.class::isInstance);
    }

    @Test
    void shouldServeOnTheLeaseWhenTheNewTermIsOnDisk() {
        serveByGrant();
        assertThat(role.term()).isEqualTo(ALONE);
        assertThat(role.aloneRight()).isEqualTo(AloneRight.granted(OptionalLong.of(now + LEASE)));
    }

    @Test
    void shouldAskAgainWhenTheNewTermCouldNotBeStored() {
        askForRight();
        role.onVerdict(CLAIM, granted(), now);
        role.onAloneNotStored(now);
        assertThat(role.onTick(now + 150 * MILLI)).containsExactly(new AskArbiter(CLAIM));
    }

    @Test
    void shouldStaySuspendedAndAskAgainWhenThereIsNoAnswer() {
        askForRight();
        assertThat(role.onVerdict(CLAIM, new Verdict.Unreachable("cut"), now)).noneMatch(OpenWall.class::isInstance);
        assertThat(role.onTick(now + 150 * MILLI)).containsExactly(new AskArbiter(CLAIM));
    }

    @Test
    void shouldNotAskWhileTheBackupIsBack() {
        loseBackup();
        role.onLinkUp(SESSION + 1, role.term(), "", true, now);
        assertThat(role.onTick(now + 2 * GRACE)).noneMatch(effect -> effect.equals(new AskArbiter(CLAIM)));
    }

    /** The right is ours by then: the backup is refused for ever, and must follow anew. */
    @Test
    void shouldGoOnUnderTheGrantedTermThoughTheBackupIsBack() {
        askForRight();
        role.onLinkUp(SESSION + 1, role.term(), "", true, now);
        assertThat(role.onVerdict(CLAIM, granted(), now)).hasAtLeastOneElementOfType(GoAlone.class);
        assertThat(role.onAloneGranted(ALONE, "test")).hasAtLeastOneElementOfType(CloseLink.class);
    }

    /** It is looked for while time passes already. Perhaps only the backup has it, and would be barred for ever. */
    @Test
    void shouldNotAskForTheRightBeforeARestartedAgentHasFoundTheGuest() {
        role = role(TERM, true, false, AloneRight.toBeClaimed());
        role.onWallUp(5, now);
        assertThat(role.onTick(now + 10 * GRACE)).isEmpty();
        role.onStart(false, now + 10 * GRACE);
        assertThat(role.onTick(now + 11 * GRACE - 1)).isEmpty();
        assertThat(role.onTick(now + 11 * GRACE)).containsExactly(new AskArbiter(CLAIM));
    }

    /** It would help nobody, and bar the backup, which may be beside the wall. */
    @Test
    void shouldNotAskForTheRightWhileItsWallCannotBeReached() {
        loseBackup();
        role.onWallDown(now);
        assertThat(role.onTick(now + 2 * GRACE)).isEmpty();
    }

    /** That host says so itself when the guest runs there; until then the one here may be the last. */
    @Test
    void shouldKeepItsGuestWhenAnotherHostHasTheRightAndLetNothingLeave() {
        askForRight();
        List<PrimaryEffect> effects = role.onVerdict(CLAIM, refusedFor(TERM.promotionOf("b")), now);
        assertThat(effects).noneMatch(StepDown.class::isInstance).noneMatch(OpenWall.class::isInstance);
        assertThat(role.onTick(now + 10 * GRACE)).isEmpty();
        assertThat(role.waitsForArbiter()).contains("3/promotion/b");
    }

    /** Clients may have been served under it before that guest was lost (INV-1). */
    @Test
    void shouldNotAskToGoOnAfterAnotherHostsTermThoughNoGuestRunsUnderIt() {
        askForRight();
        role.onVerdict(CLAIM, refusedFor(TERM.promotionOf("b")), now);
        role.onRefused(BackupRole.TERM_UNSERVED, TERM.promotionOf("b"));
        assertThat(role.onTick(now + 10 * GRACE)).isEmpty();
    }

    /** As one that an operator has forced while the arbiter could not be reached. */
    @Test
    void shouldNotAskToGoOnFromBeforeATermThatTheArbiterMayNotKnow() {
        loseBackup();
        role.onRefused(BackupRole.TERM_UNSERVED, TERM.promotionOf("b"));
        assertThat(role.onTick(now + 10 * GRACE)).isEmpty();
        assertThat(role.waitsForArbiter()).contains("3/promotion/b", "operator");
    }

    @Test
    void shouldGoAloneAboveTheTermThatTheArbiterHasNamedWhenTheOperatorSaysSo() {
        askForRight();
        role.onVerdict(CLAIM, refusedFor(TERM.promotionOf("b")), now);
        assertThat(role.nextAloneTerm("a")).isEqualTo(new Term(4, Term.Claim.ALONE, "a"));
    }

    /** Whose answer was lost when the agent died. */
    @Test
    void shouldTakeUpATermOfItsOwnThatTheArbiterHasGrantedUnheard() {
        protect();
        Claim registration = Claim.registration(TERM);
        role.onTick(now);
        role.onVerdict(registration, refusedFor(ALONE), now);
        assertThat(role.onTick(now)).contains(new AskArbiter(CLAIM));
    }

    @Test
    void shouldRegisterWhatAnOperatorHasSaid() {
        loseBackup();
        role.onAloneGranted(ALONE, "the operator: test");
        assertThat(role.onTick(now)).contains(new AskArbiter(Claim.registration(ALONE)));
    }

    @Test
    void shouldServeByAnOperatorsWordWithoutALease() {
        loseBackup();
        assertThat(role.onAloneGranted(ALONE, "the operator: test"))
                .contains(new OpenWall("the operator: test", OptionalLong.empty()));
    }

    /** INV-10. */
    @Test
    void shouldBeSureToOwnAGuestThatGoesOnAloneByTheArbitersGrant() {
        serveByGrant();
        assertThat(role.isSureToOwn()).isTrue();
    }

    // ---- the lease ----

    @Test
    void shouldRenewTheLeaseAtAThirdOfIt() {
        serveByGrant();
        renewed();
        assertThat(role.onTick(now + LEASE / 3 - 1)).isEmpty();
        assertThat(role.onTick(now + LEASE / 3)).containsExactly(new AskArbiter(Claim.renewal(ALONE)));
    }

    @Test
    void shouldTellTheWallOfEachRenewal() {
        serveByGrant();
        role.onTick(now);
        assertThat(role.onVerdict(Claim.renewal(ALONE), granted(), now))
                .singleElement()
                .isInstanceOfSatisfying(
                        OpenWall.class,
                        open -> assertThat(open.leaseUntilNanos()).hasValue(now + LEASE));
    }

    @Test
    void shouldSealTheWallWhenTheLeaseHasRunOut() {
        serveByGrant();
        assertThat(role.onTick(now + LEASE)).noneMatch(SealWall.class::isInstance);
        assertThat(role.onTick(now + LEASE + 1)).hasAtLeastOneElementOfType(SealWall.class);
    }

    @Test
    void shouldClaimANewerTermAfterTheLeaseHasRunOut() {
        serveByGrant();
        renewed();
        assertThat(role.onTick(now + LEASE + 1)).contains(new AskArbiter(Claim.after(ALONE, ALONE.aloneOf("a"))));
    }

    @Test
    void shouldSealTheWallWhenAnotherHostHasANewerTerm() {
        serveByGrant();
        role.onTick(now);
        assertThat(role.onVerdict(Claim.renewal(ALONE), refusedFor(ALONE.promotionOf("b")), now))
                .hasAtLeastOneElementOfType(SealWall.class);
    }

    /** Output commit protects from then on. */
    @Test
    void shouldNeedNoLeaseWhenABackupIsArmed() {
        serveByGrant();
        renewed();
        role.onLinkUp(SESSION + 1, role.term(), "", false, now);
        role.onPrecopied(SESSION + 1, now);
        checkpoint(2);
        confirm(SESSION + 1, 2);
        assertThat(role.onTick(now + LEASE + 1))
                .contains(new AskArbiter(Claim.registration(ALONE)))
                .noneMatch(SealWall.class::isInstance);
    }

    /** A renewal must not open the wall while the first checkpoint of a backup is under way (INV-1). */
    @Test
    void shouldNotOpenTheWallForARenewalThatComesWhileABackupIsBeingArmed() {
        serveByGrant();
        role.onTick(now);
        role.onLinkUp(SESSION + 1, role.term(), "", false, now);
        role.onPrecopied(SESSION + 1, now);
        role.onGuestPaused(now);
        role.onBarrierPlaced(2, false, now);
        assertThat(role.onVerdict(Claim.renewal(ALONE), granted(), now)).isEmpty();
    }

    @Test
    void shouldClaimTheRightAgainBeforeARestartedAgentOpensTheWall() {
        role = role(ALONE, false, true, AloneRight.toBeClaimed());
        role.onStart(false, now);
        assertThat(role.onWallUp(5, now)).noneMatch(OpenWall.class::isInstance);
        assertThat(role.onTick(now)).contains(new AskArbiter(Claim.renewal(ALONE)));
        assertThat(role.onVerdict(Claim.renewal(ALONE), granted(), now)).hasAtLeastOneElementOfType(OpenWall.class);
    }

    @Test
    void shouldClaimANewerTermWhenTheWallHasSealedItself() {
        role = role(ALONE, false, true, AloneRight.toBeClaimed());
        role.onStart(false, now);
        role.onLeaseSealed();
        assertThat(role.onTick(now)).contains(new AskArbiter(Claim.after(ALONE, ALONE.aloneOf("a"))));
    }

    private Verdict granted() {
        return new Verdict.Granted(OptionalLong.of(now + LEASE));
    }

    private static Verdict refusedFor(Term newest) {
        return new Verdict.Refused(Optional.of(newest), "newer");
    }

    private void protect() {
        role.onStart(false, now);
        role.onWallUp(1, now);
        role.onLinkUp(SESSION, role.term(), "", true, now);
        role.onPrecopied(SESSION, now);
        checkpoint(1);
        confirm(SESSION, 1);
    }

    private void confirm(long session, long epoch) {
        role.onArmedStored((StoreArmed) role.onConfirmed(session, epoch, now).getLast());
    }

    private void checkpoint(long epoch) {
        role.onGuestPaused(now);
        role.onBarrierPlaced(epoch, false, now);
        role.onStateCaptured(epoch, now);
    }

    private void loseBackup() {
        protect();
        assertThat(role.onLinkDown(SESSION, "cut", now)).hasAtLeastOneElementOfType(SuspendWall.class);
    }

    private void askForRight() {
        loseBackup();
        now += GRACE;
        role.onTick(now);
    }

    private void serveByGrant() {
        askForRight();
        role.onVerdict(CLAIM, granted(), now);
        assertThat(role.onAloneGranted(ALONE, "test")).contains(new OpenWall("test", OptionalLong.of(now + LEASE)));
    }

    private void renewed() {
        role.onTick(now);
        role.onVerdict(Claim.renewal(ALONE), granted(), now);
    }
}
