package io.holdfast.agent.role;

import static org.assertj.core.api.Assertions.assertThat;

import io.holdfast.agent.arbiter.Claim;
import io.holdfast.agent.arbiter.Verdict;
import io.holdfast.agent.role.BackupEffect.AskArbiter;
import io.holdfast.agent.role.BackupEffect.BecomePrimary;
import io.holdfast.agent.role.BackupEffect.ClaimTerm;
import io.holdfast.agent.role.BackupEffect.Fence;
import io.holdfast.agent.role.BackupEffect.Note;
import io.holdfast.agent.role.BackupEffect.OpenWallAndAnnounce;
import io.holdfast.agent.role.BackupEffect.SendRefusal;
import io.holdfast.agent.role.BackupEffect.SendWelcome;
import io.holdfast.agent.role.BackupEffect.StoreTerm;
import io.holdfast.audit.AuditEvent;
import io.holdfast.wall.Term;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;

/** What a backup waits for before it takes over, and what ends the wait. */
class BackupSafeguardsTest {

    private static final long MILLI = 1_000_000;
    private static final long SILENCE = 500 * MILLI;
    private static final long GRACE = 300 * MILLI;
    private static final long TICK = 5 * MILLI;
    private static final long SESSION = 7;
    private static final Term PRIMARYS = new Term(1, Term.Claim.PROMOTION, "a");
    private static final Term OURS = new Term(2, Term.Claim.PROMOTION, "b");
    private static final Claim CLAIM = Claim.after(PRIMARYS, OURS);
    private static final Verdict NO_ANSWER = new Verdict.Unreachable("no answer");
    private static final Verdict REFUSED = new Verdict.Refused(Optional.of(PRIMARYS.aloneOf("a")), "newer");

    private BackupRole role = role(new Safeguards(true, true, false));
    private long now = 1_000;

    private static BackupRole role(Safeguards safeguards) {
        return new BackupRole(
                "b", Term.none(), false, new FailureDetector.Settings(SILENCE, GRACE, 100 * MILLI), safeguards);
    }

    @Test
    void shouldAskTheArbiterBeforeAnythingChanges() {
        assertThat(losePrimary()).contains(new AskArbiter(CLAIM)).noneMatch(StoreTerm.class::isInstance);
        assertThat(role.term()).isEqualTo(PRIMARYS);
    }

    @Test
    void shouldHaveThePrimaryFencedWhenTheArbiterHasGrantedTheTerm() {
        losePrimary();
        assertThat(role.onVerdict(CLAIM, granted(), now))
                .contains(new Fence(PRIMARYS))
                .noneMatch(StoreTerm.class::isInstance);
    }

    @Test
    void shouldStoreTheTermWhenThePrimaryIsFenced() {
        losePrimary();
        role.onVerdict(CLAIM, granted(), now);
        assertThat(role.onFenced(now)).endsWith(new ClaimTerm(OURS));
    }

    @Test
    void shouldAskTheSameAgainWhenThereWasNoAnswer() {
        losePrimary();
        role.onVerdict(CLAIM, NO_ANSWER, now);
        assertThat(pass(150 * MILLI)).containsExactly(new AskArbiter(CLAIM));
    }

    @Test
    void shouldNeverPromoteWhatTheArbiterRefuses() {
        losePrimary();
        assertThat(role.onVerdict(CLAIM, REFUSED, now)).singleElement().isInstanceOf(Note.class);
        assertThat(role.confirmedEpoch()).isZero();
        assertThat(pass(10 * SILENCE)).isEmpty();
    }

    @Test
    void shouldRunTheFenceAgainWhenItHasFailed() {
        losePrimary();
        role.onVerdict(CLAIM, granted(), now);
        role.onFenceFailed("exit code 1", now);
        assertThat(pass(150 * MILLI)).containsExactly(new Fence(PRIMARYS));
    }

    @Test
    void shouldFollowThePrimaryAgainThatIsBackBeforeTheArbiterAnswers() {
        losePrimary();
        assertThat(role.onHello(SESSION + 1, PRIMARYS, List.of(), now))
                .contains(new SendWelcome(SESSION + 1, PRIMARYS, 5, true));
        assertThat(role.onVerdict(CLAIM, granted(), now)).isEmpty();
        assertThat(role.isPromoting()).isFalse();
    }

    /** The term stays ours at the arbiter, and can be claimed again. */
    @Test
    void shouldFollowThePrimaryAgainThatIsBackBeforeItIsFenced() {
        losePrimary();
        role.onVerdict(CLAIM, granted(), now);
        role.onHello(SESSION + 1, PRIMARYS, List.of(), now);
        assertThat(role.onFenced(now)).isEmpty();
        role.onSessionLost(SESSION + 1, now);
        assertThat(pass(GRACE + TICK)).contains(new AskArbiter(CLAIM));
    }

    @Test
    void shouldPromoteNothingWhenTheStandbyDiesWhileItAsks() {
        losePrimary();
        role.onStandbyLost("killed");
        assertThat(role.onVerdict(CLAIM, granted(), now)).isEmpty();
        assertThat(role.isAsking()).isFalse();
    }

    @Test
    void shouldNeedNoFenceForAPrimaryThatReportsTheDeathItself() {
        protect();
        role.onGuestDeath(SESSION, "killed", true, now);
        assertThat(role.onVerdict(CLAIM, granted(), now)).endsWith(new ClaimTerm(OURS));
    }

    @Test
    void shouldServeByTheArbitersLeaseAfterwards() {
        losePrimary();
        promote(CLAIM, granted());
        assertThat(role.onGuestRestored())
                .containsExactly(
                        new OpenWallAndAnnounce(role.promotionReason(), OptionalLong.of(now + SILENCE)),
                        new BecomePrimary(OURS, 5, AloneRight.granted(OptionalLong.of(now + SILENCE))));
    }

    @Test
    void shouldRenewTheLeaseWhileTheGuestIsRestored() {
        losePrimary();
        promote(CLAIM, granted());
        assertThat(pass(SILENCE / 3 + TICK)).containsExactly(new AskArbiter(CLAIM));
    }

    // ---- the operator ----

    @Test
    void shouldTellTheOperatorInPlaceOfTryingAgain() {
        protect();
        role.onPromoteAsked("test", false, now);
        role.onVerdict(CLAIM, NO_ANSWER, now);
        assertThat(role.isAsking()).isFalse();
        assertThat(pass(SILENCE / 2)).isEmpty();
    }

    @Test
    void shouldGoOnWithoutAnAnswerWhenTheOperatorForcesIt() {
        protect();
        role.onPromoteAsked("burnt down", true, now);
        assertThat(role.onVerdict(CLAIM, NO_ANSWER, now)).contains(new Fence(PRIMARYS));
        List<BackupEffect> effects = role.onFenceFailed("exit code 1", now);
        assertThat(effects).endsWith(new ClaimTerm(OURS));
        assertThat(effects)
                .filteredOn(Note.class::isInstance)
                .extracting(effect -> ((Note) effect).event() + " " + ((Note) effect).text())
                .anyMatch(text -> text.startsWith(AuditEvent.PROMOTION + " ")
                        && text.contains("WITHOUT the arbiter: no answer and the fence: exit code 1"));
    }

    @Test
    void shouldGoOnAtOnceWhenTheOperatorForcesWhatHasFailedAlready() {
        losePrimary();
        role.onVerdict(CLAIM, NO_ANSWER, now);
        assertThat(role.onPromoteAsked("burnt down", true, now)).contains(new Fence(PRIMARYS));
    }

    @Test
    void shouldHearOutAQuestionThatIsUnderWayBeforeItIsForced() {
        losePrimary();
        role.onVerdict(CLAIM, NO_ANSWER, now);
        pass(150 * MILLI);
        assertThat(role.onPromoteAsked("burnt down", true, now)).isEmpty();
        role.onVerdict(CLAIM, REFUSED, now);
        assertThat(role.isPromoting()).isFalse();
    }

    /** An operator's word, not the arbiter's, so that no lease ends it. */
    @Test
    void shouldServeUncontestedAfterAForcedPromotion() {
        protect();
        role.onPromoteAsked("burnt down", true, now);
        promote(CLAIM, NO_ANSWER);
        assertThat(role.onGuestRestored()).endsWith(new BecomePrimary(OURS, 5, AloneRight.uncontested()));
    }

    @Test
    void shouldNotForceWhatTheArbiterRefuses() {
        protect();
        role.onPromoteAsked("burnt down", true, now);
        role.onVerdict(CLAIM, REFUSED, now);
        assertThat(role.isPromoting()).isFalse();
    }

    @Test
    void shouldNotForceABackupThatWasNotArmed() {
        follow();
        role.onStaged(SESSION, 5, 0);
        assertThat(role.onPromoteAsked("burnt down", true, now)).singleElement().isInstanceOf(Note.class);
        assertThat(role.isAsking()).isFalse();
    }

    @Test
    void shouldNotForceTheNextPromotionAsWell() {
        protect();
        role.onPromoteAsked("burnt down", true, now);
        role.onHello(SESSION + 1, new Term(1, Term.Claim.PROMOTION, "a"), List.of(), now);
        role.onVerdict(CLAIM, granted(), now);
        role.onStandbyLost("killed");
        role.onStandbyReady();
        role.onHello(SESSION + 2, PRIMARYS, List.of(), now);
        role.onStaged(SESSION + 2, 6, 0);
        role.onArmed(SESSION + 2);
        role.onSessionLost(SESSION + 2, now);
        pass(GRACE + TICK);
        role.onVerdict(CLAIM, NO_ANSWER, now);
        assertThat(role.isAsking()).isTrue();
    }

    @Test
    void shouldKeepThePrimaryAwayWhileAnOperatorsPromotionIsUnderWay() {
        protect();
        role.onPromoteAsked("test", false, now);
        assertThat(role.onHello(SESSION + 1, PRIMARYS, List.of(), now))
                .singleElement()
                .isInstanceOf(SendRefusal.class);
    }

    private Verdict granted() {
        return new Verdict.Granted(OptionalLong.of(now + SILENCE));
    }

    private void promote(Claim claim, Verdict verdict) {
        role.onVerdict(claim, verdict, now);
        if (verdict instanceof Verdict.Unreachable) {
            role.onFenceFailed("exit code 1", now);
        } else {
            role.onFenced(now);
        }
        role.onTermStored(OURS, now);
        role.onWallOwned();
    }

    private void follow() {
        role.onStandbyReady();
        role.onHello(SESSION, PRIMARYS, List.of(), now);
        role.onTermStored(PRIMARYS, now);
    }

    private void protect() {
        follow();
        role.onStaged(SESSION, 5, 0);
        role.onArmed(SESSION);
    }

    private List<BackupEffect> losePrimary() {
        protect();
        return pass(SILENCE);
    }

    private List<BackupEffect> pass(long durationNanos) {
        List<BackupEffect> effects = new ArrayList<>();
        for (long passed = 0; passed < durationNanos; passed += TICK) {
            now += TICK;
            effects.addAll(role.onTick(now));
        }
        return effects;
    }
}
