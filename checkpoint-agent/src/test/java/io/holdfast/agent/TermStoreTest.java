package io.holdfast.agent;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.holdfast.control.StaleTermException;
import io.holdfast.control.TermFile;
import io.holdfast.control.TermFileException;
import io.holdfast.control.TermRecord;
import io.holdfast.wall.Term;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What an agent knows again; each is read from disk anew. */
class TermStoreTest {

    private static final Term FIRST = new Term(1, Term.Claim.PROMOTION, "a");

    @TempDir
    Path directory;

    @BeforeEach
    void startAGuest() throws Exception {
        restarted().storeFirst(FIRST);
    }

    private TermStore restarted() throws TermFileException {
        return TermStore.open(directory);
    }

    @Test
    void shouldKnowTheTermAndThatABackupWasArmed() throws Exception {
        assertThat(restarted().term()).isEqualTo(FIRST);
        assertThat(restarted().isBackupArmed()).isFalse();
        restarted().storeArmed("1b");
        assertThat(restarted().isBackupArmed()).isTrue();
        restarted().store(FIRST.aloneOf("a"));
        assertThat(restarted().isBackupArmed()).isFalse();
    }

    @Test
    void shouldKnowWhichBackupWasArmed() throws Exception {
        restarted().storeArmed("1b");
        assertThat(restarted().armedBackup()).isEqualTo("1b");
        restarted().storeRelinquished();
        assertThat(restarted().armedBackup()).isEmpty();
    }

    @Test
    void shouldHaveOneIdentityForAsLongAsItRemembers() throws Exception {
        String identity = restarted().identity();
        assertThat(identity).isNotEmpty();
        restarted().store(FIRST.promotionOf("b"));
        assertThat(restarted().identity()).isEqualTo(identity);
        TermStore other = TermStore.open(directory.resolve("other"));
        other.store(FIRST);
        assertThat(other.identity()).isNotEmpty().isNotEqualTo(identity);
    }

    @Test
    void shouldKnowThatNoGuestHasRunUnderATermThatItHasClaimed() throws Exception {
        restarted().storeClaimed(FIRST.promotionOf("a"));
        assertThat(restarted().isOnlyClaimed()).isTrue();
        restarted().storeServiceBegun();
        assertThat(restarted().isOnlyClaimed()).isFalse();
    }

    /** An operator who says that the other host is dead does not say that the guest runs. */
    @Test
    void shouldKnowThatNoGuestHasRunThoughTheUplinkIsTaken() throws Exception {
        Term promotion = FIRST.promotionOf("a");
        restarted().storeClaimed(promotion);
        restarted().storeTaken(promotion);
        assertThat(restarted().isOnlyClaimed()).isTrue();
    }

    @Test
    void shouldRememberThatATermIsForgoneUntilTheNext() throws Exception {
        restarted().storeArmed("1b");
        restarted().storeForgone();
        assertThat(restarted().isForgone()).isTrue();
        assertThat(restarted().isBackupArmed()).isFalse();
        restarted().store(FIRST.promotionOf("b"));
        assertThat(restarted().isForgone()).isFalse();
    }

    /** Its connections have the numbers that their clients know. */
    @Test
    void shouldLoseNothingWithTheProxyOfAGuestThatWasNeverRestored() throws Exception {
        restarted().storeArmed("1b");
        restarted().store(FIRST.aloneOf("a"));
        restarted().storeTaken(restarted().term().aloneOf("a"));
        assertThat(restarted().isUplinkTaken()).isTrue();
        assertThat(restarted().isGuestRestored()).isFalse();
        assertThat(restarted().numberingLostIn()).isEqualTo(TermStore.NEVER);
    }

    /** INV-12: only the lost proxy knows what became of its connections. */
    @Test
    void shouldLoseTheNumberingWithTheProxyOfAGuestThatWasRestored() throws Exception {
        restarted().store(FIRST.promotionOf("b"));
        restarted().store(restarted().term().promotionOf("a"));
        restarted().storeArmed("1b");
        assertThat(restarted().numberingLostIn()).isEqualTo(TermStore.NEVER);
        restarted().storeTaken(restarted().term().aloneOf("a"));
        assertThat(restarted().numberingLostIn()).isEqualTo(4);
    }

    /** INV-12: also if the peer's guest was never restored, this one is. */
    @Test
    void shouldLoseTheNumberingWithTheProxyThatAPromotionWaitsFor() throws Exception {
        Term promotion = FIRST.promotionOf("b");
        restarted().store(promotion);
        restarted().storeTaken(promotion);
        assertThat(restarted().term()).isEqualTo(promotion);
        assertThat(restarted().numberingLostIn()).isEqualTo(2);
    }

    /** An engine comes back under a later term, and to a proxy that may have begun a new life. */
    @Test
    void shouldKeepTheUplinkUnderLaterTerms() throws Exception {
        restarted().store(FIRST.promotionOf("a"));
        restarted().storeTaken(restarted().term().aloneOf("a"));
        restarted().storeArmed("1b");
        restarted().store(restarted().term().promotionOf("a"));
        assertThat(restarted().isUplinkTaken()).isTrue();
        assertThat(restarted().numberingLostIn()).isEqualTo(3);
    }

    @Test
    void shouldForgetThatTheUplinkWasTakenWhenItIsGivenBack() throws Exception {
        restarted().storeTaken(FIRST.aloneOf("a"));
        restarted().store(restarted().term().promotionOf("b"));
        restarted().storeGivenBack();
        assertThat(restarted().isUplinkTaken()).isFalse();
        assertThat(restarted().isGuestRestored()).isTrue();
        assertThat(restarted().term()).isEqualTo(new Term(3, Term.Claim.PROMOTION, "b"));
    }

    /** INV-12. */
    @Test
    void shouldNotTrustAGuestOfWhichAnEarlierVersionHasWritten() throws Exception {
        TermFile.open(directory.resolve("agent-term"))
                .store(new TermRecord(2, TermRecord.ALONE, "a", false), Map.of("backup-armed", "false"));
        assertThat(restarted().isGuestRestored()).isTrue();
        assertThat(restarted().isUplinkTaken()).isFalse();
    }

    /** INV-7. */
    @Test
    void shouldTakeNothingUnderATermThatIsOver() throws Exception {
        restarted().store(FIRST.promotionOf("b"));
        TermStore terms = restarted();
        assertThatThrownBy(() -> terms.storeTaken(FIRST)).isInstanceOf(StaleTermException.class);
        assertThat(restarted().isUplinkTaken()).isFalse();
    }
}
