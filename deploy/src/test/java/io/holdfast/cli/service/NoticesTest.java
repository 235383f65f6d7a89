package io.holdfast.cli.service;

import static org.assertj.core.api.Assertions.assertThat;

import io.holdfast.measure.Pulse;
import java.util.List;
import org.junit.jupiter.api.Test;

class NoticesTest {

    private final Notices notices = new Notices(true);

    @Test
    void shouldNotSayReadyBeforeEveryThreadHasGoneRound() {
        assertThat(notices.next(pulses(1, 1), "starts")).doesNotContain("READY");
        assertThat(notices.next(pulses(2, 1), "starts")).doesNotContain("READY");
        assertThat(notices.next(pulses(3, 2), "starts")).contains("READY=1");
    }

    @Test
    void shouldSayReadyOnce() {
        ready();
        assertThat(notices.next(pulses(3, 3), "runs")).doesNotContain("READY");
    }

    @Test
    void shouldGiveASignOfLifeAtEachLookWhileEveryThreadGoesRound() {
        ready();
        assertThat(notices.next(pulses(3, 3), "runs")).isEqualTo("WATCHDOG=1");
        assertThat(notices.next(pulses(4, 4), "runs")).isEqualTo("WATCHDOG=1");
    }

    @Test
    void shouldGiveNoSignOfLifeWhileOneThreadHangs() {
        ready();
        assertThat(notices.next(pulses(3, 2), "runs")).doesNotContain("WATCHDOG");
        assertThat(notices.next(pulses(4, 2), "runs")).doesNotContain("WATCHDOG");
        assertThat(notices.hanging()).containsExactly("release");
    }

    @Test
    void shouldGiveSignsOfLifeAgainWhenTheThreadHasComeRound() {
        ready();
        notices.next(pulses(3, 2), "runs");
        assertThat(notices.next(pulses(4, 3), "runs")).isEqualTo("WATCHDOG=1\nSTATUS=runs");
    }

    @Test
    void shouldNotTakeAThreadThatWaitsForOneThatHangs() {
        notices.next(List.of(new Pulse("capture", 1, true)), "runs");
        assertThat(notices.next(List.of(new Pulse("capture", 1, true)), "runs")).contains("READY=1", "WATCHDOG=1");
    }

    @Test
    void shouldGiveNoSignOfLifeToAManagerThatWaitsForNone() {
        Notices unwatched = new Notices(false);
        unwatched.next(pulses(1, 1), "runs");
        assertThat(unwatched.next(pulses(2, 2), "runs")).isEqualTo("READY=1");
        assertThat(unwatched.next(pulses(3, 3), "runs")).isEmpty();
    }

    @Test
    void shouldTellTheStatusWhenItHasChangedAndInOneLine() {
        assertThat(notices.next(pulses(1, 1), "wall\nCLOSED")).isEqualTo("STATUS=wall CLOSED");
        assertThat(notices.next(pulses(2, 2), "wall\nCLOSED")).doesNotContain("STATUS");
        assertThat(notices.next(pulses(3, 3), "wall ARMING")).endsWith("STATUS=wall ARMING");
    }

    @Test
    void shouldTellInTheStatusWhatHangs() {
        ready();
        assertThat(notices.next(pulses(2, 2), "runs")).isEqualTo("STATUS=hangs: capture, release");
    }

    private void ready() {
        notices.next(pulses(1, 1), "runs");
        assertThat(notices.next(pulses(2, 2), "runs")).contains("READY=1");
    }

    private static List<Pulse> pulses(long captureRounds, long releaseRounds) {
        return List.of(new Pulse("capture", captureRounds), new Pulse("release", releaseRounds));
    }
}
