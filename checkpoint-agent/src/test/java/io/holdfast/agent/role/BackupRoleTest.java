package io.holdfast.agent.role;

import static org.assertj.core.api.Assertions.assertThat;

import io.holdfast.wall.Term;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What the simulated pair does not do: its disk is always quick, and its waiting hypervisor never dies. */
class BackupRoleTest {

    private static final long SESSION = 7;
    private static final Term TERM_OF_PRIMARY = new Term(1, Term.Claim.PROMOTION, "a");

    private final BackupRole role =
            new BackupRole("b", Term.none(), new FailureDetector.Settings(500_000_000, 300_000_000, 100_000_000));

    @BeforeEach
    void aPrimaryOfANewTermIsThere() {
        role.onStart();
        role.onStandbyReady();
        assertThat(role.onHello(SESSION, TERM_OF_PRIMARY, List.of(), 0))
                .containsExactly(new BackupEffect.StoreTerm(TERM_OF_PRIMARY));
    }

    @Test
    void shouldWelcomeThePrimaryWhenItsTermIsOnDisk() {
        assertThat(role.onTermStored(TERM_OF_PRIMARY, 1))
                .containsExactly(new BackupEffect.SendWelcome(SESSION, TERM_OF_PRIMARY, 0, false));
    }

    @Test
    void shouldAskThePrimaryToComeAgainIfTheStandbyDiesWhileItsTermIsBeingStored() {
        role.onStandbyLost("killed");

        assertThat(role.onTermStored(TERM_OF_PRIMARY, 1))
                .singleElement()
                .isInstanceOfSatisfying(
                        BackupEffect.SendRefusal.class,
                        refusal -> assertThat(refusal.errorClass()).isEqualTo("NotReady"));
        assertThat(role.isPrimaryConnected()).isFalse();
    }

    @Test
    void shouldPromoteNothingAfterTheStandbyDied() {
        role.onTermStored(TERM_OF_PRIMARY, 1);
        role.onStaged(SESSION, 5, 0);
        role.onArmed(SESSION);
        assertThat(role.mayPromote()).isTrue();

        role.onStandbyLost("killed");
        role.onStandbyReady();

        assertThat(role.mayPromote()).isFalse();
        assertThat(role.confirmedEpoch()).isZero();
    }
}
