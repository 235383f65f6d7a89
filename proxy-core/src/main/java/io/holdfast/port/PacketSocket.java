package io.holdfast.port;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.nio.ByteOrder;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * An AF_PACKET socket of one interface, as far as {@link PacketSocketPort} needs it: the system calls, and nothing else.
 * Numbers and structures are those of Linux on 64 bits (packet(7), recvmmsg(2), sendmmsg(2), linux/if_packet.h).
 *
 * <p>Pointers are passed as addresses, so that a call makes no object.
 *
 * <p><b>Threads.</b> {@link #receive} one thread; all else any, like the system calls themselves.
 */
final class PacketSocket implements AutoCloseable {

    private static final Logger log = LoggerFactory.getLogger(PacketSocket.class);

    static final int EPERM = 1;
    static final int EINTR = 4;
    static final int EAGAIN = 11;
    static final int EINVAL = 22;
    static final int ENETDOWN = 100;

    private static final int AF_PACKET = 17;
    private static final int SOCK_RAW = 3;
    private static final int SOCK_CLOEXEC = 0x80000;
    private static final short ETH_P_ALL = 3;
    private static final int SOL_SOCKET = 1;
    private static final int SO_RCVTIMEO = 20;
    private static final int SO_SNDTIMEO = 21;
    private static final int SO_SNDBUFFORCE = 32;
    private static final int SO_RCVBUFFORCE = 33;
    private static final int SO_TIMESTAMPNS = 35;
    private static final int SOL_PACKET = 263;
    private static final int PACKET_ADD_MEMBERSHIP = 1;
    private static final int PACKET_STATISTICS = 6;
    private static final int PACKET_AUXDATA = 8;
    private static final int PACKET_VNET_HDR = 15;
    private static final int PACKET_IGNORE_OUTGOING = 23;
    private static final short PACKET_MR_PROMISC = 1;
    private static final int MSG_WAITFORONE = 0x10000;

    private static final int KERNEL_BUFFER_BYTES = 64 << 20;
    private static final long RECEIVE_LIMIT_MICROS = 50_000;
    private static final long SEND_LIMIT_MICROS = 20_000;

    private static final Linker LINKER = Linker.nativeLinker();
    private static final Linker.Option ERRNO = Linker.Option.captureCallState("errno");
    private static final long ERRNO_OFFSET =
            Linker.Option.captureStateLayout().byteOffset(MemoryLayout.PathElement.groupElement("errno"));

    private static final MethodHandle SOCKET =
            call("socket", FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT));
    private static final MethodHandle BIND =
            call("bind", FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_LONG, JAVA_INT));
    private static final MethodHandle SETSOCKOPT =
            call("setsockopt", FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT, JAVA_LONG, JAVA_INT));
    private static final MethodHandle GETSOCKOPT =
            call("getsockopt", FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT, JAVA_LONG, JAVA_LONG));
    private static final MethodHandle RECVMMSG =
            call("recvmmsg", FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_LONG, JAVA_INT, JAVA_INT, JAVA_LONG));
    private static final MethodHandle SEND =
            call("send", FunctionDescriptor.of(JAVA_LONG, JAVA_INT, JAVA_LONG, JAVA_LONG, JAVA_INT));
    private static final MethodHandle SENDMMSG =
            call("sendmmsg", FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_LONG, JAVA_INT, JAVA_INT));
    private static final MethodHandle CLOSE = call("close", FunctionDescriptor.of(JAVA_INT, JAVA_INT));
    private static final MethodHandle STRERROR =
            LINKER.downcallHandle(symbol("strerror"), FunctionDescriptor.of(ADDRESS, JAVA_INT));

    private final Arena arena = Arena.ofShared();
    /** Of any thread; they may overwrite each other's, which spoils no more than the text of an error. */
    private final MemorySegment sendErrno = arena.allocate(Linker.Option.captureStateLayout());

    private final MemorySegment receiveErrno = arena.allocate(Linker.Option.captureStateLayout());
    private final MemorySegment statistics = arena.allocate(16, 8);
    private final int descriptor;

    private PacketSocket(int descriptor) {
        this.descriptor = descriptor;
    }

    /**
     * Opens a socket for what arrives on an interface of the calling thread's network namespace, and for what is sent
     * there.
     */
    static PacketSocket open(String interfaceName, int interfaceIndex) throws PortException {
        PacketSocket socket = unbound(interfaceName);
        try {
            socket.prepare(interfaceName);
            socket.join(interfaceName, interfaceIndex);
            return socket;
        } catch (PortException e) {
            socket.close();
            throw e;
        }
    }

    /** Whether this kernel and this process can have such sockets. */
    static void probe() throws PortException {
        try (PacketSocket socket = unbound("any interface")) {
            socket.prepare("any interface");
        }
    }

    private static PacketSocket unbound(String interfaceName) throws PortException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment errno = arena.allocate(Linker.Option.captureStateLayout());
            // Protocol 0: no frame comes, of any interface, before the socket is bound to this one.
            int descriptor = (int) SOCKET.invokeExact(errno, AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
            if (descriptor < 0) {
                throw new PortException("cannot open " + interfaceName + " with a packet socket: " + text(errno(errno))
                        + "; it needs root or CAP_NET_RAW");
            }
            return new PacketSocket(descriptor);
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    private void prepare(String interfaceName) throws PortException {
        set(interfaceName, "PACKET_VNET_HDR", SOL_PACKET, PACKET_VNET_HDR, 1);
        set(interfaceName, "PACKET_AUXDATA", SOL_PACKET, PACKET_AUXDATA, 1);
        set(interfaceName, "PACKET_IGNORE_OUTGOING", SOL_PACKET, PACKET_IGNORE_OUTGOING, 1);
        set(interfaceName, "SO_TIMESTAMPNS", SOL_SOCKET, SO_TIMESTAMPNS, 1);
        set(interfaceName, "SO_RCVBUFFORCE", SOL_SOCKET, SO_RCVBUFFORCE, KERNEL_BUFFER_BYTES);
        set(interfaceName, "SO_SNDBUFFORCE", SOL_SOCKET, SO_SNDBUFFORCE, KERNEL_BUFFER_BYTES);
        setTime(interfaceName, "SO_RCVTIMEO", SO_RCVTIMEO, RECEIVE_LIMIT_MICROS);
        setTime(interfaceName, "SO_SNDTIMEO", SO_SNDTIMEO, SEND_LIMIT_MICROS);
    }

    private void join(String interfaceName, int interfaceIndex) throws PortException {
        try (Arena temporary = Arena.ofConfined()) {
            MemorySegment membership = temporary.allocate(16, 8);
            membership.set(JAVA_INT, 0, interfaceIndex);
            membership.set(JAVA_SHORT, 4, PACKET_MR_PROMISC);
            set(interfaceName, "PACKET_ADD_MEMBERSHIP", SOL_PACKET, PACKET_ADD_MEMBERSHIP, membership);

            MemorySegment address = temporary.allocate(20, 8);
            address.set(JAVA_SHORT, 0, (short) AF_PACKET);
            address.set(JAVA_SHORT.withOrder(ByteOrder.BIG_ENDIAN), 2, ETH_P_ALL);
            address.set(JAVA_INT, 4, interfaceIndex);
            int result = (int) BIND.invokeExact(sendErrno, descriptor, address.address(), 20);
            if (result < 0) {
                throw new PortException("cannot bind to " + interfaceName + ": " + text(errno(sendErrno)));
            }
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    /**
     * Waits for a frame, for a while, and takes as many as are there.
     *
     * @param messages of {@code struct mmsghdr}
     * @return how many; or the negative of errno
     */
    int receive(MemorySegment messages, int count) {
        try {
            int received =
                    (int) RECVMMSG.invokeExact(receiveErrno, descriptor, messages.address(), count, MSG_WAITFORONE, 0L);
            return received < 0 ? -errno(receiveErrno) : received;
        } catch (Throwable e) {
            throw new AssertionError(e);
        }
    }

    /**
     * Sends a {@code struct virtio_net_hdr} and the frame that follows it.
     *
     * @return 0; or errno, which may be another thread's
     */
    int send(long address, long lengthBytes) {
        try {
            long sent = (long) SEND.invokeExact(sendErrno, descriptor, address, lengthBytes, 0);
            return sent < 0 ? Math.max(EPERM, errno(sendErrno)) : 0;
        } catch (Throwable e) {
            throw new AssertionError(e);
        }
    }

    /**
     * Sends frames, each in a {@code struct mmsghdr} at {@code messagesAddress}.
     *
     * @param ownErrno of the calling thread, from {@link #newErrno}
     * @return how many; or, if the first is refused, the negative of errno
     */
    int send(long messagesAddress, int count, MemorySegment ownErrno) {
        try {
            int sent = (int) SENDMMSG.invokeExact(ownErrno, descriptor, messagesAddress, count, 0);
            return sent < 0 ? -errno(ownErrno) : sent;
        } catch (Throwable e) {
            throw new AssertionError(e);
        }
    }

    static MemorySegment newErrno(Arena arena) {
        return arena.allocate(Linker.Option.captureStateLayout());
    }

    /**
     * Frames since the last call: those that came in the lower half, of which dropped in the upper half. One thread at a
     * time.
     */
    long takeStatistics() throws PortException {
        try {
            statistics.set(JAVA_INT, 8, 8);
            int result = (int) GETSOCKOPT.invokeExact(
                    sendErrno,
                    descriptor,
                    SOL_PACKET,
                    PACKET_STATISTICS,
                    statistics.address(),
                    statistics.address() + 8);
            if (result < 0) {
                throw new PortException("cannot read the socket's statistics: " + text(errno(sendErrno)));
            }
            return Integer.toUnsignedLong(statistics.get(JAVA_INT, 0)) | (long) statistics.get(JAVA_INT, 4) << 32;
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    /** What errno means. */
    static String text(int errno) {
        try {
            MemorySegment text = (MemorySegment) STRERROR.invokeExact(errno);
            return text.reinterpret(256).getString(0) + " (errno " + errno + ")";
        } catch (Throwable e) {
            throw new AssertionError(e);
        }
    }

    /** Nobody may be in a call. */
    @Override
    public void close() {
        try {
            if ((int) CLOSE.invokeExact(sendErrno, descriptor) < 0) {
                log.warn("closing a packet socket: {}", text(errno(sendErrno)));
            }
        } catch (Throwable e) {
            throw new AssertionError(e);
        }
        arena.close();
    }

    private void set(String interfaceName, String name, int level, int option, int value) throws PortException {
        try (Arena temporary = Arena.ofConfined()) {
            set(interfaceName, name, level, option, temporary.allocateFrom(JAVA_INT, value));
        }
    }

    private void setTime(String interfaceName, String name, int option, long micros) throws PortException {
        try (Arena temporary = Arena.ofConfined()) {
            MemorySegment time = temporary.allocate(16, 8);
            time.set(JAVA_LONG, 8, micros);
            set(interfaceName, name, SOL_SOCKET, option, time);
        }
    }

    private void set(String interfaceName, String name, int level, int option, MemorySegment value)
            throws PortException {
        try {
            int result = (int) SETSOCKOPT.invokeExact(
                    sendErrno, descriptor, level, option, value.address(), (int) value.byteSize());
            if (result < 0) {
                throw new PortException(
                        "the packet socket of " + interfaceName + " refuses " + name + ": " + text(errno(sendErrno)));
            }
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    private static int errno(MemorySegment state) {
        return state.get(JAVA_INT, ERRNO_OFFSET);
    }

    private static MethodHandle call(String name, FunctionDescriptor type) {
        return LINKER.downcallHandle(symbol(name), type, ERRNO);
    }

    private static MemorySegment symbol(String name) {
        return LINKER.defaultLookup().findOrThrow(name);
    }

    private static PortException unexpected(Throwable e) {
        if (e instanceof PortException expected) {
            return expected;
        }
        throw new AssertionError(e);
    }
}
