package io.holdfast.demo;

import static org.assertj.core.api.Assertions.assertThat;

import io.holdfast.demo.Violation.Kind;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Shows replies of the random service that follow from each other, and replies of two histories. */
class RandomHistoryTest {

    private static final String FIRST = "73fac953-9b33-4641-a185-78ed558bcbc7-101";
    private static final String SECOND = "ca761c74-f965-4337-82ed-ac895b57f37e-202";
    private static final String OTHER = "f26df0f5-b27a-485c-a30e-feff2e65cd00-103";

    private final List<Violation> violations = new ArrayList<>();
    private final RandomHistory history = new RandomHistory("client", violations::add);

    @Test
    void shouldFindNothingWrongWithRepliesThatRepeatWhatWasSaid() {
        history.answered(1, "1 none " + FIRST);
        history.answered(2, "2 " + FIRST + " " + SECOND);
        assertThat(violations).isEmpty();
    }

    @Test
    void shouldReportAReplyThatRepeatsATokenOfAnotherHistory() {
        history.answered(1, "1 none " + FIRST);
        history.answered(2, "2 " + OTHER + " " + SECOND);
        assertKind(Kind.CONTRADICTED_REPLY);
    }

    @Test
    void shouldReportAServiceThatHasForgottenTheConnection() {
        history.answered(1, "1 none " + FIRST);
        history.answered(2, "2 none " + SECOND);
        assertKind(Kind.CONTRADICTED_REPLY);
    }

    @Test
    void shouldReportTheReplyToAnotherQuestion() {
        history.answered(1, "2 none " + FIRST);
        assertKind(Kind.CONTRADICTED_REPLY);
    }

    /** The first bytes of one token, and the last of another. */
    @Test
    void shouldReportATokenThatWasSplicedWithinAReply() {
        String spliced = FIRST.substring(0, 20) + OTHER.substring(20);
        history.answered(1, "1 none " + spliced);
        history.answered(2, "2 " + OTHER + " " + SECOND);
        assertKind(Kind.CONTRADICTED_REPLY);
    }

    @Test
    void shouldReportBytesThatNobodySent() {
        history.answered(1, "1 none " + FIRST + FIRST);
        assertKind(Kind.GARBLED);
    }

    private void assertKind(Kind kind) {
        assertThat(violations).extracting(Violation::kind).containsExactly(kind);
    }
}
