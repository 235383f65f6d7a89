package io.holdfast.bridge;

import static io.holdfast.bridge.InjectionOutcome.GIVEN;
import static io.holdfast.bridge.InjectionOutcome.NO_ROOM;
import static io.holdfast.bridge.InjectionOutcome.SHUT_OUT;
import static io.holdfast.bridge.InjectionOutcome.UNFIT;
import static org.assertj.core.api.Assertions.assertThat;

import io.holdfast.port.FramePort;
import io.holdfast.port.PacketSocketPort;
import io.holdfast.testkit.InNetworkNamespace;
import io.holdfast.testkit.Tap;
import io.holdfast.wall.BufferWall;
import io.holdfast.wall.Term;
import io.holdfast.wall.WallRefusal;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@InNetworkNamespace
@Timeout(60)
class PacedInjectionTest {

    private static final Term TERM = new Term(1, Term.Claim.PROMOTION, "a");
    private static final int PREFIX_BYTES = 10;
    private static final int ETHER_TYPE = 12;
    private static final byte NEEDS_CSUM = 1;
    private static final byte GSO_TCPV4 = 1;

    private final MemorySegment memory = Arena.ofAuto().allocate(1 << 16, 8);
    private final BufferWall wall = new BufferWall("9f", Term.none(), false);

    @Test
    void shouldGiveNothingToAGuestThatMayReceiveNothing() throws WallRefusal {
        MemoryPort guest = new MemoryPort("guest0", true);
        try (Bridge bridge = bridge(guest)) {
            PacedInjection injection = bridge.newInjection();
            assertThat(inject(injection, 0, 0, 60)).as("CLOSED").isEqualTo(SHUT_OUT);
            bridge.hello(1, TERM, 7);
            assertThat(inject(injection, 0, 0, 60)).as("ARMING").isEqualTo(GIVEN);
            bridge.suspend(1, "9f", 1, "test");
            assertThat(inject(injection, 0, 0, 61)).as("SUSPENDED").isEqualTo(GIVEN);
            bridge.seal(TERM, "test");
            assertThat(inject(injection, 0, 0, 60)).as("SEALED").isEqualTo(SHUT_OUT);
            assertThat(guest.sent()).extracting(frame -> frame.length).containsExactly(60, 61);
            assertThat(bridge.counters().get(0).injectedFrames()).isEqualTo(2);
        }
    }

    @Test
    void shouldGiveNothingToAPortThatIsClosed() throws WallRefusal {
        MemoryPort guest = new MemoryPort("guest0", true);
        Bridge bridge = bridge(guest);
        bridge.hello(1, TERM, 7);
        PacedInjection injection = bridge.newInjection();
        bridge.close();
        assertThat(inject(injection, 0, 0, 60)).isEqualTo(SHUT_OUT);
        assertThat(guest.sent()).isEmpty();
    }

    @Test
    void shouldRefuseWhatNoPortHereCanCarry() throws WallRefusal {
        MemoryPort guest = new MemoryPort("guest0", true);
        try (Bridge bridge = bridge(guest)) {
            bridge.hello(1, TERM, 7);
            PacedInjection injection = bridge.newInjection();
            assertThat(inject(injection, 1, 0, 60)).as("no such NIC").isEqualTo(UNFIT);
            assertThat(inject(injection, -1, 0, 60)).as("no such NIC").isEqualTo(UNFIT);
            assertThat(inject(injection, 0, 0, guest.maxFrameBytes() + 1))
                    .as("too long")
                    .isEqualTo(UNFIT);
            memory.set(ValueLayout.JAVA_BYTE, 0, NEEDS_CSUM);
            assertThat(inject(injection, 0, PREFIX_BYTES, 70))
                    .as("an unfinished checksum")
                    .isEqualTo(UNFIT);
            memory.set(ValueLayout.JAVA_BYTE, 0, (byte) 0);
            memory.set(ValueLayout.JAVA_BYTE, 1, GSO_TCPV4);
            assertThat(inject(injection, 0, PREFIX_BYTES, 70)).as("merged").isEqualTo(UNFIT);
            assertThat(guest.sent()).isEmpty();
        }
    }

    @Test
    void shouldTakeOffThePrefixOfTheOtherHostsPortFromAFrameThatIsComplete() throws WallRefusal {
        MemoryPort guest = new MemoryPort("guest0", true);
        try (Bridge bridge = bridge(guest)) {
            bridge.hello(1, TERM, 7);
            memory.set(ValueLayout.JAVA_BYTE, PREFIX_BYTES, (byte) 99);
            assertThat(inject(bridge.newInjection(), 0, PREFIX_BYTES, 70)).isEqualTo(GIVEN);
            assertThat(guest.sent().get(0)).hasSize(60).startsWith(99);
        }
    }

    @Test
    void shouldTryAgainWhenTheKernelHasNoRoomAndGiveUpIfThatLasts() throws WallRefusal {
        MemoryPort guest = new MemoryPort("guest0", true);
        try (Bridge bridge = bridge(guest)) {
            bridge.hello(1, TERM, 7);
            PacedInjection injection = bridge.newInjection();
            guest.refusals = 3;
            assertThat(inject(injection, 0, 0, 60)).isEqualTo(GIVEN);

            guest.refusals = Integer.MAX_VALUE;
            long beganNanos = System.nanoTime();
            assertThat(inject(injection, 0, 0, 61)).isEqualTo(NO_ROOM);
            long firstNanos = System.nanoTime() - beganNanos;
            assertThat(firstNanos).isGreaterThan(PacedInjection.PATIENCE_MILLIS * 900_000);
            beganNanos = System.nanoTime();
            for (int i = 0; i < 100; i++) {
                assertThat(inject(injection, 0, 0, 61)).isEqualTo(NO_ROOM);
            }
            assertThat(System.nanoTime() - beganNanos)
                    .as("nobody waits for each of the rest")
                    .isLessThan(firstNanos);
        }
    }

    /** The queue of a tap has room for 1,000 frames, and the kernel says nothing of those that it drops. */
    @Test
    void shouldLoseNothingThoughTheGuestWakesLate() throws Exception {
        int frames = 3_000;
        try (Tap tap = new Tap("tap0");
                Bridge bridge = bridge(PacketSocketPort.open("tap0"))) {
            bridge.hello(1, TERM, 7);
            AtomicBoolean allGiven = new AtomicBoolean();
            List<byte[]> fetched = new ArrayList<>();
            Thread injector = Thread.currentThread();
            Thread guest = new Thread(() -> {
                while (injector.getState() != Thread.State.TIMED_WAITING && !allGiven.get()) {
                    Thread.onSpinWait(); // Not yet restored.
                }
                while (fetched.size() < frames) {
                    byte[] frame = tap.fetch();
                    if (frame[ETHER_TYPE] == 0) { // Not one of the kernel's own.
                        fetched.add(frame);
                    }
                }
            });
            guest.setDaemon(true);
            guest.start();
            PacedInjection injection = bridge.newInjection();
            for (int i = 0; i < frames; i++) {
                memory.fill((byte) 0);
                memory.set(ValueLayout.JAVA_INT_UNALIGNED, PREFIX_BYTES + 14, i);
                assertThat(inject(injection, 0, PREFIX_BYTES, PREFIX_BYTES + 60))
                        .isEqualTo(GIVEN);
            }
            allGiven.set(true);
            guest.join(10_000);
            assertThat(guest.isAlive()).isFalse();
            assertThat(fetched)
                    .extracting(frame -> MemorySegment.ofArray(frame).get(ValueLayout.JAVA_INT_UNALIGNED, 14))
                    .isEqualTo(IntStream.range(0, frames).boxed().toList());
        }
    }

    @Test
    void shouldCountWhatAGuestThatNeverWakesDoesNotGet() throws Exception {
        try (Tap tap = new Tap("tap0");
                Bridge bridge = bridge(PacketSocketPort.open("tap0"))) {
            bridge.hello(1, TERM, 7);
            PacedInjection injection = bridge.newInjection();
            InjectionOutcome[] outcomes = new InjectionOutcome[GuestRoom.AHEAD_FRAMES + 10];
            for (int i = 0; i < outcomes.length; i++) {
                outcomes[i] = inject(injection, 0, PREFIX_BYTES, PREFIX_BYTES + 60);
            }
            assertThat(Arrays.asList(outcomes).subList(0, GuestRoom.AHEAD_FRAMES))
                    .containsOnly(GIVEN);
            assertThat(Arrays.asList(outcomes).subList(GuestRoom.AHEAD_FRAMES, outcomes.length))
                    .containsOnly(NO_ROOM);
        }
    }

    private InjectionOutcome inject(PacedInjection injection, int nic, int prefixBytes, int lengthBytes) {
        return injection.inject(nic, prefixBytes, memory, 0, lengthBytes);
    }

    private Bridge bridge(FramePort guest) {
        return new Bridge(
                wall,
                List.of(new Bridge.Nic(guest, new MemoryPort("up0", true, guest.prefixBytes()))),
                new Bridge.Settings(4096, 4096, 1_000_000, true),
                () -> Exemption.NONE,
                (nic, frame, offsetBytes, lengthBytes) -> {},
                () -> {},
                (lane, cause) -> {});
    }
}
