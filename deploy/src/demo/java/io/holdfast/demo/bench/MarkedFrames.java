package io.holdfast.demo.bench;

import java.time.Instant;
import java.util.concurrent.TimeUnit;
import org.pcap4j.core.BpfProgram.BpfCompileMode;
import org.pcap4j.core.NotOpenException;
import org.pcap4j.core.PcapHandle;
import org.pcap4j.core.PcapHandle.TimestampPrecision;
import org.pcap4j.core.PcapNativeException;
import org.pcap4j.core.RawPacketListener;

/**
 * Sees frames of a kind that have a mark, and when the kernel got them. All others cost next to nothing: the kernel's filter
 * keeps them from the socket, so that what is measured is not the measuring.
 *
 * <p><b>Threads.</b> Any.
 */
final class MarkedFrames implements AutoCloseable {

    /** Where a frame has its mark, four bytes in network order; 0 is none. */
    static final int MARK_OFFSET = 14;

    private static final int SNAPSHOT_BYTES = 64;
    private static final int TIMEOUT_MILLIS = 10;

    private final PcapHandle handle;
    private final Thread thread;
    private volatile long epochNanos;
    private volatile int newest;

    private MarkedFrames(PcapHandle handle) {
        this.handle = handle;
        this.thread = Thread.ofPlatform().daemon().start(this::watch);
    }

    /** On an interface of the calling thread's network namespace. */
    static MarkedFrames on(String interfaceName, int etherType) throws PcapNativeException, NotOpenException {
        PcapHandle handle = new PcapHandle.Builder(interfaceName)
                .snaplen(SNAPSHOT_BYTES)
                .timeoutMillis(TIMEOUT_MILLIS)
                .immediateMode(true)
                .timestampPrecision(TimestampPrecision.NANO)
                .build();
        handle.setFilter(
                "ether proto " + etherType + " and ether[" + MARK_OFFSET + ":4] != 0", BpfCompileMode.OPTIMIZE);
        return new MarkedFrames(handle);
    }

    private void watch() {
        RawPacketListener listener = frame -> {
            epochNanos = nanosOf(handle.getTimestamp().toInstant());
            newest = (frame[MARK_OFFSET] & 0xff) << 24
                    | (frame[MARK_OFFSET + 1] & 0xff) << 16
                    | (frame[MARK_OFFSET + 2] & 0xff) << 8
                    | (frame[MARK_OFFSET + 3] & 0xff);
        };
        try {
            handle.loop(-1, listener, Runnable::run);
        } catch (InterruptedException e) {
            // The end.
        } catch (PcapNativeException | NotOpenException e) {
            throw new IllegalStateException("frames are not seen any more", e);
        }
    }

    /** The mark of the newest; 0 if there was none. */
    int newest() {
        return newest;
    }

    /** When the newest arrived, nanoseconds since 1970. */
    long newestEpochNanos() {
        return epochNanos;
    }

    /** Now, by the same clock. */
    static long nowEpochNanos() {
        return nanosOf(Instant.now());
    }

    private static long nanosOf(Instant time) {
        return TimeUnit.SECONDS.toNanos(time.getEpochSecond()) + time.getNano();
    }

    @Override
    public void close() throws InterruptedException {
        try {
            handle.breakLoop();
        } catch (NotOpenException e) {
            throw new IllegalStateException(e);
        }
        thread.join();
        handle.close();
    }
}
