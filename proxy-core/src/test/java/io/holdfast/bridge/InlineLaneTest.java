package io.holdfast.bridge;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.holdfast.port.FrameBurst;
import io.holdfast.reverse.Admission;
import io.holdfast.reverse.Reconciler;
import io.holdfast.wall.BufferWall;
import io.holdfast.wall.Epoch;
import io.holdfast.wall.Term;
import io.holdfast.wall.WallRefusal;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** A proxy in front of both hosts, whose uplink sends slowly. */
class InlineLaneTest {

    private static final Duration LIMIT = Duration.ofSeconds(5);
    private static final Duration A_WHILE = Duration.ofMillis(50);
    private static final byte[] FRAME = new byte[60];

    private final MemoryPort guest = new MemoryPort("tap0", true);
    private final MemoryPort elsewhere = new MemoryPort("tap1", true);
    private final SlowPort uplink = new SlowPort();
    private final Bridge bridge = new Bridge(
            new BufferWall("9f", Term.none(), false),
            List.of(new Bridge.Nic(List.of(guest, elsewhere), uplink)),
            new Bridge.Settings(
                    1 << 20,
                    1 << 20,
                    2_000_000,
                    true,
                    Optional.of(
                            new Reconciler.Settings(1 << 20, 1 << 20, 10_000, port -> false, Admission.FREE, 0, 1))),
            () -> (memory, offsetBytes, lengthBytes) -> false,
            (nic, memory, offsetBytes, lengthBytes) -> {},
            () -> {},
            (lane, cause) -> {});

    InlineLaneTest() throws WallRefusal {
        bridge.start();
        bridge.hello(1, new Term(1, Term.Claim.PROMOTION, "a"), Epoch.FIRST);
        bridge.open(1, "9f", 1, "test");
    }

    @AfterEach
    void stop() {
        uplink.goOn.countDown();
        bridge.close();
    }

    @Test
    void shouldGiveTheGuestFramesWhileItsOwnAreBeingSent() throws Exception {
        beginToSend();
        Thread client = Thread.ofVirtual().start(() -> uplink.arrive(FRAME));
        assertThat(client.join(LIMIT)).isTrue();
        assertThat(guest.sent()).hasSize(1);
    }

    /** What a command makes free of the log, or turns to another place, nobody may be sending. */
    @Test
    void shouldCarryOutNoCommandWhileFramesAreBeingSent() throws Exception {
        beginToSend();
        Thread command = Thread.ofVirtual().start(bridge::flows);
        assertThat(command.join(A_WHILE)).isFalse();
        uplink.goOn.countDown();
        assertThat(command.join(LIMIT)).isTrue();
    }

    @Test
    void shouldKeepTheOrderOfFramesThatComeWhileOthersAreBeingSent() throws Exception {
        beginToSend();
        byte[] next = FRAME.clone();
        next[59] = 1;
        Thread second = Thread.ofVirtual().start(() -> guest.arrive(next));
        assertThat(second.join(A_WHILE)).isFalse();
        uplink.goOn.countDown();
        await().atMost(LIMIT).until(() -> uplink.sent().size() == 2);
        assertThat(uplink.sent()).containsExactly(FRAME, next);
    }

    /** What they need is then brought from memory for some of them together. */
    @Test
    void shouldGiveTheGuestTheFramesOfABatchInTheirOrderHoweverManyConnectionsThereAre() {
        List<byte[]> opening = IntStream.range(0, 5_000)
                .mapToObj(client -> tcp(client, 0x02, 1))
                .toList();
        uplink.arriveTogether(opening);
        assertThat(bridge.flows()).hasSize(5_000);
        List<byte[]> batch = new ArrayList<>();
        for (int client = 0; client < 100; client++) {
            batch.add(tcp(client * 37, 0x10, 2));
            batch.add(tcp(client * 37, 0x10, 3));
            batch.add(new byte[60 + client]);
        }
        uplink.arriveTogether(batch);
        opening = new ArrayList<>(opening);
        opening.addAll(batch);
        assertThat(guest.sent()).containsExactlyElementsOf(opening);
    }

    /** Ethernet, IPv4, and TCP without options or payload. */
    private static byte[] tcp(int client, int flags, int sequence) {
        ByteBuffer frame = ByteBuffer.allocate(60);
        frame.putShort(12, (short) 0x0800)
                .put(14, (byte) 0x45)
                .putShort(16, (short) 40)
                .put(23, (byte) 6);
        frame.putInt(26, 0x0a08_0000 + client).putInt(30, 0x0a07_000a);
        frame.putShort(34, (short) 40_000).putShort(36, (short) 80).putInt(38, sequence);
        return frame.put(46, (byte) 0x50).put(47, (byte) flags).array();
    }

    private void beginToSend() throws InterruptedException {
        Thread.ofPlatform().daemon().start(() -> guest.arrive(FRAME));
        assertThat(uplink.sending.await(LIMIT.toSeconds(), TimeUnit.SECONDS)).isTrue();
    }

    /** Sends nothing before it may go on. */
    private static final class SlowPort extends MemoryPort {

        final CountDownLatch sending = new CountDownLatch(1);
        final CountDownLatch goOn = new CountDownLatch(1);

        SlowPort() {
            super("up0", true);
        }

        @Override
        public FrameBurst newBurst() {
            return new SlowBurst(this);
        }
    }

    private static final class SlowBurst implements FrameBurst {

        private final SlowPort port;
        private MemorySegment added = MemorySegment.NULL;

        SlowBurst(SlowPort port) {
            this.port = port;
        }

        @Override
        public void add(MemorySegment memory, long offsetBytes, int lengthBytes) {
            flush();
            added = memory.asSlice(offsetBytes, lengthBytes);
        }

        @Override
        public boolean isFull() {
            return false;
        }

        @Override
        public void drop() {
            added = MemorySegment.NULL;
        }

        @Override
        public void flush() {
            if (added.byteSize() == 0) {
                return;
            }
            port.sending.countDown();
            try {
                port.goOn.await();
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
            port.send(added, 0, (int) added.byteSize());
            added = MemorySegment.NULL;
        }
    }
}
