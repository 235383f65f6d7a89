package io.holdfast.agent.engine;

import io.holdfast.memory.SparseFile;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Files with the memory of a checkpoint, for hypervisors that are yet to be started. While one attempt to restore a guest runs,
 * the memory for the next one is made here, which takes most of the time that having another hypervisor takes. A process that
 * waits beside the one that runs cannot be had: a tap has room for one (TUNSETIFF says EBUSY to a second).
 *
 * <p>As many are kept as were asked for, and one that is taken is made up for. Each costs as much memory as the guest has while it
 * is there, and none is there before {@link #fillFrom}. A failure ends the filling, and whoever takes gets none: it is a matter of
 * time, not of correctness. Nor is one made that would leave the guest that runs too little room: its file is sparse, and a page of
 * it that finds none is its end (SIGBUS).
 *
 * <p><b>Threads.</b> Any.
 */
public final class SpareMemories implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(SpareMemories.class);

    /** A part is copied between two looks at whether it is still wanted. */
    private static final long PART_BYTES = 4L << 20;

    /** How much may still be written beside the guest's memory. */
    interface Room {
        long freeBytes() throws IOException;
    }

    private final Path memory;
    private final int wanted;
    private final Room room;
    private final Deque<Path> filled = new ArrayDeque<>();
    private @Nullable Thread filler;
    private boolean filling;
    private boolean ending;

    /**
     * None yet; removes those that an earlier agent has left.
     *
     * @param memory the guest's, beside which they are
     * @param wanted how many shall wait
     */
    public SpareMemories(Path memory, int wanted) {
        this(
                memory,
                wanted,
                () -> Files.getFileStore(CoveredDirectories.directoryOf(memory)).getUsableSpace());
    }

    SpareMemories(Path memory, int wanted, Room room) {
        this.memory = memory;
        this.wanted = wanted;
        this.room = room;
        removeAll();
    }

    /**
     * Begins to fill them, unless that was begun.
     *
     * @param checkpoint is read until {@link #empty}, and must not change
     */
    public synchronized void fillFrom(MemorySegment checkpoint) {
        if (wanted == 0 || filler != null) {
            return;
        }
        filling = true;
        Thread thread = new Thread(() -> fill(checkpoint), "spare-memory");
        thread.setDaemon(true);
        filler = thread;
        thread.start();
    }

    private void fill(MemorySegment checkpoint) {
        try {
            for (int number = 1; awaitNeed(); number++) {
                requireRoom(checkpoint.byteSize());
                Path file = file(Integer.toString(number));
                if (write(checkpoint, file)) {
                    add(file);
                }
            }
        } catch (IOException | RuntimeException e) {
            LOG.warn("no spare memory is made any more, and a further attempt takes longer: {}", e.toString());
        } finally {
            endFilling();
        }
    }

    private synchronized boolean awaitNeed() {
        try {
            while (!ending && filled.size() >= wanted) {
                wait();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
        return !ending;
    }

    private synchronized void add(Path file) {
        filled.add(file);
        notifyAll();
    }

    private synchronized void endFilling() {
        filling = false;
        notifyAll();
    }

    private synchronized boolean isEnding() {
        return ending;
    }

    private void requireRoom(long spareBytes) throws IOException {
        long guestBytes = SparseFile.missingBytes(memory, spareBytes);
        long freeBytes = room.freeBytes();
        if (freeBytes < spareBytes + guestBytes) {
            throw new IOException("it needs %d MiB beside %s, whose guest may take another %d MiB, and %d MiB are free"
                    .formatted(spareBytes >> 20, memory, guestBytes >> 20, freeBytes >> 20));
        }
    }

    /** Written rather than mapped, so that a file system without room says so; then nothing is left of it. */
    private boolean write(MemorySegment checkpoint, Path file) throws IOException {
        boolean whole = false;
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
            for (long at = 0; at < checkpoint.byteSize() && !isEnding(); ) {
                long partBytes = Math.min(PART_BYTES, checkpoint.byteSize() - at);
                at += channel.write(checkpoint.asSlice(at, partBytes).asByteBuffer());
            }
            whole = !isEnding();
            return whole;
        } finally {
            if (!whole) {
                Files.deleteIfExists(file);
            }
        }
    }

    /**
     * One of them, which is the caller's from now on; waits for the one that is being filled. Empty if there is none, and none will
     * be.
     */
    public synchronized Optional<Path> take() {
        try {
            while (filled.isEmpty() && filling) {
                wait();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        Optional<Path> taken = Optional.ofNullable(filled.poll());
        notifyAll();
        return taken;
    }

    /** How many are filled, and wait. */
    public synchronized int waiting() {
        return filled.size();
    }

    /** Removes all, and reads the checkpoint no more. They can be filled again. */
    public void empty() {
        Thread running;
        synchronized (this) {
            ending = true;
            running = filler;
            notifyAll();
        }
        try {
            if (running != null) {
                running.join();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        synchronized (this) {
            filled.clear();
            filler = null;
            ending = false;
        }
        removeAll();
    }

    private void removeAll() {
        Path directory = CoveredDirectories.directoryOf(memory);
        if (!Files.isDirectory(directory)) {
            return;
        }
        String prefix = String.valueOf(file("").getFileName());
        try (DirectoryStream<Path> left = Files.newDirectoryStream(
                directory, file -> String.valueOf(file.getFileName()).startsWith(prefix))) {
            for (Path file : left) {
                Files.deleteIfExists(file);
            }
        } catch (IOException e) {
            LOG.warn("spare memory of the guest is left in {}: {}", directory, e.toString());
        }
    }

    private Path file(String number) {
        return memory.resolveSibling(memory.getFileName() + ".spare-" + number);
    }

    @Override
    public void close() {
        empty();
    }
}
