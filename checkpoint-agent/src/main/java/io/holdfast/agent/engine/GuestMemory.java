package io.holdfast.agent.engine;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.channels.FileChannel.MapMode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.Set;

/** A guest's memory, which is a file that QEMU shares with us. Mapped, not kept open (see {@link QemuProcess}). */
final class GuestMemory implements AutoCloseable {

    private final Arena arena;
    private final MemorySegment segment;
    /** Tells the file apart from another one of the same name. */
    private final Object fileKey;

    private GuestMemory(Arena arena, MemorySegment segment, Object fileKey) {
        this.arena = arena;
        this.segment = segment;
        this.fileKey = fileKey;
    }

    static GuestMemory mapReadOnly(Path file) throws EngineException {
        return map(file, MapMode.READ_ONLY, Set.of(StandardOpenOption.READ));
    }

    static GuestMemory mapWritable(Path file) throws EngineException {
        return map(file, MapMode.READ_WRITE, Set.of(StandardOpenOption.READ, StandardOpenOption.WRITE));
    }

    @SuppressWarnings("MustBeClosed") // The arena is closed with the memory.
    private static GuestMemory map(Path file, MapMode mode, Set<StandardOpenOption> options) throws EngineException {
        Arena arena = Arena.ofShared();
        try (FileChannel channel = FileChannel.open(file, options)) {
            return new GuestMemory(arena, channel.map(mode, 0, channel.size(), arena), keyOf(file));
        } catch (IOException e) {
            arena.close();
            throw new EngineException(
                    "cannot map the guest's memory %s: %s; QEMU needs -object memory-backend-file,mem-path=%s,share=on"
                            .formatted(file, e, file),
                    e);
        }
    }

    private static Object keyOf(Path file) throws IOException {
        return Files.readAttributes(file, BasicFileAttributes.class).fileKey();
    }

    /** @throws EngineException if {@code file} is another one now: QEMU makes a new one, of zeros, where it finds none */
    void requireToBe(Path file) throws EngineException {
        try {
            if (!keyOf(file).equals(fileKey)) {
                throw new EngineException("%s is not the guest's memory any more, but another file".formatted(file));
            }
        } catch (IOException e) {
            throw new EngineException("the guest's memory %s is gone: %s".formatted(file, e), e);
        }
    }

    MemorySegment segment() {
        return segment;
    }

    /** Owns what lives as long as the mapping. */
    Arena arena() {
        return arena;
    }

    /** Idempotent. Nobody may use the memory any more. */
    @Override
    public void close() {
        if (arena.scope().isAlive()) {
            arena.close();
        }
    }
}
