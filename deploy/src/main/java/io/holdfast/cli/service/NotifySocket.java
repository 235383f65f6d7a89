package io.holdfast.cli.service;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.VarHandle;
import java.nio.charset.StandardCharsets;

/**
 * The socket at which a service manager hears of its services (sd_notify(3)): datagrams to a Unix domain address, of which
 * Java knows only streams.
 *
 * <p><b>Threads.</b> Any.
 */
final class NotifySocket implements AutoCloseable {

    private static final int AF_UNIX = 1;
    private static final int SOCK_DGRAM = 2;
    private static final int SOCK_CLOEXEC = 0x80000;
    private static final int MSG_DONTWAIT = 0x40;
    private static final int MSG_NOSIGNAL = 0x4000;

    /** Of {@code struct sockaddr_un}: the family, and room for the name. */
    private static final int FAMILY_BYTES = 2;

    private static final int NAME_BYTES = 108;

    private static final Linker LINKER = Linker.nativeLinker();
    private static final Linker.Option ERRNO = Linker.Option.captureCallState("errno");
    private static final VarHandle ERRNO_VALUE =
            Linker.Option.captureStateLayout().varHandle(MemoryLayout.PathElement.groupElement("errno"));
    private static final MethodHandle SOCKET =
            call("socket", FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT));
    private static final MethodHandle SENDTO =
            call("sendto", FunctionDescriptor.of(JAVA_LONG, JAVA_INT, ADDRESS, JAVA_LONG, JAVA_INT, ADDRESS, JAVA_INT));
    private static final MethodHandle CLOSE = call("close", FunctionDescriptor.of(JAVA_INT, JAVA_INT));

    private final String name;
    private final byte[] address;
    private final int descriptor;

    private NotifySocket(String name, byte[] address, int descriptor) {
        this.name = name;
        this.address = address;
        this.descriptor = descriptor;
    }

    /**
     * A socket that sends to that one.
     *
     * @param name a path, or {@code @} and the name of an abstract address, as {@code NOTIFY_SOCKET} has it
     * @throws IOException if it is neither, or there is no socket to be had
     */
    static NotifySocket to(String name) throws IOException {
        byte[] address = addressOf(name);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment errno = arena.allocate(Linker.Option.captureStateLayout());
            int descriptor = (int) SOCKET.invokeExact(errno, AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
            if (descriptor < 0) {
                throw new IOException("no socket to speak to " + name + ": errno " + (int) ERRNO_VALUE.get(errno, 0L));
            }
            return new NotifySocket(name, address, descriptor);
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    /** A {@code struct sockaddr_un}. An abstract name begins with a zero byte and ends with the address, a path with a zero. */
    private static byte[] addressOf(String name) throws IOException {
        boolean isAbstract = name.startsWith("@");
        byte[] bytes = name.getBytes(StandardCharsets.UTF_8);
        if (!isAbstract && !name.startsWith("/")) {
            throw new IOException("a path or an abstract address was expected, not " + name);
        }
        if (bytes.length >= NAME_BYTES) {
            throw new IOException("no Unix domain address is as long as " + name);
        }
        byte[] address = new byte[FAMILY_BYTES + bytes.length + (isAbstract ? 0 : 1)];
        MemorySegment.ofArray(address).set(JAVA_SHORT.withByteAlignment(1), 0, (short) AF_UNIX);
        System.arraycopy(bytes, 0, address, FAMILY_BYTES, bytes.length);
        if (isAbstract) {
            address[FAMILY_BYTES] = 0;
        }
        return address;
    }

    /**
     * Sends one datagram. Never waits: a manager that does not read must not make its services hang.
     *
     * @param notice lines such as {@code READY=1}
     */
    void send(String notice) throws IOException {
        byte[] bytes = notice.getBytes(StandardCharsets.UTF_8);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment errno = arena.allocate(Linker.Option.captureStateLayout());
            long sent = (long) SENDTO.invokeExact(
                    errno,
                    descriptor,
                    arena.allocateFrom(JAVA_BYTE, bytes),
                    (long) bytes.length,
                    MSG_DONTWAIT | MSG_NOSIGNAL,
                    arena.allocateFrom(JAVA_BYTE, address),
                    address.length);
            if (sent < 0) {
                throw new IOException("cannot send to " + name + ": errno " + (int) ERRNO_VALUE.get(errno, 0L));
            }
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    /** Nobody may be sending. */
    @Override
    public void close() {
        try (Arena arena = Arena.ofConfined()) {
            // Nothing is lost if it fails: each datagram is complete.
            int ignored = (int) CLOSE.invokeExact(arena.allocate(Linker.Option.captureStateLayout()), descriptor);
        } catch (Throwable e) {
            throw new AssertionError(e);
        }
    }

    private static MethodHandle call(String function, FunctionDescriptor type) {
        return LINKER.downcallHandle(LINKER.defaultLookup().findOrThrow(function), type, ERRNO);
    }

    private static IOException unexpected(Throwable e) {
        if (e instanceof IOException expected) {
            return expected;
        }
        throw new AssertionError(e);
    }
}
