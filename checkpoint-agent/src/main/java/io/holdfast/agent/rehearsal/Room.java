package io.holdfast.agent.rehearsal;

import io.holdfast.memory.SparseFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The room for another guest on this host. It is looked at before, because the kernel would not refuse memory that is not
 * there: it would kill, and could take the QEMU that waits.
 *
 * @param availableBytes of memory, as the kernel estimates it (MemAvailable in proc(5))
 * @param sharedMemoryBytes that may still be written to {@code /dev/shm}
 * @param promisedBytes of those that the memory of the QEMU that waits may still take, because its file is sparse: a checkpoint
 *     that finds no room for a page is lost, and protection with it
 */
record Room(long availableBytes, long sharedMemoryBytes, long promisedBytes) {

    /** What a QEMU takes beside its guest's memory, and what is to be left for everybody else. */
    static final long MARGIN_BYTES = 512L << 20;

    /** For small files, such as the devices' state. */
    static final long SHARED_MARGIN_BYTES = 16L << 20;

    private static final Path MEMINFO = Path.of("/proc/meminfo");
    private static final Path SHARED_MEMORY = Path.of("/dev/shm");
    private static final Pattern AVAILABLE = Pattern.compile("(?m)^MemAvailable:\\s+(\\d+) kB$");

    /**
     * What there is now.
     *
     * @param standbyMemory the file that the QEMU has which waits
     * @param memoryBytes of its guest
     */
    static Room beside(Path standbyMemory, long memoryBytes) throws IOException {
        Matcher available = AVAILABLE.matcher(Files.readString(MEMINFO));
        if (!available.find()) {
            throw new IOException(MEMINFO + " does not say how much memory is available");
        }
        return new Room(
                Long.parseLong(available.group(1)) << 10,
                Files.getFileStore(SHARED_MEMORY).getUsableSpace(),
                isInSharedMemory(standbyMemory) ? SparseFile.missingBytes(standbyMemory, memoryBytes) : 0);
    }

    private static boolean isInSharedMemory(Path file) throws IOException {
        return Files.exists(file)
                && Files.getAttribute(file, "unix:dev").equals(Files.getAttribute(SHARED_MEMORY, "unix:dev"));
    }

    /** What is missing for a guest with that much memory, with the figures; empty if it has room. */
    Optional<String> shortageFor(long memoryBytes) {
        long neededBytes = memoryBytes + MARGIN_BYTES;
        if (availableBytes < neededBytes) {
            return Optional.of(
                    "a second guest needs %d MiB of memory with what is left free beside it, and %d MiB are available"
                            .formatted(neededBytes >> 20, availableBytes >> 20));
        }
        long neededSharedBytes = memoryBytes + promisedBytes + SHARED_MARGIN_BYTES;
        if (sharedMemoryBytes < neededSharedBytes) {
            return Optional.of(
                    "a second guest needs %d MiB in %s, with what the guest that waits may still take, and %d MiB are free; give it more, as size= of its mount"
                            .formatted(neededSharedBytes >> 20, SHARED_MEMORY, sharedMemoryBytes >> 20));
        }
        return Optional.empty();
    }
}
