package io.holdfast.bridge;

import io.holdfast.measure.Pulse;
import io.holdfast.port.FramePort;
import io.holdfast.port.FrameSink;
import io.holdfast.port.PortCounters;
import io.holdfast.port.PortException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import org.jspecify.annotations.Nullable;

/** A port without a network: the test is the wire, and hands frames to the sink on its own thread. */
class MemoryPort implements FramePort {

    private final String name;
    private final boolean records;
    private final int prefixBytes;
    private final CountDownLatch stopped = new CountDownLatch(1);
    private final List<byte[]> sent = new ArrayList<>();
    private volatile @Nullable FrameSink sink;
    volatile long sentFrames;
    volatile boolean drained = true;
    /** So many attempts to send fail first. */
    volatile int refusals;
    /** Whoever sends hangs until then. */
    volatile CountDownLatch sendGoesOn = new CountDownLatch(0);

    MemoryPort(String name, boolean records) {
        this(name, records, 0);
    }

    MemoryPort(String name, boolean records, int prefixBytes) {
        this.name = name;
        this.records = records;
        this.prefixBytes = prefixBytes;
    }

    /** A frame arrives, its prefix in front. */
    void arrive(byte[] frame) {
        arrive(MemorySegment.ofArray(frame), frame.length);
    }

    void arrive(MemorySegment frame, int lengthBytes) {
        FrameSink to = sink();
        to.onFrame(frame, prefixBytes, lengthBytes - prefixBytes, 0);
        to.onBatchEnd();
    }

    /** Frames arrive in one batch. */
    void arriveTogether(List<byte[]> frames) {
        FrameSink to = sink();
        frames.forEach(frame -> to.onFrame(MemorySegment.ofArray(frame), prefixBytes, frame.length - prefixBytes, 0));
        to.onBatchEnd();
    }

    private FrameSink sink() {
        FrameSink to = sink;
        while (to == null) {
            Thread.onSpinWait();
            to = sink;
        }
        return to;
    }

    synchronized List<byte[]> sent() {
        return List.copyOf(sent);
    }

    @Override
    public String interfaceName() {
        return name;
    }

    @Override
    public int prefixBytes() {
        return prefixBytes;
    }

    @Override
    public int maxFrameBytes() {
        return 1518;
    }

    @Override
    public void capture(FrameSink newSink) throws PortException {
        sink = newSink;
        try {
            stopped.await();
        } catch (InterruptedException e) {
            throw new PortException("interrupted", e);
        }
    }

    @Override
    public void stopCapture() {
        stopped.countDown();
    }

    @Override
    public synchronized boolean send(MemorySegment memory, long offsetBytes, int lengthBytes) {
        try {
            sendGoesOn.await();
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
        if (refusals > 0) {
            refusals--;
            return false;
        }
        if (records) {
            sent.add(memory.asSlice(offsetBytes - prefixBytes, lengthBytes + prefixBytes)
                    .toArray(ValueLayout.JAVA_BYTE));
        }
        sentFrames++;
        return true;
    }

    @Override
    public synchronized boolean sendPlain(MemorySegment memory, long offsetBytes, int lengthBytes) {
        sent.add(memory.asSlice(offsetBytes, lengthBytes).toArray(ValueLayout.JAVA_BYTE));
        return true;
    }

    @Override
    public boolean isDrained() {
        return drained;
    }

    @Override
    public Pulse capturePulse() {
        return new Pulse("capture of " + name, 0, true);
    }

    @Override
    public PortCounters counters() {
        return new PortCounters(0, 0, 0, sentFrames, 0);
    }

    @Override
    public void close() {}
}
