package io.holdfast.cli.proxy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.holdfast.port.PcapPort;
import io.holdfast.port.PortException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/** The far end of a cable: sends frames into it and keeps what comes out of it. */
public final class Wire implements AutoCloseable {

    private static final Duration LIMIT = Duration.ofSeconds(10);
    private static final Duration A_WHILE = Duration.ofMillis(150);

    private final PcapPort port;
    private final Thread thread;
    private final List<byte[]> received = new CopyOnWriteArrayList<>();

    public Wire(String interfaceName) throws PortException {
        port = PcapPort.open(interfaceName);
        thread = Thread.ofPlatform().daemon().name("wire-" + interfaceName).start(this::listen);
    }

    private void listen() {
        try {
            port.capture((memory, offsetBytes, lengthBytes, kernelEpochNanos) ->
                    received.add(memory.asSlice(offsetBytes, lengthBytes).toArray(ValueLayout.JAVA_BYTE)));
        } catch (PortException e) {
            throw new IllegalStateException(e);
        }
    }

    public void send(byte[] frame) {
        assertThat(port.send(MemorySegment.ofArray(frame), 0, frame.length)).isTrue();
    }

    public List<byte[]> received() {
        return received;
    }

    /** These have come, in this order, and nothing else. */
    public void awaitExactly(List<byte[]> frames) {
        await().atMost(LIMIT).until(() -> received.size() >= frames.size());
        assertThat(received).usingElementComparator(java.util.Arrays::compare).containsExactlyElementsOf(frames);
    }

    /** For a while, nothing comes beyond so many. */
    public void assertStaysAt(int frames) {
        await().during(A_WHILE).atMost(LIMIT).until(() -> received.size() == frames);
    }

    @Override
    public void close() throws InterruptedException {
        port.stopCapture();
        thread.join();
        port.close();
    }
}
