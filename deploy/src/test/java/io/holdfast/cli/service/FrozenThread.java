package io.holdfast.cli.service;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.io.IOException;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.stream.Stream;

/** One thread of another process that hangs, wherever it is, while the others go on: stopped as by a debugger (ptrace(2)). */
final class FrozenThread implements AutoCloseable {

    private static final long PTRACE_SEIZE = 0x4206;
    private static final long PTRACE_INTERRUPT = 0x4207;
    private static final long PTRACE_DETACH = 17;
    private static final int ALL_CHILDREN = 0x40000000; // __WALL

    private static final MethodHandle PTRACE =
            call("ptrace", FunctionDescriptor.of(JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG));
    private static final MethodHandle WAITPID =
            call("waitpid", FunctionDescriptor.of(JAVA_INT, JAVA_INT, ADDRESS, JAVA_INT));

    /** Only the thread that has stopped it may let it go on. */
    private final ExecutorService debugger = Executors.newSingleThreadExecutor();

    private final long threadId;

    private FrozenThread(long threadId) {
        this.threadId = threadId;
    }

    /** @param beginning of the thread's name, of which Linux knows the first 15 characters */
    static FrozenThread of(Process process, String beginning) throws Exception {
        FrozenThread frozen = new FrozenThread(threadId(process, beginning));
        frozen.debugger.submit(frozen::freeze).get();
        return frozen;
    }

    private static long threadId(Process process, String beginning) throws IOException {
        try (Stream<Path> tasks = Files.list(Path.of("/proc/" + process.pid() + "/task"))) {
            List<Path> threads = tasks.toList();
            for (Path thread : threads) {
                if (Files.readString(thread.resolve("comm")).startsWith(beginning)) {
                    return Long.parseLong(thread.getFileName().toString());
                }
            }
        }
        throw new IllegalStateException("no thread is called " + beginning);
    }

    private void freeze() {
        request(PTRACE_SEIZE);
        request(PTRACE_INTERRUPT);
        try {
            if ((int) WAITPID.invokeExact((int) threadId, MemorySegment.NULL, ALL_CHILDREN) != threadId) {
                throw new IllegalStateException("thread " + threadId + " does not stop");
            }
        } catch (RuntimeException | Error e) {
            throw e;
        } catch (Throwable e) {
            throw new AssertionError(e);
        }
    }

    private void request(long request) {
        try {
            if ((long) PTRACE.invokeExact(request, threadId, 0L, 0L) != 0) {
                throw new IllegalStateException("ptrace request " + request + " failed for thread " + threadId);
            }
        } catch (RuntimeException | Error e) {
            throw e;
        } catch (Throwable e) {
            throw new AssertionError(e);
        }
    }

    /** It goes on. */
    @Override
    public void close() throws Exception {
        debugger.submit(() -> request(PTRACE_DETACH)).get();
        debugger.shutdown();
    }

    private static MethodHandle call(String function, FunctionDescriptor type) {
        return Linker.nativeLinker()
                .downcallHandle(Linker.nativeLinker().defaultLookup().findOrThrow(function), type);
    }
}
