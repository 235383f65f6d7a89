package io.holdfast.port;

import com.fasterxml.jackson.databind.JsonNode;
import io.holdfast.measure.Counter;
import io.holdfast.measure.Pulse;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Optional;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.LockSupport;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A port on an AF_PACKET socket that speaks {@code virtio_net_hdr}: frames that the kernel has merged (GSO, up to 64 KiB)
 * and checksums that it has left to a device cross as they are, because the kernel says so in front of each captured frame
 * and is told so again when it is sent. Offloads stay on; whichever interface sends the frame at last finishes it, and the
 * kernel does where the interface cannot.
 *
 * <p>Frames are captured into memory that the kernel shares, and sent from wherever they are, many at a time; neither
 * allocates anything.
 */
public final class PacketSocketPort implements FramePort {

    private static final Logger log = LoggerFactory.getLogger(PacketSocketPort.class);

    /** The largest GSO frame, its layer 2 header and a VLAN tag. */
    private static final int MAX_FRAME_BYTES = 65_535 + 14 + 4;

    private static final int PREFIX_BYTES = ReceiveRing.VIRTIO_NET_HEADER_BYTES;
    private static final long CLOSE_LIMIT_NANOS = 1_000_000_000L;
    private static final long WAIT_FOR_INTERFACE_NANOS = 100_000_000L;

    private final String interfaceName;
    private final int interfaceIndex;
    private final Arrivals arrivals;
    private final PacketSocket socket;
    private final Arena arena = Arena.ofShared();
    /** For frames that stand alone: an empty header, and room. */
    private final MemorySegment plain = arena.allocate(PREFIX_BYTES + MAX_FRAME_BYTES, 8);

    private volatile boolean stopping;
    private volatile boolean capturing;
    private volatile boolean closed;

    private final Counter capturedFrames = new Counter();
    private final Counter truncatedFrames = new Counter();
    private final Counter rounds = new Counter();
    private final LongAdder sentFrames = new LongAdder();
    private final LongAdder sendErrorFrames = new LongAdder();

    private final Object statisticsLock = new Object();
    private long acceptedFrames;
    private long kernelDroppedFrames;

    private PacketSocketPort(String interfaceName, int interfaceIndex, Arrivals arrivals, PacketSocket socket) {
        this.interfaceName = interfaceName;
        this.interfaceIndex = interfaceIndex;
        this.arrivals = arrivals;
        this.socket = socket;
    }

    /**
     * Opens an interface of the calling thread's network namespace.
     *
     * @throws PortException if it does not exist, is down, or may not be opened
     */
    public static PacketSocketPort open(String interfaceName) throws PortException {
        JsonNode link = InterfaceFacts.linkThatIsUp(interfaceName);
        int interfaceIndex = link.path("ifindex").asInt();
        PacketSocket socket = PacketSocket.forSending(interfaceName, interfaceIndex);
        try {
            Arrivals arrivals = Arrivals.on(interfaceName, interfaceIndex);
            return new PacketSocketPort(interfaceName, interfaceIndex, arrivals, socket);
        } catch (PortException e) {
            socket.close();
            throw e;
        }
    }

    /** Why this kernel or this process cannot have such ports; empty if it can. */
    public static Optional<String> whyNot() {
        try {
            Arrivals.probe();
            return Optional.empty();
        } catch (PortException e) {
            return Optional.of(String.valueOf(e.getMessage()));
        }
    }

    @Override
    public String interfaceName() {
        return interfaceName;
    }

    @Override
    public int maxFrameBytes() {
        return MAX_FRAME_BYTES;
    }

    @Override
    public int prefixBytes() {
        return PREFIX_BYTES;
    }

    @Override
    public void capture(FrameSink sink) throws PortException {
        capturing = true;
        try {
            while (!stopping) {
                int errno = arrivals.await();
                if (errno != 0) {
                    goOnAfter(errno);
                }
                while (!stopping && arrivals.hasNext()) {
                    handOnNext(sink);
                }
                sink.onBatchEnd();
                rounds.increment();
            }
        } finally {
            capturing = false;
        }
    }

    private void goOnAfter(int errno) throws PortException {
        switch (errno) {
            case PacketSocket.EAGAIN, PacketSocket.EINTR -> {}
            case PacketSocket.ENETDOWN -> awaitInterface();
            default -> throw new PortException("capture on " + interfaceName + " failed: " + PacketSocket.text(errno));
        }
    }

    /** The kernel says once that the interface is down, and captures again when it is up, if it is still there. */
    private void awaitInterface() throws PortException {
        log.warn("interface {} is down; nothing is captured until it is up", interfaceName);
        while (!stopping) {
            JsonNode link = InterfaceFacts.link("link", interfaceName);
            if (link.path("ifindex").asInt() != interfaceIndex) {
                throw new PortException(interfaceName + " has been made anew; start the proxy again");
            }
            if (InterfaceFacts.isUp(link)) {
                log.info("interface {} is up again", interfaceName);
                return;
            }
            rounds.increment();
            LockSupport.parkNanos(WAIT_FOR_INTERFACE_NANOS);
        }
    }

    private void handOnNext(FrameSink sink) throws PortException {
        if (!arrivals.take()) {
            truncatedFrames.increment();
            return;
        }
        try {
            sink.onFrame(arrivals.memory(), arrivals.offsetBytes(), arrivals.lengthBytes(), arrivals.epochNanos());
        } catch (RuntimeException | Error e) {
            throw new PortException("a frame captured on " + interfaceName + " could not be handled: " + e, e);
        }
        capturedFrames.increment();
    }

    @Override
    public void stopCapture() {
        stopping = true;
    }

    @Override
    public boolean send(MemorySegment memory, long offsetBytes, int lengthBytes) {
        if (!memory.isNative()) {
            throw new IllegalArgumentException("a frame with its prefix must be outside the heap");
        }
        if (lengthBytes > MAX_FRAME_BYTES || closed) {
            sendErrorFrames.increment();
            return false;
        }
        int errno = socket.send(memory.address() + offsetBytes - PREFIX_BYTES, (long) lengthBytes + PREFIX_BYTES);
        if (errno != 0) {
            noteRefused(errno);
            return false;
        }
        sentFrames.increment();
        return true;
    }

    @Override
    public FrameBurst newBurst() {
        return new Burst();
    }

    /** Many frames, one system call. */
    private final class Burst implements FrameBurst {

        private final SendBatch frames = new SendBatch(arena);

        @Override
        public void add(MemorySegment memory, long offsetBytes, int lengthBytes) {
            if (lengthBytes > MAX_FRAME_BYTES) {
                sendErrorFrames.increment();
            } else {
                frames.add(memory.address() + offsetBytes - PREFIX_BYTES, (long) lengthBytes + PREFIX_BYTES);
            }
        }

        @Override
        public boolean isFull() {
            return frames.length() == CAPACITY_FRAMES;
        }

        @Override
        public void flush() {
            if (frames.length() == 0) {
                return;
            }
            int done = 0;
            while (done < frames.length() && !closed) {
                int sent = frames.send(socket, done);
                if (sent > 0) {
                    sentFrames.add(sent);
                    done += sent;
                } else if (-sent != PacketSocket.EINTR) {
                    noteRefused(-sent);
                    done++; // This one is lost, like one that a wire has lost; those after it are not.
                }
            }
            sendErrorFrames.add(frames.length() - done);
            frames.clear();
        }

        @Override
        public void drop() {
            frames.clear();
        }
    }

    private void noteRefused(int errno) {
        sendErrorFrames.increment();
        if (log.isDebugEnabled()) {
            log.debug("{} refused a frame: {}", interfaceName, PacketSocket.text(errno));
        }
    }

    @Override
    public boolean sendPlain(MemorySegment memory, long offsetBytes, int lengthBytes) {
        if (lengthBytes > MAX_FRAME_BYTES) {
            sendErrorFrames.increment();
            return false;
        }
        synchronized (plain) {
            if (closed) {
                sendErrorFrames.increment();
                return false;
            }
            MemorySegment.copy(memory, offsetBytes, plain, PREFIX_BYTES, lengthBytes);
            return send(plain, PREFIX_BYTES, lengthBytes);
        }
    }

    @Override
    public boolean isDrained() {
        synchronized (statisticsLock) {
            long handledFrames = capturedFrames.value() + truncatedFrames.value();
            return readStatistics() && acceptedFrames - kernelDroppedFrames <= handledFrames;
        }
    }

    @Override
    public Pulse capturePulse() {
        return new Pulse("capture of " + interfaceName, rounds.value());
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

    private boolean readStatistics() {
        if (closed) {
            return false;
        }
        try {
            long statistics = arrivals.takeStatistics();
            acceptedFrames += statistics & 0xffff_ffffL;
            kernelDroppedFrames += statistics >>> 32;
            return true;
        } catch (PortException e) {
            log.warn("{}: {}", interfaceName, e.getMessage());
            return false;
        }
    }

    @Override
    public void close() {
        stopCapture();
        long deadlineNanos = System.nanoTime() + CLOSE_LIMIT_NANOS;
        while (capturing && System.nanoTime() - deadlineNanos < 0) {
            Thread.onSpinWait();
        }
        if (capturing) {
            log.error("capture on {} does not end; its memory is left to the end of the process", interfaceName);
            return;
        }
        synchronized (statisticsLock) {
            synchronized (plain) {
                if (!closed) {
                    closed = true;
                    arrivals.close();
                    socket.close();
                    arena.close();
                }
            }
        }
    }
}
