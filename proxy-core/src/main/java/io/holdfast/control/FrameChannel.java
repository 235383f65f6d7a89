package io.holdfast.control;

import java.io.EOFException;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;

/**
 * Frames over a Unix socket between the proxy and its agent, both ways: commands are lines of JSON, and frames would be too
 * many for them. Numbers are big-endian:
 *
 * <pre>
 *   NIC (4) | length of the prefix (4) | stamp (8) | length of prefix and frame (4) | prefix and frame
 * </pre>
 *
 * <p><b>Threads.</b> One writes, one reads, any closes.
 */
public final class FrameChannel implements AutoCloseable {

    private static final int HEADER_BYTES = 20;
    private static final int BUFFER_BYTES = 4 * (HEADER_BYTES + ClientFrame.MAX_BYTES);

    private final SocketChannel socket;
    private final ByteBuffer out = ByteBuffer.allocateDirect(BUFFER_BYTES);
    private final ByteBuffer in = ByteBuffer.allocateDirect(BUFFER_BYTES).flip();

    FrameChannel(SocketChannel socket) {
        this.socket = socket;
    }

    /** Connects to a proxy's socket for frames. */
    public static FrameChannel connect(Path path) throws IOException {
        SocketChannel socket = SocketChannel.open(StandardProtocolFamily.UNIX);
        try {
            socket.connect(UnixDomainSocketAddress.of(path));
            return new FrameChannel(socket);
        } catch (IOException | RuntimeException e) {
            socket.close();
            throw e;
        }
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
        MemorySegment.copy(memory, offsetBytes, MemorySegment.ofBuffer(out), 0, lengthBytes);
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

    /**
     * Waits for a frame.
     *
     * @throws EOFException if the other side has ended
     * @throws IOException also if what comes is not a frame; nothing after it can be understood
     */
    public ClientFrame read() throws IOException {
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
            return new ClientFrame(nic, stamp, prefixBytes, bytes);
        } catch (IllegalArgumentException e) {
            throw new IOException(e.getMessage(), e);
        }
    }

    public boolean isOpen() {
        return socket.isOpen();
    }

    private void await(int bytes) throws IOException {
        if (in.remaining() >= bytes) {
            return;
        }
        in.compact();
        while (in.position() < bytes) {
            if (socket.read(in) < 0) {
                in.flip();
                throw new EOFException("the other side has ended");
            }
        }
        in.flip();
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
