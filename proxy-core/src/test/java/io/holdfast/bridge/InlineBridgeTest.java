package io.holdfast.bridge;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.holdfast.reverse.Admission;
import io.holdfast.reverse.Reconciler;
import io.holdfast.reverse.ReplayOrder;
import io.holdfast.wall.BufferWall;
import io.holdfast.wall.Epoch;
import io.holdfast.wall.Term;
import io.holdfast.wall.WallRefusal;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** In front of both hosts, while a checkpoint is restored more than once. */
class InlineBridgeTest {

    private static final Duration LIMIT = Duration.ofSeconds(5);
    private static final Duration A_WHILE = Duration.ofMillis(50);
    private static final int ENGINE = 2;
    private static final int BACKUP = 1;

    private final MemoryPort primary = new MemoryPort("tap0", true);
    private final MemoryPort backup = new MemoryPort("tap1", true);
    private final MemoryPort uplink = new MemoryPort("up0", true);
    private final Bridge bridge = new Bridge(
            new BufferWall("9f", Term.none(), false),
            List.of(new Bridge.Nic(List.of(primary, backup), uplink)),
            new Bridge.Settings(
                    65_536,
                    32_768,
                    2_000_000,
                    true,
                    Optional.of(new Reconciler.Settings(1 << 16, 1 << 16, 10, port -> false, Admission.FREE, 0, 1))),
            () -> Exemption.NONE,
            (nic, memory, offsetBytes, lengthBytes) -> {},
            () -> {},
            (lane, cause) -> {});

    InlineBridgeTest() throws WallRefusal {
        bridge.start();
        bridge.hello(1, new Term(1, Term.Claim.PROMOTION, "a"), Epoch.FIRST);
        long epoch = bridge.barrier(1, "9f", 1).epoch();
        bridge.commit(1, "9f", 1, epoch, System.nanoTime() + 1_000_000_000L);
        bridge.hello(ENGINE, new Term(2, Term.Claim.PROMOTION, "b"), Epoch.FIRST);
    }

    @AfterEach
    void stop() {
        bridge.close();
    }

    @Test
    void shouldLetOnlyTheLastAttemptsFramesLeave() throws WallRefusal {
        lost();
        restored();
        backup.arrive(frame(1));
        lost();
        restored();
        backup.arrive(frame(2));
        open();
        assertSentOnly(frame(2));
    }

    @Test
    void shouldDiscardTheAttemptBeforeAlsoIfNobodySaysThatItIsLost() throws WallRefusal {
        lost();
        restored();
        backup.arrive(frame(1));
        restored();
        backup.arrive(frame(2));
        open();
        assertSentOnly(frame(2));
    }

    @Test
    void shouldHearNothingFromAGuestThatIsGivenUp() throws WallRefusal {
        lost();
        restored();
        lost();
        backup.arrive(frame(1));
        restored();
        backup.arrive(frame(2));
        open();
        assertSentOnly(frame(2));
    }

    @Test
    void shouldNotBeginAnAttemptWhileFramesOfTheOneBeforeAreInTheKernel() throws WallRefusal {
        lost();
        restored();
        lost();
        backup.drained = false;
        assertThatThrownBy(this::restored)
                .isInstanceOf(WallRefusal.class)
                .hasMessageContaining("frames of the guest before are still in the kernel");
        assertThat(report().attempt()).isEqualTo(1);
    }

    /** The dead primary's port may still be busy: what comes from there is a stray. */
    @Test
    void shouldNotWaitForThePortOfTheLostPrimary() throws WallRefusal {
        primary.drained = false;
        lost();
        restored();
        assertThat(report().phase()).isEqualTo(Reconciler.Phase.CATCHING_UP);
    }

    @Test
    void shouldCountTheAttemptsAndTakeAnotherOrderForEach() throws WallRefusal {
        lost();
        restored();
        assertThat(report().order()).isEqualTo(ReplayOrder.GATED);
        lost();
        restored();
        assertThat(report().order()).isEqualTo(ReplayOrder.SERIAL);
        assertThat(report().attempt()).isEqualTo(2);
    }

    @Test
    void shouldTakeTheOrderThatTheEngineNames() throws WallRefusal {
        lost();
        bridge.guestRestored(ENGINE, "9f", ENGINE, BACKUP, Epoch.FIRST, Optional.of(ReplayOrder.SERIAL));
        assertThat(report().order()).isEqualTo(ReplayOrder.SERIAL);
    }

    /** INV-12. It is held since a time when this proxy had the uplink before. */
    @Test
    void shouldNotReleaseWhatWasHeldBeforeItTookALostProxysPlace() throws WallRefusal {
        primary.arrive(frame(1));
        await().atMost(LIMIT).until(() -> bridge.counters().getFirst().heldFrames() == 1);
        bridge.helloInPlaceOfLost(3, new Term(3, Term.Claim.ALONE, "a"), Epoch.FIRST, 3);
        primary.arrive(frame(2));
        bridge.open(3, "9f", 3, "alone");
        assertSentOnly(frame(2));
    }

    private void lost() throws WallRefusal {
        bridge.guestLost(ENGINE, "9f", ENGINE);
    }

    private void restored() throws WallRefusal {
        bridge.guestRestored(ENGINE, "9f", ENGINE, BACKUP, Epoch.FIRST, Optional.empty());
    }

    private void open() throws WallRefusal {
        bridge.open(ENGINE, "9f", ENGINE, "restored");
    }

    private CatchUpReport report() {
        return bridge.catchUp().orElseThrow();
    }

    private void assertSentOnly(byte[] frame) {
        await().during(A_WHILE).atMost(LIMIT).until(() -> uplink.sent().size() == 1);
        assertThat(uplink.sent().getFirst()).isEqualTo(frame);
    }

    /** Of no connection: held, and not written down. */
    private static byte[] frame(int fill) {
        byte[] frame = new byte[60];
        java.util.Arrays.fill(frame, (byte) fill);
        return frame;
    }
}
