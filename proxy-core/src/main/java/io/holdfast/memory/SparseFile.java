package io.holdfast.memory;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.nio.file.Path;

/**
 * What a file has of the room that its size promises, by statx(2), which Java does not tell.
 *
 * <p><b>Threads.</b> Any.
 */
public final class SparseFile {

    private static final int AT_FDCWD = -100;
    private static final int NO_FLAGS = 0;
    private static final int STATX_BLOCKS = 0x400;
    private static final long STATX_BYTES = 256;
    /** In struct statx, the same for all processors. */
    private static final long STX_BLOCKS_OFFSET = 48;
    /** Whatever the file system's own blocks are. */
    private static final long BLOCK_BYTES = 512;

    private static final int ENOENT = 2;

    private static final Linker LINKER = Linker.nativeLinker();
    private static final long ERRNO_OFFSET =
            Linker.Option.captureStateLayout().byteOffset(MemoryLayout.PathElement.groupElement("errno"));
    private static final MethodHandle STATX = LINKER.downcallHandle(
            LINKER.defaultLookup().findOrThrow("statx"),
            FunctionDescriptor.of(JAVA_INT, JAVA_INT, ADDRESS, JAVA_INT, JAVA_INT, ADDRESS),
            Linker.Option.captureCallState("errno"));

    private SparseFile() {}

    /**
     * How much more room a file takes when every page of it is written. All of it if there is no such file.
     *
     * @param sizeBytes that it has, or will have
     * @throws IOException if the kernel does not tell
     */
    public static long missingBytes(Path file, long sizeBytes) throws IOException {
        return Math.max(0, sizeBytes - allocatedBytes(file));
    }

    private static long allocatedBytes(Path file) throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment state = arena.allocate(Linker.Option.captureStateLayout());
            MemorySegment statx = arena.allocate(STATX_BYTES, Long.BYTES);
            int result = (int) STATX.invokeExact(
                    state, AT_FDCWD, arena.allocateFrom(file.toString()), NO_FLAGS, STATX_BLOCKS, statx);
            if (result == 0) {
                return statx.get(JAVA_LONG, STX_BLOCKS_OFFSET) * BLOCK_BYTES;
            }
            int errno = state.get(JAVA_INT, ERRNO_OFFSET);
            if (errno == ENOENT) {
                return 0;
            }
            throw new IOException("cannot see how much room %s takes: errno %d".formatted(file, errno));
        } catch (IOException | RuntimeException | Error e) {
            throw e;
        } catch (Throwable e) {
            throw new AssertionError(e);
        }
    }
}
