package io.holdfast.agent;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.holdfast.config.MirrorInput;
import io.holdfast.control.ClientFrame;
import io.holdfast.control.FrameChannel;
import io.holdfast.control.FrameServer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Predicate;
import java.util.stream.LongStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Copies out of a proxy's socket, and frames into it. */
@Timeout(60)
class InputPathTest {

    private static final Duration LIMIT = Duration.ofSeconds(10);
    private static final Duration A_WHILE = Duration.ofMillis(300);

    private final Proxy proxy = new Proxy();
    private final AgentMeasures measures = new AgentMeasures();
    private final List<ClientFrame> linked = new CopyOnWriteArrayList<>();
    private Path directory;
    private Path socket;

    /** Sends copies without an end, as if clients flooded. */
    private static final class Proxy implements FrameServer.Exchange {
        final AtomicInteger copying = new AtomicInteger();
        final List<Boolean> wanted = new CopyOnWriteArrayList<>();
        final List<ClientFrame> injected = new CopyOnWriteArrayList<>();

        @Override
        public void copy(FrameChannel to, boolean all) throws IOException {
            wanted.add(all);
            copying.incrementAndGet();
            try {
                for (long stamp = 0; to.isOpen(); stamp++) {
                    to.write(frame(stamp));
                    to.flush();
                }
            } finally {
                copying.decrementAndGet();
            }
        }

        @Override
        public Predicate<ClientFrame> newInjection() {
            return frame -> frame.stamp() % 2 == 0 && injected.add(frame);
        }
    }

    @BeforeEach
    void makeDirectory() throws IOException {
        directory = Files.createTempDirectory(Path.of("/tmp"), "hf-input-");
        socket = directory.resolve("frames.sock");
    }

    @AfterEach
    void removeDirectory() throws IOException {
        try (var files = Files.list(directory)) {
            for (Path file : files.toList()) {
                Files.delete(file);
            }
        }
        Files.delete(directory);
    }

    @Test
    void shouldTakeCopiesOnlyWhileThereIsABackup() throws IOException {
        InputCopies copies = copies(MirrorInput.TCP);
        try (FrameServer server = FrameServer.start(socket, proxy)) {
            await().during(A_WHILE).atMost(LIMIT).until(proxy.wanted::isEmpty);
            copies.start(linked::add);
            await().atMost(LIMIT).until(() -> linked.size() > 1_000);
            assertThat(List.copyOf(linked).subList(0, 1_000))
                    .extracting(ClientFrame::stamp)
                    .isEqualTo(LongStream.range(0, 1_000).boxed().toList());
            copies.stop();
            await().atMost(LIMIT).until(() -> proxy.copying.get() == 0);
            assertThat(measures.mirroredFrames.value()).isEqualTo(linked.size());
            assertThat(proxy.wanted).containsExactly(false);

            copies.start(linked::add);
            await().atMost(LIMIT).until(() -> proxy.copying.get() == 1);
            copies.stop();
        }
    }

    @Test
    void shouldTakeNoneIfTheOperatorDoesNotWantThem() throws IOException {
        InputCopies copies = copies(MirrorInput.OFF);
        try (FrameServer server = FrameServer.start(socket, proxy)) {
            copies.start(linked::add);
            await().during(A_WHILE).atMost(LIMIT).until(proxy.wanted::isEmpty);
            copies.stop();
        }
    }

    @Test
    void shouldAskForAllIfTheOperatorWantsAll() throws IOException {
        InputCopies copies = copies(MirrorInput.ALL);
        try (FrameServer server = FrameServer.start(socket, proxy)) {
            copies.start(linked::add);
            await().atMost(LIMIT).until(() -> proxy.wanted.equals(List.of(true)));
            copies.stop();
        }
    }

    /** What is too much has to wait in the proxy, where it is dropped and counted. */
    @Test
    void shouldTakeNoMoreThanTheLinkHasRoomFor() throws IOException {
        InputCopies copies = copies(MirrorInput.TCP);
        try (FrameServer server = FrameServer.start(socket, proxy)) {
            copies.start(frame -> linked.size() < 10 && linked.add(frame));
            await().atMost(LIMIT).until(() -> linked.size() == 10);
            await().during(A_WHILE).atMost(LIMIT).until(() -> measures.mirroredFrames.value() == 10);
            copies.stop();
            await().atMost(LIMIT).until(() -> proxy.copying.get() == 0);
        }
    }

    @Test
    void shouldConnectAnewWhenTheProxyIsStartedAgain() throws IOException {
        InputCopies copies = copies(MirrorInput.TCP);
        copies.start(linked::add);
        for (int life = 1; life <= 2; life++) {
            int before = linked.size();
            try (FrameServer server = FrameServer.start(socket, proxy)) {
                await().atMost(LIMIT).until(() -> linked.size() > before);
            }
        }
        copies.stop();
    }

    @Test
    void shouldCountWhatTheGuestGotAndWhatItDidNot() throws Exception {
        List<ClientFrame> frames =
                LongStream.range(0, 101).mapToObj(InputPathTest::frame).toList();
        try (FrameServer server = FrameServer.start(socket, proxy)) {
            InputInjection.start(socket, frames, measures).join();
        }
        assertThat(measures.injectedFrames.value()).isEqualTo(51);
        assertThat(measures.refusedInjections.value()).isEqualTo(50);
        assertThat(proxy.injected).extracting(ClientFrame::stamp).isSorted().hasSize(51);
    }

    @Test
    void shouldCountAllAsRefusedWithoutAProxy() throws Exception {
        InputInjection.start(socket, List.of(frame(1), frame(2)), measures).join();
        assertThat(measures.injectedFrames.value()).isZero();
        assertThat(measures.refusedInjections.value()).isEqualTo(2);
    }

    private InputCopies copies(MirrorInput wanted) {
        return new InputCopies(socket, wanted, measures);
    }

    private static ClientFrame frame(long stamp) {
        return new ClientFrame(0, stamp, 10, new byte[70]);
    }
}
