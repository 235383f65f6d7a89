package io.holdfast.demo;

import static org.assertj.core.api.Assertions.assertThat;

import io.holdfast.demo.Violation.Kind;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Shows contradicting data of every kind to the verifier, and data that only looks like it. */
class VerifierTest {

    private final Verifier verifier = new Verifier("t:", violation -> {});
    private final CounterHistory counter = verifier.newCounter("t:counter");
    private final TokenHistory tokens = verifier.tokens();
    private final SharedCounterHistory shared = verifier.sharedCounter();
    private final StreamHistory stream = verifier.stream();

    @Test
    void shouldFindNothingWhenEveryWordWasKept() {
        increments(1, 2, 3);
        pushes("a", 1, "b", 2);
        sharedIncrement("x", 1);
        sharedIncrement("y", 2);
        messages(1, 2, 3);

        compareWith(3, List.of("a", "b"), 2);

        assertNoViolation();
    }

    @Test
    void shouldAcceptThatAnOpenRequestMayOrMayNotHaveHappened() {
        increments(1);
        counter.asked();
        tokens.asked("open");
        shared.asked();

        compareWith(1, List.of(), 0);
        compareWith(2, List.of("open"), 1);

        assertNoViolation();
    }

    @Test
    void shouldReportACounterThatAnsweredTheSameTwice() {
        increments(1, 2, 2);
        assertKinds(Kind.LOST_WRITE);
    }

    @Test
    void shouldReportACounterThatSkipped() {
        increments(1, 3);
        assertKinds(Kind.CONTRADICTED_REPLY);
    }

    @Test
    void shouldReportAGuestWhoseCounterFellBehindItsAnswers() {
        increments(1, 2, 3);
        compareWith(2, List.of(), 0);
        assertKinds(Kind.LOST_WRITE);
    }

    @Test
    void shouldReportAGuestThatCountedAnIncrementTwice() {
        increments(1, 2);
        counter.asked();
        compareWith(4, List.of(), 0);
        assertKinds(Kind.DUPLICATE);
    }

    @Test
    void shouldReportAnAcknowledgedTokenThatIsGone() {
        pushes("a", 1, "b", 2);
        compareWith(0, List.of("a"), 0);
        assertKinds(Kind.LOST_WRITE);
    }

    @Test
    void shouldReportATokenThatStandsElsewhereThanItWasAcknowledged() {
        tokens.asked("open");
        pushes("a", 1);
        compareWith(0, List.of("open", "a"), 0);
        assertKinds(Kind.CONTRADICTED_REPLY);
    }

    @Test
    void shouldReportTwoTokensThatWereAcknowledgedAtOnePlace() {
        pushes("a", 1, "b", 1);
        compareWith(0, List.of("a"), 0);
        assertKinds(Kind.LOST_WRITE);
    }

    @Test
    void shouldReportATokenThatTheGuestHasTwice() {
        pushes("a", 1);
        compareWith(0, List.of("a", "a"), 0);
        assertKinds(Kind.DUPLICATE);
    }

    @Test
    void shouldReportATokenThatNobodySent() {
        compareWith(0, List.of("?"), 0);
        assertKinds(Kind.GARBLED);
    }

    @Test
    void shouldReportASharedValueThatTwoClientsGot() {
        sharedIncrement("x", 1);
        sharedIncrement("y", 1);
        compareWith(0, List.of(), 2);
        assertKinds(Kind.DUPLICATE);
    }

    @Test
    void shouldReportASharedCounterThatWentBackForOneClient() {
        sharedIncrement("x", 5);
        sharedIncrement("x", 4);
        assertKinds(Kind.LOST_WRITE);
    }

    @Test
    void shouldReportAGuestWhoseSharedCounterFellBehindItsAnswers() {
        sharedIncrement("x", 1);
        sharedIncrement("y", 2);
        compareWith(0, List.of(), 1);
        assertKinds(Kind.LOST_WRITE);
    }

    @Test
    void shouldReportASharedCounterThatCountedMoreThanWasAsked() {
        sharedIncrement("x", 1);
        shared.asked();
        compareWith(0, List.of(), 3);
        assertKinds(Kind.DUPLICATE);
    }

    @Test
    void shouldReportAMissingMessage() {
        messages(1, 3);
        assertKinds(Kind.GAP);
    }

    @Test
    void shouldReportAMessageThatCameTwice() {
        messages(1, 2, 2);
        assertKinds(Kind.DUPLICATE);
    }

    @Test
    void shouldReportAMessageOfTwoHistories() {
        String spliced = new StreamMessage(1).encoded().substring(0, 20) + "dd";
        stream.received(spliced);
        assertKinds(Kind.GARBLED);
    }

    @Test
    void shouldReportAStreamThatEndedTooEarly() {
        messages(1, 2);
        stream.published(new StreamMessage(3));
        compareWith(0, List.of(), 0);
        assertKinds(Kind.GAP);
    }

    @Test
    void shouldNotBlameTheGuestForAStreamThatEndedWithItsConnection() {
        messages(1);
        stream.published(new StreamMessage(2));
        verifier.compareWith(new GuestState(Map.of(), Map.of(), 0), false);
        assertNoViolation();
    }

    @Test
    void shouldReportATokenThatIsGoneFromAListOfOneClient() {
        TokenHistory own = verifier.newTokens("t:own");
        own.asked("a");
        own.answered("x", "a", 1);
        compareWith(0, List.of(), 0);
        assertKinds(Kind.LOST_WRITE);
    }

    // ---- what the guest need not stand by

    @Test
    void shouldNotMissACountThatWasDisavowed() {
        CounterHistory own = verifier.newCounter("t:x");
        own.asked();
        own.answered(1);
        verifier.disavow("x");
        compareWith(0, List.of(), 0);
        assertNoViolation();
    }

    @Test
    void shouldNotMissATokenThatWasDisavowed() {
        pushes("a", 1);
        verifier.disavow("client of a");
        compareWith(0, List.of(), 0);
        assertNoViolation();
    }

    @Test
    void shouldAcceptThatSomebodyElseGotThePlaceOfADisavowedToken() {
        pushes("a", 1, "b", 1);
        verifier.disavow("client of a");
        compareWith(0, List.of("b", "a"), 0);
        assertNoViolation();
    }

    @Test
    void shouldStillMissTheTokensOfOthers() {
        pushes("a", 1, "b", 2);
        verifier.disavow("client of a");
        compareWith(0, List.of("a"), 0);
        assertKinds(Kind.LOST_WRITE);
    }

    @Test
    void shouldAcceptThatSomebodyElseGotADisavowedValue() {
        sharedIncrement("x", 1);
        sharedIncrement("y", 1);
        verifier.disavow("x");
        compareWith(0, List.of(), 1);
        assertNoViolation();
    }

    @Test
    void shouldNotWaitForMessagesOfAPublisherThatWasDisavowed() {
        messages(1);
        stream.published(new StreamMessage(2));
        verifier.disavow(Crowd.PUBLISHER);
        compareWith(0, List.of(), 0);
        assertNoViolation();
    }

    private void increments(long... answers) {
        for (long answer : answers) {
            counter.asked();
            counter.answered(answer);
        }
    }

    private void pushes(String token, long length) {
        tokens.asked(token);
        tokens.answered("client of " + token, token, length);
    }

    private void pushes(String first, long firstLength, String second, long secondLength) {
        pushes(first, firstLength);
        pushes(second, secondLength);
    }

    private void sharedIncrement(String client, long answer) {
        shared.asked();
        shared.answered(client, answer);
    }

    private void messages(long... sequences) {
        for (long sequence : sequences) {
            stream.received(new StreamMessage(sequence).encoded());
        }
    }

    private void compareWith(long counterValue, List<String> list, long sharedValue) {
        verifier.compareWith(
                new GuestState(Map.of(counter.key(), counterValue), Map.of(tokens.key(), list), sharedValue), true);
    }

    private void assertNoViolation() {
        assertThat(verifier.violations()).isEmpty();
    }

    private void assertKinds(Kind... kinds) {
        assertThat(verifier.violations()).extracting(Violation::kind).containsExactly(kinds);
    }
}
