package io.holdfast.dump;

import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Sends captured frames as a pcapng stream to the one reader that connects to a Unix socket of mode 0660. It writes no file:
 * where the guest's payload ends up, and with whose rights, is the reader's business.
 *
 * <p>A lane is never delayed. It copies into a ring of its own while a dump runs; a thread of the dump's completes checksums
 * and writes. When the reader is slow the rings fill, and what finds them full is counted and missing. The dump ends at its
 * limits, when the reader closes its end or half of it, or when it takes nothing for {@value #STUCK_SECONDS} s; then the
 * lanes copy nothing any more and the memory is freed.
 *
 * <p><b>Threads.</b> Any.
 */
public final class Dump implements AutoCloseable {

    /** How long the socket waits for its reader. */
    public static final Duration CONNECT_LIMIT = Duration.ofSeconds(5);

    private static final Logger LOG = LoggerFactory.getLogger(Dump.class);

    private static final int STUCK_SECONDS = 30;
    private static final long RING_BYTES_OF_ALL = 32L << 20;
    private static final long POLL_MILLIS = 2;
    private static final long CLOSE_LIMIT_MILLIS = 1_000;

    private final Path socket;
    private final List<DumpSource> sources;
    private final DumpLimits limits;
    private final String application;
    private final String comment;
    private final Consumer<DumpReport> onEnd;
    private final ServerSocketChannel listener;
    private final Selector selector;
    private final Thread thread;
    private volatile boolean closing;
    private volatile long closingNanos;
    private volatile boolean ended;

    private Dump(
            Path socket,
            List<DumpSource> sources,
            DumpLimits limits,
            String application,
            String comment,
            Consumer<DumpReport> onEnd)
            throws IOException {
        this.socket = socket;
        this.sources = List.copyOf(sources);
        this.limits = limits;
        this.application = application;
        this.comment = comment;
        this.onEnd = onEnd;
        this.selector = Selector.open();
        try {
            this.listener = listen(socket);
        } catch (IOException e) {
            selector.close();
            throw e;
        }
        this.thread = Thread.ofPlatform().daemon().name("dump").unstarted(this::run);
    }

    /**
     * Waits for a reader at {@code socket}, which is there when this returns and gone as soon as somebody has come, and then
     * dumps.
     *
     * @param socket in a directory of the proxy's own; what is left there of an earlier dump is replaced
     * @param application who writes this, for the stream
     * @param comment about all of it, for the stream
     * @param onEnd is told once, on a thread of the dump's, when it no longer {@link #isRunning}
     */
    public static Dump start(
            Path socket,
            List<DumpSource> sources,
            DumpLimits limits,
            String application,
            String comment,
            Consumer<DumpReport> onEnd)
            throws IOException {
        Dump dump = new Dump(socket, sources, limits, application, comment, onEnd);
        dump.thread.start();
        return dump;
    }

    private static ServerSocketChannel listen(Path socket) throws IOException {
        Files.deleteIfExists(socket);
        ServerSocketChannel listener = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
        try {
            listener.bind(UnixDomainSocketAddress.of(socket), 1);
            Files.setPosixFilePermissions(socket, PosixFilePermissions.fromString("rw-rw----"));
            listener.configureBlocking(false);
            return listener;
        } catch (IOException e) {
            listener.close();
            throw e;
        }
    }

    /** Whether it waits for its reader or dumps. */
    public boolean isRunning() {
        return !ended;
    }

    /** Ends the dump; the stream is brought to a proper end if the reader takes it soon. */
    @Override
    public void close() {
        if (!closing) {
            closingNanos = System.nanoTime();
            closing = true;
        }
        selector.wakeup();
        try {
            thread.join(2 * CLOSE_LIMIT_MILLIS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void run() {
        DumpReport report = new DumpReport(DumpEnd.NOBODY_CAME, 0, 0, 0);
        try (selector) {
            SocketChannel reader = awaitReader();
            if (reader != null) {
                try (reader) {
                    report = dumpTo(reader);
                }
            }
        } catch (IOException | RuntimeException | Error e) {
            // Whatever is wrong with a dump is no reason to end the packet path.
            LOG.error("a dump has failed", e);
            report = new DumpReport(DumpEnd.FAILED, 0, 0, 0);
        } finally {
            ended = true;
            onEnd.accept(report);
        }
    }

    private @Nullable SocketChannel awaitReader() throws IOException {
        try (listener) {
            listener.register(selector, SelectionKey.OP_ACCEPT);
            long deadlineNanos = System.nanoTime() + CONNECT_LIMIT.toNanos();
            while (!closing) {
                long restMillis = TimeUnit.NANOSECONDS.toMillis(deadlineNanos - System.nanoTime());
                if (restMillis <= 0) {
                    return null;
                }
                selector.select(restMillis);
                selector.selectedKeys().clear();
                SocketChannel reader = listener.accept();
                if (reader != null) {
                    return reader;
                }
            }
            return null;
        } finally {
            Files.deleteIfExists(socket);
        }
    }

    private DumpReport dumpTo(SocketChannel reader) throws IOException {
        List<WatchedLane> lanes = new ArrayList<>();
        long ringBytes = Long.highestOneBit(RING_BYTES_OF_ALL / sources.size());
        try {
            for (DumpSource source : sources) {
                lanes.add(new WatchedLane(source, ringBytes));
            }
            reader.configureBlocking(false);
            SelectionKey key = reader.register(selector, SelectionKey.OP_READ);
            ByteBuffer buffer = ByteBuffer.allocateDirect(DumpStream.BUFFER_BYTES);
            DumpStream stream = new DumpStream(lanes, limits, buffer);
            stream.begin(application, comment, epochNanos());
            lanes.forEach(WatchedLane::attach);
            DumpEnd end = new Transfer(reader, key, buffer, stream).run(lanes);
            long missedFrames =
                    lanes.stream().mapToLong(WatchedLane::missedFrames).sum();
            return new DumpReport(end, stream.writtenFrames(), stream.writtenBytes(), missedFrames);
        } finally {
            lanes.forEach(WatchedLane::close);
        }
    }

    private static long epochNanos() {
        Instant now = Instant.now();
        return now.getEpochSecond() * 1_000_000_000L + now.getNano();
    }

    /** From the lanes to the reader, to the end. */
    private final class Transfer {

        private final SocketChannel reader;
        private final SelectionKey key;
        private final ByteBuffer buffer;
        private final DumpStream stream;
        private final ByteBuffer nothing = ByteBuffer.allocate(16);
        private long progressNanos = System.nanoTime();

        Transfer(SocketChannel reader, SelectionKey key, ByteBuffer buffer, DumpStream stream) {
            this.reader = reader;
            this.key = key;
            this.buffer = buffer;
            this.stream = stream;
        }

        DumpEnd run(List<WatchedLane> lanes) {
            try {
                DumpEnd end = pumpUntilEnd();
                lanes.forEach(WatchedLane::detach);
                return end == DumpEnd.READER_STUCK || finish() ? end : DumpEnd.READER_STUCK;
            } catch (IOException e) {
                LOG.debug("the reader of a dump is gone: {}", e.getMessage());
                return DumpEnd.READER_GONE;
            }
        }

        private DumpEnd pumpUntilEnd() throws IOException {
            long beganNanos = System.nanoTime();
            while (true) {
                stream.fill();
                DumpEnd reached = stream.reached();
                if (reached != null) {
                    return reached;
                }
                boolean moved = send();
                long nowNanos = System.nanoTime();
                if (closing) {
                    return DumpEnd.PROXY_ENDS;
                }
                if (nowNanos - beganNanos >= limits.nanos()) {
                    return DumpEnd.SECONDS;
                }
                if (isStuck(nowNanos)) {
                    return DumpEnd.READER_STUCK;
                }
                if (hasReaderEnough()) {
                    return DumpEnd.ASKED;
                }
                if (!moved) {
                    await();
                }
            }
        }

        /** Writes what the lanes had copied when the end came, and the statistics; false if the reader is stuck. */
        private boolean finish() throws IOException {
            boolean ended = false;
            while (!ended || buffer.position() > 0) {
                stream.fill();
                if (!ended && !stream.hasMore() && stream.hasRoomForEnd()) {
                    stream.end(epochNanos());
                    ended = true;
                }
                if (!send()) {
                    if (isStuck(System.nanoTime())) {
                        return false;
                    }
                    await();
                }
            }
            return true;
        }

        /** Sends what the reader takes now; whether that was anything. */
        private boolean send() throws IOException {
            if (buffer.position() == 0) {
                progressNanos = System.nanoTime();
                return false;
            }
            buffer.flip();
            int sent = reader.write(buffer);
            buffer.compact();
            if (sent > 0) {
                progressNanos = System.nanoTime();
            }
            return sent > 0;
        }

        private boolean isStuck(long nowNanos) {
            boolean hasNoTime = closing && nowNanos - closingNanos > TimeUnit.MILLISECONDS.toNanos(CLOSE_LIMIT_MILLIS);
            return hasNoTime || nowNanos - progressNanos > TimeUnit.SECONDS.toNanos(STUCK_SECONDS);
        }

        /** Whether it has closed its half. What it says otherwise is of no interest. */
        private boolean hasReaderEnough() throws IOException {
            return reader.read(nothing.clear()) < 0;
        }

        /** Until the reader takes more, or the lanes may have more. */
        private void await() throws IOException {
            boolean full = buffer.position() > 0;
            key.interestOps(full ? SelectionKey.OP_WRITE : 0);
            selector.select(POLL_MILLIS);
            selector.selectedKeys().clear();
        }
    }
}
