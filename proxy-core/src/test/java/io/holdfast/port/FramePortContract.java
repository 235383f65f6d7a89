package io.holdfast.port;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.holdfast.measure.Pulse;
import io.holdfast.testkit.InNetworkNamespace;
import io.holdfast.testkit.Shell;
import io.holdfast.testkit.VethPair;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** What every implementation of {@link FramePort} does, on a real veth pair. */
@InNetworkNamespace
abstract class FramePortContract {

    private static final Duration LIMIT = Duration.ofSeconds(5);
    /** The column of /proc/net/softnet_stat that tells how many frames wait. */
    private static final int BACKLOG = 11;
    /** Longer than any capture waits for frames. */
    private static final long A_LOOK_MILLIS = 200;

    abstract FramePort open(String interfaceName) throws PortException;

    @Test
    void shouldDeliverAFrameAsItWasSent() throws Exception {
        VethPair pair = VethPair.create("near0", "far0");
        try (FramePort far = open("far0");
                Capture near = Capture.on(open(pair.near()), far)) {
            byte[] frame = frame(60, 1);
            assertThat(send(far, frame)).isTrue();
            near.awaitFrames(1);
            assertThat(near.frames.get(0)).isEqualTo(frame);
        }
    }

    @Test
    void shouldDeliverTheFirstFrameAfterItWasOpened() throws Exception {
        VethPair.create("near0", "far0");
        try (FramePort far = open("far0");
                Capture near = new Capture(open("near0"))) {
            send(far, frame(60, 1));
            near.thread.start();
            send(far, frame(60, 2));
            near.awaitFrames(2);
            assertThat(near.frames.get(0)).isEqualTo(frame(60, 1));
            assertThat(near.port.isDrained()).isTrue();
        }
    }

    @Test
    void shouldDeliverFramesInOrder() throws Exception {
        VethPair.create("near0", "far0");
        try (FramePort far = open("far0");
                Capture near = Capture.on(open("near0"), far)) {
            for (int i = 0; i < 2000; i++) {
                send(far, frame(60 + i % 1400, i));
            }
            near.awaitFrames(2000);
            for (int i = 0; i < 2000; i++) {
                assertThat(near.frames.get(i)).isEqualTo(frame(60 + i % 1400, i));
            }
        }
    }

    @Test
    void shouldCarryEveryProtocolAndTheLargestFrame() throws Exception {
        VethPair.create("near0", "far0");
        try (FramePort far = open("far0");
                Capture near = Capture.on(open("near0"), far)) {
            for (int etherType : new int[] {0x0800, 0x86dd, 0x0806, 0x88cc, 0x1234}) {
                byte[] frame = frame(1514, etherType);
                frame[12] = (byte) (etherType >> 8);
                frame[13] = (byte) etherType;
                send(far, frame);
            }
            near.awaitFrames(5);
        }
    }

    @Test
    void shouldKeepAVlanTagInPlace() throws Exception {
        VethPair.create("near0", "far0");
        try (FramePort far = open("far0");
                Capture near = Capture.on(open("near0"), far)) {
            byte[] frame = frame(1518, 9);
            System.arraycopy(new byte[] {(byte) 0x81, 0, 0x60, 42, 0x08, 0}, 0, frame, 12, 6);
            assertThat(send(far, frame)).isTrue();
            near.awaitFrames(1);
            assertThat(near.frames.get(0)).isEqualTo(frame);
        }
    }

    @Test
    void shouldCarryJumboFramesWhereTheInterfaceDoes() throws Exception {
        VethPair.create("near0", "far0");
        Shell.run("ip", "link", "set", "near0", "mtu", "9000");
        Shell.run("ip", "link", "set", "far0", "mtu", "9000");
        try (FramePort far = open("far0");
                Capture near = Capture.on(open("near0"), far)) {
            byte[] frame = frame(9014, 9);
            assertThat(send(far, frame)).isTrue();
            near.awaitFrames(1);
            assertThat(near.frames.get(0)).isEqualTo(frame);
        }
    }

    @Test
    void shouldNotSeeWhatItSent() throws Exception {
        VethPair.create("near0", "far0");
        try (FramePort sender = open("far0");
                Capture near = Capture.on(open("near0"), sender);
                Capture far = Capture.on(open("far0"), near.port)) {
            near.frames.clear();
            send(near.port, frame(60, 1));
            far.awaitFrames(1);
            assertThat(near.frames).isEmpty();
        }
    }

    @Test
    void shouldRefuseAndCountAFrameThatIsTooLong() throws Exception {
        VethPair.create("near0", "far0");
        try (FramePort near = open("near0")) {
            assertThat(send(near, frame(near.maxFrameBytes() + 1, 1))).isFalse();
            assertThat(near.counters().sendErrorFrames()).isEqualTo(1);
        }
    }

    @Test
    void shouldSayThatItIsDrainedWhenTheSinkHasHadEveryFrame() throws Exception {
        VethPair.create("near0", "far0");
        try (FramePort far = open("far0");
                Capture near = Capture.on(open("near0"), far)) {
            for (int round = 0; round < 20; round++) {
                for (int i = 0; i < 50; i++) {
                    send(far, frame(60, i));
                }
                await().atMost(LIMIT)
                        .pollInterval(Duration.ofMillis(1))
                        .until(() -> hasDelivered() && near.port.isDrained());
                assertThat(near.frames).hasSize((round + 1) * 50);
            }
        }
    }

    @Test
    void shouldSayThatItIsNotDrainedHoweverLongTheSinkIsBusy() throws Exception {
        VethPair.create("near0", "far0");
        try (FramePort far = open("far0");
                Capture near = Capture.on(open("near0"), far)) {
            near.whileTheSinkIsBusyWith(far, frame(60, 1), () -> {
                for (int look = 0; look < 5; look++) {
                    assertThat(near.port.isDrained()).isFalse();
                    Thread.sleep(A_LOOK_MILLIS);
                }
            });
        }
    }

    @Test
    void shouldShowThatItHangsWhileTheSinkIsBusyAndNeitherBeforeNorAfter() throws Exception {
        VethPair.create("near0", "far0");
        try (FramePort far = open("far0");
                Capture near = Capture.on(open("near0"), far)) {
            assertThat(hangs(near.port)).isFalse();
            near.whileTheSinkIsBusyWith(
                    far, frame(60, 1), () -> assertThat(hangs(near.port)).isTrue());
            await().atMost(LIMIT).until(() -> !hangs(near.port));
        }
    }

    private static boolean hangs(FramePort port) throws InterruptedException {
        Pulse before = port.capturePulse();
        Thread.sleep(A_LOOK_MILLIS);
        Pulse after = port.capturePulse();
        return !after.waits() && after.rounds() == before.rounds();
    }

    @Test
    void shouldEndTheCaptureWithTheSinksError() throws Exception {
        VethPair.create("near0", "far0");
        try (FramePort far = open("far0");
                FramePort near = open("near0")) {
            AtomicReference<@Nullable Throwable> ended = new AtomicReference<>();
            Thread capture = new Thread(() -> {
                try {
                    near.capture((memory, offset, length, time) -> {
                        throw new IllegalStateException("broken sink");
                    });
                } catch (PortException e) {
                    ended.set(e);
                }
            });
            capture.start();
            await().atMost(LIMIT).until(() -> {
                send(far, frame(60, 1));
                return ended.get() != null;
            });
            assertThat(ended.get()).hasMessageContaining("broken sink");
        }
    }

    @Test
    void shouldStopWhenAskedThoughNoFrameComes() throws Exception {
        VethPair.create("near0", "far0");
        try (FramePort far = open("far0");
                Capture near = Capture.on(open("near0"), far)) {
            near.port.stopCapture();
            near.thread.join(LIMIT.toMillis());
            assertThat(near.thread.isAlive()).isFalse();
        }
    }

    @Test
    void shouldSayWhichInterfaceIsMissing() {
        assertThat(messageOf(() -> open("nosuch0"))).contains("nosuch0");
    }

    @Test
    void shouldSayThatAnInterfaceIsDown() {
        VethPair.create("near0", "far0");
        Shell.run("ip", "link", "set", "near0", "down");
        assertThat(messageOf(() -> open("near0"))).contains("ip link set near0 up");
    }

    private interface Opening {
        FramePort open() throws PortException;
    }

    interface Look {
        void take() throws Exception;
    }

    /** What is sent into a cable lies in a queue of a processor's for a moment, where no port can see it. */
    private static boolean hasDelivered() throws IOException {
        return Files.readAllLines(Path.of("/proc/net/softnet_stat")).stream()
                .map(processor -> processor.split(" "))
                .allMatch(figures -> Integer.parseInt(figures[BACKLOG], 16) == 0);
    }

    private static String messageOf(Opening opening) {
        try (FramePort port = opening.open()) {
            throw new AssertionError("opened " + port.interfaceName());
        } catch (PortException e) {
            return String.valueOf(e.getMessage());
        }
    }

    static boolean send(FramePort port, byte[] frame) {
        return port.sendPlain(MemorySegment.ofArray(frame), 0, frame.length);
    }

    static byte[] frame(int lengthBytes, int fill) {
        byte[] frame = new byte[lengthBytes];
        Arrays.fill(frame, (byte) fill);
        frame[0] = 0x52; // unicast, locally administered
        frame[6] = 0x52;
        frame[12] = 0x12;
        frame[13] = 0x34;
        return frame;
    }

    /** A port that is being captured on a thread of its own. */
    static final class Capture implements AutoCloseable {
        final FramePort port;
        final List<byte[]> frames = Collections.synchronizedList(new ArrayList<>());
        final Thread thread;
        /** The sink takes it for each frame, so whoever has it keeps the sink busy. */
        private final ReentrantLock turn = new ReentrantLock();

        private Capture(FramePort port) {
            this.port = port;
            this.thread = new Thread(this::run, "capture-" + port.interfaceName());
        }

        /** A capture that is known to run, because frames have come through. */
        static Capture on(FramePort port, FramePort sender) {
            Capture capture = new Capture(port);
            capture.thread.start();
            await().atMost(LIMIT).pollInterval(Duration.ofMillis(5)).until(() -> {
                send(sender, frame(60, 0));
                return !capture.frames.isEmpty();
            });
            await().atMost(LIMIT).pollInterval(Duration.ofMillis(20)).until(port::isDrained);
            capture.frames.clear();
            return capture;
        }

        private void run() {
            try {
                port.capture((memory, offset, length, time) -> {
                    turn.lock();
                    try {
                        frames.add(memory.asSlice(offset, length).toArray(ValueLayout.JAVA_BYTE));
                    } finally {
                        turn.unlock();
                    }
                });
            } catch (PortException e) {
                throw new IllegalStateException(e);
            }
        }

        /** Returns when the sink has had the frame. */
        void whileTheSinkIsBusyWith(FramePort sender, byte[] frame, Look look) throws Exception {
            turn.lock();
            try {
                send(sender, frame);
                await().atMost(LIMIT).pollInterval(Duration.ofMillis(1)).until(turn::hasQueuedThreads);
                look.take();
            } finally {
                turn.unlock();
            }
            awaitFrames(1);
        }

        void awaitFrames(int count) {
            await().atMost(LIMIT).pollInterval(Duration.ofMillis(2)).until(() -> frames.size() >= count);
        }

        @Override
        public void close() throws InterruptedException {
            port.stopCapture();
            thread.join(LIMIT.toMillis());
            port.close();
        }
    }
}
