package io.holdfast.agent.role;

import static io.holdfast.agent.role.FailureDetector.Verdict.FINE;
import static io.holdfast.agent.role.FailureDetector.Verdict.GONE;
import static io.holdfast.agent.role.FailureDetector.Verdict.SILENT;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.holdfast.agent.role.FailureDetector.Verdict;
import org.junit.jupiter.api.Test;

/** Heartbeats of 100 ms of which 5 may be missed, 300 ms of grace; the clock is stepped by hand. */
class FailureDetectorTest {

    private static final long MS = 1_000_000;

    /** Like nanoTime, the clock may be anywhere, also just before it wraps around. */
    private long nowNanos = Long.MAX_VALUE - 700 * MS;

    private final FailureDetector detector = new FailureDetector(100 * MS, 5, 300 * MS, nowNanos);

    @Test
    void shouldSuspectNobodyBeforeTheFirstConnection() {
        assertThat(tickFor(10_000)).isEqualTo(FINE);
    }

    @Test
    void shouldSuspectSilenceAfterTheMissedHeartbeatsAndNotBefore() {
        detector.onConnected(nowNanos);

        assertThat(tickFor(499)).isEqualTo(FINE);
        assertThat(tickFor(1)).isEqualTo(SILENT);
    }

    @Test
    void shouldCountAnyByteAsLife() {
        detector.onConnected(nowNanos);
        for (int i = 0; i < 20; i++) {
            assertThat(tickFor(499)).isEqualTo(FINE);
            detector.onBytes(nowNanos);
        }
    }

    @Test
    void shouldTakeTheSuspicionBackWhenTheSilentPeerSpeaks() {
        detector.onConnected(nowNanos);
        assertThat(tickFor(600)).isEqualTo(SILENT);

        detector.onBytes(nowNanos);

        assertThat(tickFor(499)).isEqualTo(FINE);
    }

    @Test
    void shouldRestartTheMeasurementWhenItsOwnTickComesLate() {
        detector.onConnected(nowNanos);
        assertThat(tickFor(450)).isEqualTo(FINE);

        nowNanos += 5_000 * MS; // This process was stopped, with the peer's bytes unread in the socket.
        assertThat(detector.onTick(nowNanos)).isEqualTo(FINE);

        assertThat(tickFor(499)).isEqualTo(FINE);
        assertThat(tickFor(1)).isEqualTo(SILENT);
    }

    @Test
    void shouldNotTakeASlightlyLateTickForBlindness() {
        detector.onConnected(nowNanos);
        for (int i = 0; i < 2; i++) {
            nowNanos += 200 * MS;
            assertThat(detector.onTick(nowNanos)).isEqualTo(FINE);
        }
        nowNanos += 200 * MS;
        assertThat(detector.onTick(nowNanos)).isEqualTo(SILENT);
    }

    @Test
    void shouldGiveGraceAfterAnEndOfFile() {
        detector.onConnected(nowNanos);
        tickFor(450);
        detector.onDisconnected(true, nowNanos);

        assertThat(tickFor(299)).isEqualTo(FINE);
        assertThat(tickFor(1)).isEqualTo(GONE);
    }

    @Test
    void shouldGiveNoGraceWhenTheGuestIsKnownToBeDead() {
        detector.onConnected(nowNanos);
        detector.onWordOfGuestDeath();
        assertThat(tickFor(10)).isEqualTo(FINE);
        detector.onDisconnected(true, nowNanos);

        assertThat(detector.onTick(nowNanos)).isEqualTo(GONE);
    }

    @Test
    void shouldForgetTheEndOfFileWhenThePeerComesBackInTime() {
        detector.onConnected(nowNanos);
        detector.onDisconnected(true, nowNanos);
        tickFor(250);
        detector.onConnected(nowNanos);

        assertThat(tickFor(499)).isEqualTo(FINE);
        assertThat(tickFor(1)).isEqualTo(SILENT);
    }

    @Test
    void shouldForgetTheWordOfDeathWhenThePeerComesBack() {
        detector.onConnected(nowNanos);
        detector.onWordOfGuestDeath();
        detector.onDisconnected(true, nowNanos);
        detector.onConnected(nowNanos);
        detector.onDisconnected(true, nowNanos);

        assertThat(tickFor(299)).isEqualTo(FINE);
    }

    @Test
    void shouldRestartTheGraceWhenItsOwnTickComesLate() {
        detector.onConnected(nowNanos);
        detector.onDisconnected(true, nowNanos);
        tickFor(250);

        nowNanos += 1_000 * MS;
        assertThat(detector.onTick(nowNanos)).isEqualTo(FINE);
        assertThat(tickFor(299)).isEqualTo(FINE);
        assertThat(tickFor(1)).isEqualTo(GONE);
    }

    @Test
    void shouldGoOnMeasuringSilenceWhenTheConnectionEndedOtherwise() {
        detector.onConnected(nowNanos);
        tickFor(200);
        detector.onDisconnected(false, nowNanos);

        assertThat(tickFor(299)).isEqualTo(FINE);
        assertThat(tickFor(1)).isEqualTo(SILENT);
    }

    @Test
    void shouldNotLetBytesOfAnOldConnectionEndTheGrace() {
        detector.onConnected(nowNanos);
        detector.onDisconnected(true, nowNanos);
        tickFor(200);
        detector.onBytes(nowNanos);

        assertThat(tickFor(100)).isEqualTo(GONE);
    }

    @Test
    void shouldRefuseSettingsThatSuspectEverybody() {
        assertThatThrownBy(() -> new FailureDetector(100, 1, 0, 0)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> new FailureDetector(0, 5, 0, 0)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> new FailureDetector(100, 5, -1, 0)).isInstanceOf(IllegalArgumentException.class);
    }

    /** Ticks every millisecond; what the last tick said. */
    private Verdict tickFor(int milliseconds) {
        Verdict verdict = FINE;
        for (int i = 0; i < milliseconds; i++) {
            nowNanos += MS;
            verdict = detector.onTick(nowNanos);
        }
        return verdict;
    }
}
