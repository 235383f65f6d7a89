package io.holdfast.port;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Where frames stand that one {@code sendmmsg} sends; the frames themselves stay where they are.
 *
 * <p><b>Threads.</b> One.
 */
final class SendBatch {

    private static final int MMSGHDR_BYTES = 64;
    private static final int MSG_IOV = 16;
    private static final int MSG_IOVLEN = 24;
    private static final int IOVEC_BYTES = 16;
    private static final int IOV_LEN = 8;

    private final MemorySegment messages;
    private final MemorySegment vectors;
    private final MemorySegment errno;
    private int length;

    SendBatch(Arena arena) {
        messages = arena.allocate((long) FrameBurst.CAPACITY_FRAMES * MMSGHDR_BYTES, 64);
        vectors = arena.allocate((long) FrameBurst.CAPACITY_FRAMES * IOVEC_BYTES, 64);
        errno = PacketSocket.newErrno(arena);
        for (int i = 0; i < FrameBurst.CAPACITY_FRAMES; i++) {
            long message = (long) i * MMSGHDR_BYTES;
            messages.set(ValueLayout.JAVA_LONG, message + MSG_IOV, vectors.address() + (long) i * IOVEC_BYTES);
            messages.set(ValueLayout.JAVA_LONG, message + MSG_IOVLEN, 1);
        }
    }

    void add(long address, long lengthBytes) {
        long vector = (long) length * IOVEC_BYTES;
        vectors.set(ValueLayout.JAVA_LONG, vector, address);
        vectors.set(ValueLayout.JAVA_LONG, vector + IOV_LEN, lengthBytes);
        length++;
    }

    int length() {
        return length;
    }

    void clear() {
        length = 0;
    }

    /** Sends from frame {@code first} on; how many, or the negative of errno if that one is refused. */
    int send(PacketSocket socket, int first) {
        return socket.send(messages.address() + (long) first * MMSGHDR_BYTES, length - first, errno);
    }
}
