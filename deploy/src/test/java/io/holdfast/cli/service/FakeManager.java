package io.holdfast.cli.service;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;
import static org.awaitility.Awaitility.await;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/** A service manager that only listens. */
final class FakeManager implements AutoCloseable {

    private static final Duration LIMIT = Duration.ofSeconds(30);
    private static final int AF_UNIX = 1;
    private static final int SOCK_DGRAM = 2;
    private static final int SHUT_RD = 0;
    private static final int NOTICE_BYTES = 4096;

    private static final MethodHandle SOCKET = call("socket", JAVA_INT, JAVA_INT, JAVA_INT);
    private static final MethodHandle BIND = call("bind", JAVA_INT, ADDRESS, JAVA_INT);
    private static final MethodHandle SHUTDOWN = call("shutdown", JAVA_INT, JAVA_INT);
    private static final MethodHandle CLOSE = call("close", JAVA_INT);
    private static final MethodHandle RECV = Linker.nativeLinker()
            .downcallHandle(
                    Linker.nativeLinker().defaultLookup().findOrThrow("recv"),
                    FunctionDescriptor.of(JAVA_LONG, JAVA_INT, ADDRESS, JAVA_LONG, JAVA_INT));

    private final List<String> notices = new CopyOnWriteArrayList<>();
    private final int descriptor;
    private final Thread thread;

    /** @param name a path; or {@code @} and a name, for an abstract address */
    FakeManager(String name) throws Throwable {
        descriptor = (int) SOCKET.invokeExact(AF_UNIX, SOCK_DGRAM, 0);
        try (Arena arena = Arena.ofConfined()) {
            byte[] path = name.getBytes(StandardCharsets.UTF_8);
            if (name.startsWith("@")) {
                path[0] = 0;
            }
            MemorySegment address = arena.allocate(110, 2);
            address.set(JAVA_SHORT, 0, (short) AF_UNIX);
            MemorySegment.copy(path, 0, address, JAVA_BYTE, 2, path.length);
            if ((int) BIND.invokeExact(descriptor, address, 2 + path.length) != 0) {
                throw new IllegalStateException("cannot listen at " + name);
            }
        }
        thread = new Thread(this::listen, "fake-manager");
        thread.start();
    }

    private void listen() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment buffer = arena.allocate(NOTICE_BYTES);
            long length = (long) RECV.invokeExact(descriptor, buffer, (long) NOTICE_BYTES, 0);
            while (length > 0) {
                byte[] notice = buffer.asSlice(0, length).toArray(JAVA_BYTE);
                notices.addAll(List.of(new String(notice, StandardCharsets.UTF_8).split("\n")));
                length = (long) RECV.invokeExact(descriptor, buffer, (long) NOTICE_BYTES, 0);
            }
        } catch (Throwable e) {
            throw new AssertionError(e);
        }
    }

    /** What was said until now, line by line. */
    List<String> notices() {
        return List.copyOf(notices);
    }

    void awaitNotice(String beginning) {
        await().atMost(LIMIT).until(() -> notices.stream().anyMatch(line -> line.startsWith(beginning)));
    }

    /** Forgets what was said. */
    void forget() {
        notices.clear();
    }

    @Override
    public void close() throws Exception {
        try {
            int ignored = (int) SHUTDOWN.invokeExact(descriptor, SHUT_RD);
            thread.join(LIMIT.toMillis());
            ignored = (int) CLOSE.invokeExact(descriptor);
        } catch (InterruptedException e) {
            throw e;
        } catch (Throwable e) {
            throw new AssertionError(e);
        }
    }

    private static MethodHandle call(String function, java.lang.foreign.MemoryLayout... arguments) {
        return Linker.nativeLinker()
                .downcallHandle(
                        Linker.nativeLinker().defaultLookup().findOrThrow(function),
                        FunctionDescriptor.of(JAVA_INT, arguments));
    }
}
