package io.holdfast.port;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import io.holdfast.memory.MappedMemory;
import java.io.IOException;
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
 * An AF_PACKET socket of one interface, as far as {@link PacketSocketPort} and {@link Departures} need it: the system calls, and nothing else.
 * Numbers and structures are those of Linux on 64 bits (packet(7), sendmmsg(2), linux/if_packet.h, linux/filter.h).
 *
 * <p>Pointers are passed as addresses, so that a call makes no object. One that keeps errno does make one where the compiler
 * does not see that nobody needs it (SharedUtils.checkCaptureSegment of JDK 25); the calls that are made for each frame do not
 * keep it, and are repeated after a failure by one that does.
 *
 * <p><b>Threads.</b> Any, like the system calls themselves, where nothing else is said.
 */
final class PacketSocket implements AutoCloseable {

    private static final Logger log = LoggerFactory.getLogger(PacketSocket.class);

    static final int EPERM = 1;
    static final int EINTR = 4;
    static final int EAGAIN = 11;
    static final int ENETDOWN = 100;

    private static final int AF_PACKET = 17;
    private static final int SOCK_RAW = 3;
    private static final int SOCK_CLOEXEC = 0x80000;
    private static final short ETH_P_ALL = 3;
    private static final short NO_PROTOCOL = 0;
    private static final int SOL_SOCKET = 1;
    private static final int SO_ERROR = 4;
    private static final int SO_SNDTIMEO = 21;
    private static final int SO_ATTACH_FILTER = 26;
    private static final int SO_SNDBUFFORCE = 32;
    private static final int SO_TIMESTAMPNS = 35;
    private static final int MSG_DONTWAIT = 0x40;
    private static final int SOL_PACKET = 263;
    private static final int PACKET_ADD_MEMBERSHIP = 1;
    private static final int PACKET_RX_RING = 5;
    private static final int PACKET_STATISTICS = 6;
    private static final int PACKET_VERSION = 10;
    private static final int PACKET_VNET_HDR = 15;
    private static final int PACKET_IGNORE_OUTGOING = 23;
    private static final short PACKET_MR_PROMISC = 1;
    private static final int TPACKET_V2 = 1;

    // Instructions of a classic packet filter.
    private static final int LOAD_LENGTH = 0x80;
    private static final int LOAD_BYTE = 0x30;
    private static final int JUMP_IF_EQUAL = 0x15;
    private static final int JUMP_IF_GREATER = 0x25;
    private static final int JUMP_IF_NOT_LESS = 0x35;
    private static final int RETURN = 0x06;
    private static final int WHOLE_FRAME = -1;
    /** SKF_AD_OFF + SKF_AD_PKTTYPE: not in the frame, but what the kernel knows of it. */
    private static final int WHERE_THE_PACKET_TYPE_IS = -0x1000 + 4;

    private static final int PACKET_OUTGOING = 4;
    private static final int SOCK_FILTER_BYTES = 8;

    private static final int SEND_BUFFER_BYTES = 64 << 20;
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
    private static final FunctionDescriptor POLL_TYPE = FunctionDescriptor.of(JAVA_INT, JAVA_LONG, JAVA_LONG, JAVA_INT);
    private static final MethodHandle POLL = LINKER.downcallHandle(symbol("poll"), POLL_TYPE);
    private static final MethodHandle POLL_WITH_ERRNO = call("poll", POLL_TYPE);
    private static final FunctionDescriptor SEND_TYPE =
            FunctionDescriptor.of(JAVA_LONG, JAVA_INT, JAVA_LONG, JAVA_LONG, JAVA_INT);
    private static final MethodHandle SEND = LINKER.downcallHandle(symbol("send"), SEND_TYPE);
    private static final MethodHandle SEND_WITH_ERRNO = call("send", SEND_TYPE);
    private static final FunctionDescriptor SENDMMSG_TYPE =
            FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_LONG, JAVA_INT, JAVA_INT);
    private static final MethodHandle SENDMMSG = LINKER.downcallHandle(symbol("sendmmsg"), SENDMMSG_TYPE);
    private static final MethodHandle SENDMMSG_WITH_ERRNO = call("sendmmsg", SENDMMSG_TYPE);
    private static final MethodHandle CLOSE = call("close", FunctionDescriptor.of(JAVA_INT, JAVA_INT));
    private static final MethodHandle STRERROR =
            LINKER.downcallHandle(symbol("strerror"), FunctionDescriptor.of(ADDRESS, JAVA_INT));

    private final Arena arena = Arena.ofShared();
    /** Of any thread; they may overwrite each other's, which spoils no more than the text of an error. */
    private final MemorySegment sendErrno = arena.allocate(Linker.Option.captureStateLayout());

    private final String interfaceName;
    private final int descriptor;

    private PacketSocket(String interfaceName, int descriptor) {
        this.interfaceName = interfaceName;
        this.descriptor = descriptor;
    }

    /** For sending on an interface of the calling thread's network namespace. */
    static PacketSocket forSending(String interfaceName, int interfaceIndex) throws PortException {
        return prepared(interfaceName, socket -> {
            socket.set("SO_SNDBUFFORCE", SOL_SOCKET, SO_SNDBUFFORCE, SEND_BUFFER_BYTES);
            socket.setTime("SO_SNDTIMEO", SO_SNDTIMEO, SEND_LIMIT_MICROS);
            socket.bind(NO_PROTOCOL, interfaceIndex);
        });
    }

    /** For what leaves, whoever in this host sends it. Nothing does before {@link #listen}. */
    static PacketSocket forOverhearing(String interfaceName) throws PortException {
        return prepared(interfaceName, socket -> {
            socket.set("SO_TIMESTAMPNS", SOL_SOCKET, SO_TIMESTAMPNS, 1);
            socket.filterWhatLeaves();
        });
    }

    /**
     * For what arrives, and is that long. Nothing does before {@link #join}.
     *
     * @param fewestBytes of a frame; and the most
     */
    static PacketSocket forReceiving(String interfaceName, int fewestBytes, int mostBytes) throws PortException {
        return prepared(interfaceName, socket -> {
            socket.set("PACKET_IGNORE_OUTGOING", SOL_PACKET, PACKET_IGNORE_OUTGOING, 1);
            socket.set("SO_TIMESTAMPNS", SOL_SOCKET, SO_TIMESTAMPNS, 1);
            socket.filter(fewestBytes, mostBytes);
        });
    }

    private static PacketSocket prepared(String interfaceName, Preparation preparation) throws PortException {
        PacketSocket socket = unbound(interfaceName);
        try {
            socket.set("PACKET_VNET_HDR", SOL_PACKET, PACKET_VNET_HDR, 1);
            preparation.prepare(socket);
            return socket;
        } catch (PortException e) {
            socket.close();
            throw e;
        }
    }

    private interface Preparation {
        void prepare(PacketSocket socket) throws PortException;
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
            return new PacketSocket(interfaceName, descriptor);
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    /** Lets in only frames whose length, with the Ethernet header, is in this range. */
    private void filter(int fewestBytes, int mostBytes) throws PortException {
        try (Arena temporary = Arena.ofConfined()) {
            MemorySegment program = temporary.allocate(5L * SOCK_FILTER_BYTES, 8);
            instruction(program, 0, LOAD_LENGTH, 0, 0, 0);
            instruction(program, 1, JUMP_IF_GREATER, 2, 0, mostBytes);
            instruction(program, 2, JUMP_IF_NOT_LESS, 0, 1, fewestBytes);
            instruction(program, 3, RETURN, 0, 0, WHOLE_FRAME);
            instruction(program, 4, RETURN, 0, 0, 0);
            attach(program, 5, temporary);
        }
    }

    /** Lets in only frames that this host sends. */
    private void filterWhatLeaves() throws PortException {
        try (Arena temporary = Arena.ofConfined()) {
            MemorySegment program = temporary.allocate(4L * SOCK_FILTER_BYTES, 8);
            instruction(program, 0, LOAD_BYTE, 0, 0, WHERE_THE_PACKET_TYPE_IS);
            instruction(program, 1, JUMP_IF_EQUAL, 0, 1, PACKET_OUTGOING);
            instruction(program, 2, RETURN, 0, 0, WHOLE_FRAME);
            instruction(program, 3, RETURN, 0, 0, 0);
            attach(program, 4, temporary);
        }
    }

    private void attach(MemorySegment program, int instructions, Arena temporary) throws PortException {
        MemorySegment pointer = temporary.allocate(16, 8);
        pointer.set(JAVA_SHORT, 0, (short) instructions);
        pointer.set(JAVA_LONG, 8, program.address());
        set("SO_ATTACH_FILTER", SOL_SOCKET, SO_ATTACH_FILTER, pointer);
    }

    /** A {@code struct sock_filter}; its jumps are over so many instructions. */
    private static void instruction(
            MemorySegment program, int number, int code, int jumpIfTrue, int jumpIfFalse, int operand) {
        long place = (long) number * SOCK_FILTER_BYTES;
        program.set(JAVA_SHORT, place, (short) code);
        program.set(JAVA_BYTE, place + 2, (byte) jumpIfTrue);
        program.set(JAVA_BYTE, place + 3, (byte) jumpIfFalse);
        program.set(JAVA_INT, place + 4, operand);
    }

    /**
     * Memory into which the kernel puts the frames that arrive; see {@link ReceiveRing}. It is there until this is closed.
     *
     * @param slotBytes a multiple of 16, at most {@link ReceiveRing#BLOCK_BYTES}
     * @param blocks of that many bytes
     */
    MemorySegment shareRing(int slotBytes, int blocks) throws PortException {
        set("PACKET_VERSION", SOL_PACKET, PACKET_VERSION, TPACKET_V2);
        try (Arena temporary = Arena.ofConfined()) {
            MemorySegment request = temporary.allocate(16, 8);
            request.set(JAVA_INT, 0, ReceiveRing.BLOCK_BYTES);
            request.set(JAVA_INT, 4, blocks);
            request.set(JAVA_INT, 8, slotBytes);
            request.set(JAVA_INT, 12, blocks * (ReceiveRing.BLOCK_BYTES / slotBytes));
            set("PACKET_RX_RING", SOL_PACKET, PACKET_RX_RING, request);

            return MappedMemory.share(arena, descriptor, (long) blocks * ReceiveRing.BLOCK_BYTES);
        } catch (IOException e) {
            throw new PortException("the receive ring of " + interfaceName + " cannot be mapped: " + e.getMessage(), e);
        }
    }

    /** Lets frames in: all that arrive on an interface, whomever they are for. */
    void join(int interfaceIndex) throws PortException {
        try (Arena temporary = Arena.ofConfined()) {
            MemorySegment membership = temporary.allocate(16, 8);
            membership.set(JAVA_INT, 0, interfaceIndex);
            membership.set(JAVA_SHORT, 4, PACKET_MR_PROMISC);
            set("PACKET_ADD_MEMBERSHIP", SOL_PACKET, PACKET_ADD_MEMBERSHIP, membership);
        }
        listen(interfaceIndex);
    }

    /** Lets frames in that have to do with this interface anyway. */
    void listen(int interfaceIndex) throws PortException {
        bind(ETH_P_ALL, interfaceIndex);
    }

    private void bind(short protocol, int interfaceIndex) throws PortException {
        try (Arena temporary = Arena.ofConfined()) {
            MemorySegment address = temporary.allocate(20, 8);
            address.set(JAVA_SHORT, 0, (short) AF_PACKET);
            address.set(JAVA_SHORT.withOrder(ByteOrder.BIG_ENDIAN), 2, protocol);
            address.set(JAVA_INT, 4, interfaceIndex);
            int result = (int) BIND.invokeExact(sendErrno, descriptor, address.address(), 20);
            if (result < 0) {
                throw new PortException("cannot bind to " + interfaceName + ": " + text(errno(sendErrno)));
            }
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    int descriptor() {
        return descriptor;
    }

    /**
     * Waits until one of the sockets has something to say, for a while. One thread for the same {@code polled}.
     *
     * @param polled of {@code struct pollfd}
     * @param ownErrno of the calling thread, from {@link #newErrno}
     * @return how many; or the negative of errno
     */
    static int poll(MemorySegment polled, int count, int limitMillis, MemorySegment ownErrno) {
        try {
            int ready = (int) POLL.invokeExact(polled.address(), (long) count, limitMillis);
            return ready < 0 ? pollForErrno(polled, count, ownErrno) : ready;
        } catch (Throwable e) {
            throw new AssertionError(e);
        }
    }

    /** Why the call before has failed, unless the reason is gone. */
    private static int pollForErrno(MemorySegment polled, int count, MemorySegment ownErrno) throws Throwable {
        int ready = (int) POLL_WITH_ERRNO.invokeExact(ownErrno, polled.address(), (long) count, 0);
        return ready < 0 ? -errno(ownErrno) : ready;
    }

    /** The error that waits to be told, as errno; 0 if none does. It is told once. */
    int takeError() throws PortException {
        try (Arena temporary = Arena.ofConfined()) {
            MemorySegment error = temporary.allocate(JAVA_INT);
            get("SO_ERROR", SOL_SOCKET, SO_ERROR, error);
            return error.get(JAVA_INT, 0);
        }
    }

    /**
     * Sends a {@code struct virtio_net_hdr} and the frame that follows it.
     *
     * @return 0; or, if it is refused twice, errno, which may be another thread's
     */
    int send(long address, long lengthBytes) {
        try {
            long sent = (long) SEND.invokeExact(descriptor, address, lengthBytes, 0);
            return sent < 0 ? sendForErrno(address, lengthBytes) : 0;
        } catch (Throwable e) {
            throw new AssertionError(e);
        }
    }

    /** Sends what has just been refused; without waiting, since there was time for that. */
    private int sendForErrno(long address, long lengthBytes) throws Throwable {
        long sent = (long) SEND_WITH_ERRNO.invokeExact(sendErrno, descriptor, address, lengthBytes, MSG_DONTWAIT);
        return sent < 0 ? Math.max(EPERM, errno(sendErrno)) : 0;
    }

    /**
     * Sends frames, each in a {@code struct mmsghdr} at {@code messagesAddress}.
     *
     * @param ownErrno of the calling thread, from {@link #newErrno}
     * @return how many; or, if the first is refused twice, the negative of errno
     */
    int send(long messagesAddress, int count, MemorySegment ownErrno) {
        try {
            int sent = (int) SENDMMSG.invokeExact(descriptor, messagesAddress, count, 0);
            return sent < 0 ? sendForErrno(messagesAddress, count, ownErrno) : sent;
        } catch (Throwable e) {
            throw new AssertionError(e);
        }
    }

    private int sendForErrno(long messagesAddress, int count, MemorySegment ownErrno) throws Throwable {
        int sent = (int) SENDMMSG_WITH_ERRNO.invokeExact(ownErrno, descriptor, messagesAddress, count, MSG_DONTWAIT);
        return sent < 0 ? -errno(ownErrno) : sent;
    }

    static MemorySegment newErrno(Arena arena) {
        return arena.allocate(Linker.Option.captureStateLayout());
    }

    /**
     * Frames since the last call: those that came in the lower half, of which dropped in the upper half.
     */
    long takeStatistics() throws PortException {
        try (Arena temporary = Arena.ofConfined()) {
            MemorySegment statistics = temporary.allocate(8, 8);
            get("PACKET_STATISTICS", SOL_PACKET, PACKET_STATISTICS, statistics);
            return Integer.toUnsignedLong(statistics.get(JAVA_INT, 0)) | (long) statistics.get(JAVA_INT, 4) << 32;
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

    private void set(String name, int level, int option, int value) throws PortException {
        try (Arena temporary = Arena.ofConfined()) {
            set(name, level, option, temporary.allocateFrom(JAVA_INT, value));
        }
    }

    private void setTime(String name, int option, long micros) throws PortException {
        try (Arena temporary = Arena.ofConfined()) {
            MemorySegment time = temporary.allocate(16, 8);
            time.set(JAVA_LONG, 8, micros);
            set(name, SOL_SOCKET, option, time);
        }
    }

    private void set(String name, int level, int option, MemorySegment value) throws PortException {
        try {
            int result = (int) SETSOCKOPT.invokeExact(
                    sendErrno, descriptor, level, option, value.address(), (int) value.byteSize());
            requireDone(result, name);
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    private void get(String name, int level, int option, MemorySegment value) throws PortException {
        try (Arena temporary = Arena.ofConfined()) {
            MemorySegment length = temporary.allocateFrom(JAVA_INT, (int) value.byteSize());
            int result = (int)
                    GETSOCKOPT.invokeExact(sendErrno, descriptor, level, option, value.address(), length.address());
            requireDone(result, name);
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    private void requireDone(int result, String option) throws PortException {
        if (result < 0) {
            throw new PortException(
                    "the packet socket of " + interfaceName + " refuses " + option + ": " + text(errno(sendErrno)));
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
