package io.holdfast.port;

import io.holdfast.measure.Counter;
import io.holdfast.measure.Pulse;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.sql.Timestamp;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;
import org.pcap4j.core.NotOpenException;
import org.pcap4j.core.PcapHandle;
import org.pcap4j.core.PcapHandle.PcapDirection;
import org.pcap4j.core.PcapHandle.TimestampPrecision;
import org.pcap4j.core.PcapNativeException;
import org.pcap4j.core.PcapNetworkInterface.PromiscuousMode;
import org.pcap4j.core.PcapStat;
import org.pcap4j.core.Pcaps;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A port on libpcap: works on every interface, one copy and one object per frame. Offloads of whoever sends into the
 * interface must be off, because libpcap shows frames as they are in the kernel: merged ones are longer than any wire
 * takes, and unfinished checksums go out unfinished ({@link PortGuard} looks).
 *
 * <p>One handle captures and sends: a handle does not see its own frames, another handle on the interface would.
 */
public final class PcapPort implements FramePort {

    private static final Logger log = LoggerFactory.getLogger(PcapPort.class);

    private static final int ETHERNET_HEADER_BYTES = 14;
    private static final int VLAN_TAG_BYTES = 4;
    private static final int KERNEL_BUFFER_BYTES = 64 << 20;
    private static final int READ_TIMEOUT_MILLIS = 1;
    private static final long WINDOW_NANOS = 200_000_000L;

    private final String interfaceName;
    private final int maxFrameBytes;
    private final PcapHandle handle;
    /** Bytes for sending, one array per sending thread, because pcap4j takes nothing else. */
    private final ThreadLocal<byte[]> sendBuffer;

    private volatile boolean stopping;
    private volatile boolean capturing;
    private volatile @Nullable Throwable sinkFailure;
    private volatile boolean closed;

    private final Counter begunFrames = new Counter();
    private final Counter capturedFrames = new Counter();
    private final Counter truncatedFrames = new Counter();
    private final LongAdder sentFrames = new LongAdder();
    private final LongAdder sendErrorFrames = new LongAdder();

    private final Object statisticsLock = new Object();
    private long acceptedFrames;
    private long kernelDroppedFrames;
    private int lastReceived;
    private int lastDropped;
    private long rejectedFrames;
    private long fewestWaitingFrames = Long.MAX_VALUE;
    private long windowBeganNanos = System.nanoTime();

    private PcapPort(String interfaceName, int maxFrameBytes, PcapHandle handle) {
        this.interfaceName = interfaceName;
        this.maxFrameBytes = maxFrameBytes;
        this.handle = handle;
        this.sendBuffer = ThreadLocal.withInitial(() -> new byte[maxFrameBytes]);
    }

    /**
     * Opens an interface of the calling thread's network namespace.
     *
     * @throws PortException if it does not exist, is down, or may not be opened
     */
    public static PcapPort open(String interfaceName) throws PortException {
        int mtuBytes = InterfaceFacts.linkThatIsUp(interfaceName).path("mtu").asInt();
        int maxFrameBytes = mtuBytes + ETHERNET_HEADER_BYTES + VLAN_TAG_BYTES;
        PcapHandle handle = null;
        try {
            handle = new PcapHandle.Builder(interfaceName)
                    .snaplen(maxFrameBytes + 1) // one more, so that a frame that is too long shows
                    .promiscuousMode(PromiscuousMode.PROMISCUOUS)
                    .immediateMode(true)
                    .timeoutMillis(READ_TIMEOUT_MILLIS)
                    .bufferSize(KERNEL_BUFFER_BYTES)
                    .timestampPrecision(TimestampPrecision.NANO)
                    .build();
            // Not the filter `inbound`: libpcap 1.10 judges the first frame also by the filter's user-space twin, which
            // knows no directions, and loses it.
            handle.setDirection(PcapDirection.IN);
            return new PcapPort(interfaceName, maxFrameBytes, handle);
        } catch (PcapNativeException | NotOpenException e) {
            if (handle != null) {
                handle.close();
            }
            throw new PortException(
                    "cannot open " + interfaceName + " with libpcap: " + e.getMessage()
                            + "; it needs root or CAP_NET_RAW, and an interface that is up",
                    e);
        } catch (LinkageError e) {
            throw libraryMissing(e);
        }
    }

    /** Which libpcap is installed, in its own words. */
    public static String libraryVersion() throws PortException {
        try {
            return Pcaps.libVersion();
        } catch (LinkageError e) {
            throw libraryMissing(e);
        }
    }

    private static PortException libraryMissing(LinkageError cause) {
        return new PortException("libpcap is missing: apt-get install libpcap0.8", cause);
    }

    @Override
    public String interfaceName() {
        return interfaceName;
    }

    @Override
    public int maxFrameBytes() {
        return maxFrameBytes;
    }

    @Override
    public int prefixBytes() {
        return 0;
    }

    @Override
    public void capture(FrameSink sink) throws PortException {
        if (stopping) {
            return;
        }
        capturing = true;
        try {
            handle.loop(-1, (byte[] frame) -> onCaptured(sink, frame));
        } catch (InterruptedException e) {
            if (!stopping && sinkFailure == null) {
                throw new PortException("capture on " + interfaceName + " was interrupted", e);
            }
        } catch (PcapNativeException | NotOpenException e) {
            if (!stopping) {
                throw new PortException("capture on " + interfaceName + " failed: " + e.getMessage(), e);
            }
        } finally {
            capturing = false;
        }
        Throwable failure = sinkFailure;
        if (failure != null) {
            throw new PortException(
                    "a frame captured on " + interfaceName + " could not be handled: " + failure, failure);
        }
    }

    /** Runs inside libpcap's loop, where pcap4j logs and forgets whatever is thrown: so nothing is. */
    private void onCaptured(FrameSink sink, byte[] frame) {
        try {
            if (stopping || sinkFailure != null) {
                return;
            }
            begunFrames.increment();
            if (frame.length > maxFrameBytes) {
                truncatedFrames.increment();
                return;
            }
            Timestamp timestamp = handle.getTimestamp();
            long kernelEpochNanos = Math.floorDiv(timestamp.getTime(), 1000L) * 1_000_000_000L + timestamp.getNanos();
            sink.onFrame(MemorySegment.ofArray(frame), 0, frame.length, kernelEpochNanos);
            sink.onBatchEnd();
            capturedFrames.increment();
        } catch (Throwable e) {
            sinkFailure = e;
            breakLoop();
        }
    }

    @Override
    public void stopCapture() {
        stopping = true;
        breakLoop();
    }

    private void breakLoop() {
        try {
            handle.breakLoop();
        } catch (NotOpenException e) {
            log.debug("{} is closed already", interfaceName);
        }
    }

    @Override
    public boolean send(MemorySegment memory, long offsetBytes, int lengthBytes) {
        if (lengthBytes > maxFrameBytes || closed) {
            sendErrorFrames.increment();
            return false;
        }
        byte[] bytes = sendBuffer.get();
        MemorySegment.copy(memory, ValueLayout.JAVA_BYTE, offsetBytes, bytes, 0, lengthBytes);
        try {
            handle.sendPacket(bytes, lengthBytes);
            sentFrames.increment();
            return true;
        } catch (PcapNativeException | NotOpenException e) {
            sendErrorFrames.increment();
            log.debug("{} refused a frame of {} bytes: {}", interfaceName, lengthBytes, e.getMessage());
            return false;
        }
    }

    @Override
    public boolean sendPlain(MemorySegment memory, long offsetBytes, int lengthBytes) {
        return send(memory, offsetBytes, lengthBytes);
    }

    @Override
    public boolean isDrained() {
        synchronized (statisticsLock) {
            long handledFrames = capturedFrames.value() + truncatedFrames.value();
            boolean sinkIsBusy = begunFrames.value() != handledFrames;
            readStatistics();
            long waitingFrames = acceptedFrames - rejectedFrames - kernelDroppedFrames - handledFrames;
            if (sinkIsBusy) {
                beginWindow(System.nanoTime()); // Frames that have to wait for it are not missing.
            } else {
                recogniseRejectedFrames(waitingFrames, System.nanoTime());
            }
            return waitingFrames <= 0;
        }
    }

    /**
     * libpcap counts frames as received that the host itself sends on the interface, and then keeps them to itself. On a
     * guarded port these are rare. Frames that have been missing for a whole window are those. A wrong guess shows as a
     * negative number, and only makes frames late.
     */
    private void recogniseRejectedFrames(long waitingFrames, long nowNanos) {
        if (waitingFrames < 0) {
            rejectedFrames += waitingFrames;
        }
        fewestWaitingFrames = Math.min(fewestWaitingFrames, Math.max(0, waitingFrames));
        if (nowNanos - windowBeganNanos > WINDOW_NANOS) {
            rejectedFrames += fewestWaitingFrames;
            beginWindow(nowNanos);
        }
    }

    private void beginWindow(long nowNanos) {
        fewestWaitingFrames = Long.MAX_VALUE;
        windowBeganNanos = nowNanos;
    }

    /** libpcap keeps the thread to itself while there is no frame. */
    @Override
    public Pulse capturePulse() {
        long ended = capturedFrames.value() + truncatedFrames.value();
        return new Pulse("capture of " + interfaceName, ended, begunFrames.value() == ended);
    }

    @Override
    public PortCounters counters() {
        synchronized (statisticsLock) {
            readStatistics();
            return new PortCounters(
                    capturedFrames.value(),
                    kernelDroppedFrames,
                    truncatedFrames.value(),
                    sentFrames.sum(),
                    sendErrorFrames.sum());
        }
    }

    /** libpcap counts in 32 bits. */
    private void readStatistics() {
        if (closed) {
            return;
        }
        try {
            PcapStat statistics = handle.getStats();
            int received = (int) statistics.getNumPacketsReceived();
            int dropped = (int) statistics.getNumPacketsDropped();
            acceptedFrames += Integer.toUnsignedLong(received - lastReceived);
            kernelDroppedFrames += Integer.toUnsignedLong(dropped - lastDropped);
            lastReceived = received;
            lastDropped = dropped;
        } catch (PcapNativeException | NotOpenException e) {
            log.warn("cannot read the statistics of {}: {}", interfaceName, e.getMessage());
        }
    }

    @Override
    public void close() {
        stopCapture();
        long deadlineNanos = System.nanoTime() + 1_000_000_000L;
        while (capturing && System.nanoTime() - deadlineNanos < 0) {
            Thread.onSpinWait();
        }
        synchronized (statisticsLock) {
            if (!closed) {
                closed = true;
                handle.close();
            }
        }
    }
}
