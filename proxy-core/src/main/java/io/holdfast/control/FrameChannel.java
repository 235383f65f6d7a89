package io.holdfast.control;

import java.io.EOFException;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.util.Optional;

/**
 * Clients' frames over a Unix socket between the proxy and its agent: commands are lines of JSON, and frames would be too
 * many for them. Numbers are big-endian. Whoever connects says first what for; then frames go one way:
 *
 * <pre>
 *   greeting:  0x48464652 (4) | version (2) | purpose (2)
 *   frame:     NIC (4) | length of the prefix (4) | stamp (8) | length of prefix and frame (4) | prefix and frame
 *   receipt:   frames that the guest got (8) | frames that it did not get (8)
 * </pre>
 *
 * <p>Whoever injects ends its side after the last frame, and is given the receipt.
 *
 * <p><b>Threads.</b> One writes, one reads, any closes.
 */
public final class FrameChannel implements AutoCloseable {

    /**
     * What has become of injected frames.
     *
     * @param givenFrames the guest has got, or will when it runs
     * @param refusedFrames it has not
     */
    public record Receipt(long givenFrames, long refusedFrames) {}

    static final int MAGIC = 0x48464652;
    static final int VERSION = 1;
    static final int GREETING_BYTES = 8;
    private static final int HEADER_BYTES = 20;
    private static final int RECEIPT_BYTES = 16;
    private static final int BUFFER_BYTES = 4 * (HEADER_BYTES + ClientFrame.MAX_BYTES);

    private final SocketChannel socket;
    private final ByteBuffer out = ByteBuffer.allocateDirect(BUFFER_BYTES);
    private final MemorySegment outMemory = MemorySegment.ofBuffer(out);
    private final ByteBuffer in = ByteBuffer.allocateDirect(BUFFER_BYTES).flip();

    FrameChannel(SocketChannel socket) {
        this.socket = socket;
    }

    /** Connects to a proxy's socket for frames. */
    public static FrameChannel connect(Path path, FramePurpose purpose) throws IOException {
        SocketChannel socket = SocketChannel.open(StandardProtocolFamily.UNIX);
        try {
            socket.connect(UnixDomainSocketAddress.of(path));
            FrameChannel channel = new FrameChannel(socket);
            channel.out.putInt(MAGIC).putShort((short) VERSION).putShort((short) purpose.number());
            channel.flush();
            return channel;
        } catch (IOException | RuntimeException e) {
            socket.close();
            throw e;
        }
    }

    /**
     * Waits for the greeting of the one who has connected.
     *
     * @throws IOException also if it is none, or asks for something unknown
     */
    FramePurpose readPurpose() throws IOException {
        await(GREETING_BYTES);
        int magic = in.getInt();
        int version = Short.toUnsignedInt(in.getShort());
        int number = Short.toUnsignedInt(in.getShort());
        if (magic != MAGIC || version != VERSION) {
            throw new IOException("not a greeting of version %d: %08x, version %d".formatted(VERSION, magic, version));
        }
        for (FramePurpose purpose : FramePurpose.values()) {
            if (purpose.number() == number) {
                return purpose;
            }
        }
        throw new IOException("a connection for an unknown purpose: " + number);
    }

    /**
     * Writes a frame, at the latest at the next {@link #flush}; waits for the reader if it must.
     *
     * @param offsetBytes where the prefix begins
     * @param lengthBytes of prefix and frame
     */
    public void write(int nic, long stamp, int prefixBytes, MemorySegment memory, long offsetBytes, int lengthBytes)
            throws IOException {
        if (out.remaining() < HEADER_BYTES + lengthBytes) {
            flush();
        }
        out.putInt(nic).putInt(prefixBytes).putLong(stamp).putInt(lengthBytes);
        MemorySegment.copy(memory, offsetBytes, outMemory, out.position(), lengthBytes);
        out.position(out.position() + lengthBytes);
    }

    /** Likewise. */
    public void write(ClientFrame frame) throws IOException {
        MemorySegment bytes = MemorySegment.ofArray(frame.bytes());
        write(frame.nic(), frame.stamp(), frame.prefixBytes(), bytes, 0, frame.bytes().length);
    }

    /** Hands everything to the kernel. */
    public void flush() throws IOException {
        out.flip();
        while (out.hasRemaining()) {
            socket.write(out);
        }
        out.clear();
    }

    /** Says that no more frames come, and waits until it is known what has become of them. */
    public Receipt finish() throws IOException {
        flush();
        socket.shutdownOutput();
        await(RECEIPT_BYTES);
        return new Receipt(in.getLong(), in.getLong());
    }

    void write(Receipt receipt) throws IOException {
        out.putLong(receipt.givenFrames()).putLong(receipt.refusedFrames());
        flush();
    }

    /**
     * Waits for a frame.
     *
     * @return empty if the other side has ended
     * @throws IOException also if what comes is not a frame; nothing after it can be understood
     */
    public Optional<ClientFrame> read() throws IOException {
        if (!isMore()) {
            return Optional.empty();
        }
        await(HEADER_BYTES);
        int nic = in.getInt();
        int prefixBytes = in.getInt();
        long stamp = in.getLong();
        int lengthBytes = in.getInt();
        if (lengthBytes <= 0 || lengthBytes > ClientFrame.MAX_BYTES) {
            throw new IOException("a frame claims " + lengthBytes + " bytes");
        }
        await(lengthBytes);
        byte[] bytes = new byte[lengthBytes];
        in.get(bytes);
        try {
            return Optional.of(new ClientFrame(nic, stamp, prefixBytes, bytes));
        } catch (IllegalArgumentException e) {
            throw new IOException(e.getMessage(), e);
        }
    }

    public boolean isOpen() {
        return socket.isOpen();
    }

    /** Waits for a byte; false if there will be none. */
    private boolean isMore() throws IOException {
        if (in.hasRemaining()) {
            return true;
        }
        in.clear();
        int received = socket.read(in);
        in.flip();
        return received > 0;
    }

    private void await(int bytes) throws IOException {
        if (in.remaining() >= bytes) {
            return;
        }
        in.compact();
        try {
            while (in.position() < bytes) {
                if (socket.read(in) < 0) {
                    throw new EOFException("the other side has ended in the middle");
                }
            }
        } finally {
            in.flip();
        }
    }

    @Override
    public void close() {
        try {
            socket.close();
        } catch (IOException e) {
            throw new IllegalStateException(e); // Nothing is written after it.
        }
    }
}
