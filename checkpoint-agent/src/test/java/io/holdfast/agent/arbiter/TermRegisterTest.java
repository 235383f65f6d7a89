package io.holdfast.agent.arbiter;

import static org.assertj.core.api.Assertions.assertThat;

import io.holdfast.agent.arbiter.TermRegister.Ruling;
import io.holdfast.wall.Term;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class TermRegisterTest {

    private static final Term ARMED_UNDER = new Term(4, Term.Claim.PROMOTION, "a");
    private static final Claim PROMOTION = Claim.after(ARMED_UNDER, ARMED_UNDER.promotionOf("b"));

    @Test
    void shouldWriteWhenWhatIsComparedIsTheNewest() {
        assertThat(rule(PROMOTION, ARMED_UNDER)).isEqualTo(Ruling.WRITE);
    }

    @Test
    void shouldFindItsOwnTermAgain() {
        assertThat(rule(PROMOTION, PROMOTION.wanted())).isEqualTo(Ruling.HELD);
    }

    @Test
    void shouldRefuseWhenThePrimaryHasGoneOnAlone() {
        assertThat(rule(PROMOTION, ARMED_UNDER.aloneOf("a"))).isEqualTo(Ruling.REFUSED);
    }

    /** A promotion beats going alone at the same number between hosts that meet, but not who has won here. */
    @Test
    void shouldRefuseAlsoATermOfTheSameNumberThatWouldRankHigher() {
        assertThat(PROMOTION.wanted()).isGreaterThan(ARMED_UNDER.aloneOf("a"));
        assertThat(rule(PROMOTION, ARMED_UNDER.aloneOf("a"))).isEqualTo(Ruling.REFUSED);
    }

    @Test
    void shouldRefuseAnotherOwnersTermOfTheSameRank() {
        assertThat(rule(PROMOTION, new Term(4, Term.Claim.PROMOTION, "c"))).isEqualTo(Ruling.REFUSED);
    }

    @Test
    void shouldKnowNothingWhereNothingOrOnlySomethingOlderIsRegistered() {
        assertThat(TermRegister.rule(PROMOTION, Optional.empty())).isEqualTo(Ruling.UNREGISTERED);
        assertThat(rule(PROMOTION, new Term(3, Term.Claim.PROMOTION, "b"))).isEqualTo(Ruling.UNREGISTERED);
    }

    @Test
    void shouldRegisterWhereNothingOrSomethingOlderStands() {
        Claim registration = Claim.registration(ARMED_UNDER);
        assertThat(TermRegister.rule(registration, Optional.empty())).isEqualTo(Ruling.WRITE);
        assertThat(rule(registration, new Term(3, Term.Claim.PROMOTION, "b"))).isEqualTo(Ruling.WRITE);
    }

    @Test
    void shouldNotRegisterUnderSomethingNewer() {
        assertThat(rule(Claim.registration(ARMED_UNDER), ARMED_UNDER.promotionOf("b")))
                .isEqualTo(Ruling.REFUSED);
    }

    private static Ruling rule(Claim claim, Term newest) {
        return TermRegister.rule(claim, Optional.of(newest));
    }
}
