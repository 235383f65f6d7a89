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
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Memory by mmap(2). It is unmapped when its arena is closed.
 *
 * <p><b>Threads.</b> Any.
 */
public final class MappedMemory {

    private static final Logger log = LoggerFactory.getLogger(MappedMemory.class);

    private static final int PROT_READ_WRITE = 3;
    private static final int MAP_SHARED = 1;
    private static final int MAP_PRIVATE_ANONYMOUS = 0x22;
    private static final long MAP_FAILED = -1;
    private static final int NO_DESCRIPTOR = -1;
    private static final int MADV_HUGEPAGE = 14;
    private static final int MADV_POPULATE_WRITE = 23;
    private static final int EINVAL = 22;

    private static final Linker LINKER = Linker.nativeLinker();
    private static final Linker.Option ERRNO = Linker.Option.captureCallState("errno");
    private static final long ERRNO_OFFSET =
            Linker.Option.captureStateLayout().byteOffset(MemoryLayout.PathElement.groupElement("errno"));

    private static final MethodHandle MMAP = call(
            "mmap", FunctionDescriptor.of(JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_INT, JAVA_INT, JAVA_INT, JAVA_LONG));
    private static final MethodHandle MUNMAP = call("munmap", FunctionDescriptor.of(JAVA_INT, JAVA_LONG, JAVA_LONG));
    private static final MethodHandle MADVISE =
            call("madvise", FunctionDescriptor.of(JAVA_INT, JAVA_LONG, JAVA_LONG, JAVA_INT));
    private static final MethodHandle STRERROR = LINKER.downcallHandle(
            LINKER.defaultLookup().findOrThrow("strerror"), FunctionDescriptor.of(ADDRESS, JAVA_INT));

    private MappedMemory() {}

    /**
     * Zeroes, in huge pages where the kernel has some: a walk through much memory then does not miss the processor's
     * address cache at every 4 KiB. All of it is there when this returns (Linux 5.14), so that it cannot be missing later.
     *
     * @throws OutOfMemoryError if there is not as much
     */
    public static MemorySegment allocate(Arena arena, long sizeBytes) {
        try (Arena temporary = Arena.ofConfined()) {
            MemorySegment errno = temporary.allocate(Linker.Option.captureStateLayout());
            long address = (long)
                    MMAP.invokeExact(errno, 0L, sizeBytes, PROT_READ_WRITE, MAP_PRIVATE_ANONYMOUS, NO_DESCRIPTOR, 0L);
            if (address == MAP_FAILED) {
                throw new OutOfMemoryError(sizeBytes + " bytes of memory: " + text(errno));
            }
            MemorySegment memory = MemorySegment.ofAddress(address).reinterpret(sizeBytes, arena, MappedMemory::unmap);
            if ((int) MADVISE.invokeExact(errno, address, sizeBytes, MADV_HUGEPAGE) < 0) {
                log.debug("no huge pages: {}", text(errno));
            }
            if ((int) MADVISE.invokeExact(errno, address, sizeBytes, MADV_POPULATE_WRITE) < 0
                    && errno.get(JAVA_INT, ERRNO_OFFSET) != EINVAL) {
                throw new OutOfMemoryError(sizeBytes + " bytes of memory: " + text(errno));
            }
            return memory;
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    /**
     * What is behind a file descriptor, shared with whoever else maps it.
     *
     * @throws IOException if the kernel refuses, with its reason
     */
    public static MemorySegment share(Arena arena, int descriptor, long sizeBytes) throws IOException {
        try (Arena temporary = Arena.ofConfined()) {
            MemorySegment errno = temporary.allocate(Linker.Option.captureStateLayout());
            long address = (long) MMAP.invokeExact(errno, 0L, sizeBytes, PROT_READ_WRITE, MAP_SHARED, descriptor, 0L);
            if (address == MAP_FAILED) {
                throw new IOException(text(errno));
            }
            return MemorySegment.ofAddress(address).reinterpret(sizeBytes, arena, MappedMemory::unmap);
        } catch (IOException e) {
            throw e;
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    private static void unmap(MemorySegment memory) {
        try (Arena temporary = Arena.ofConfined()) {
            MemorySegment errno = temporary.allocate(Linker.Option.captureStateLayout());
            if ((int) MUNMAP.invokeExact(errno, memory.address(), memory.byteSize()) < 0) {
                log.warn("unmapping {} bytes: {}", memory.byteSize(), text(errno));
            }
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    private static String text(MemorySegment state) throws Throwable {
        int errno = state.get(JAVA_INT, ERRNO_OFFSET);
        MemorySegment text = (MemorySegment) STRERROR.invokeExact(errno);
        return text.reinterpret(256).getString(0) + " (errno " + errno + ")";
    }

    private static Error unexpected(Throwable e) {
        return e instanceof Error error ? error : new AssertionError(e);
    }

    private static MethodHandle call(String name, FunctionDescriptor type) {
        return LINKER.downcallHandle(LINKER.defaultLookup().findOrThrow(name), type, ERRNO);
    }
}
