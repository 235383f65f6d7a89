package io.holdfast.cli.proxy;

import io.holdfast.audit.AuditEvent;
import io.holdfast.audit.AuditLog;
import io.holdfast.bridge.Bridge;
import io.holdfast.bridge.NicCounters;
import io.holdfast.wall.BufferWall;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Says what became of the frames that a proxy held when it ended (INV-5): an orderly end counts them, and a start after any
 * other end says that nobody could. A file in the state directory is there as long as a proxy lives.
 *
 * <p>Confined to whoever starts and ends the proxy.
 */
final class LifeRecord implements AutoCloseable {

    private static final String FILE_NAME = "proxy-lives";

    private final Path file;
    private final BufferWall wall;
    private final AuditLog audit;
    private final Supplier<String> reason;
    private @Nullable Bridge bridge;

    private LifeRecord(Path file, BufferWall wall, AuditLog audit, Supplier<String> reason) {
        this.file = file;
        this.wall = wall;
        this.audit = audit;
        this.reason = reason;
    }

    /**
     * A life begins.
     *
     * @param reason why it ends, once it does
     * @throws IOException if the state directory cannot be written
     */
    static LifeRecord begin(Path stateDirectory, BufferWall wall, AuditLog audit, Supplier<String> reason)
            throws IOException {
        Path file = Files.createDirectories(stateDirectory).resolve(FILE_NAME);
        if (Files.exists(file)) {
            audit.note(
                    AuditEvent.PROXY_DIED,
                    wall.term(),
                    "the proxy with incarnation %s ended without a word: what it held is lost, and nobody counted it; none of it has left, and TCP sends it again"
                            .formatted(Files.readString(file)));
        }
        Files.writeString(file, wall.incarnation());
        return new LifeRecord(file, wall, audit, reason);
    }

    /** From here on frames are held. */
    void holdIn(Bridge holding) {
        bridge = holding;
    }

    /** The life ends in order; the bridge is closed. */
    @Override
    public void close() throws IOException {
        if (bridge != null) {
            List<NicCounters> nics = bridge.counters();
            long frames = nics.stream().mapToLong(NicCounters::bufferedFrames).sum();
            long bytes = nics.stream().mapToLong(NicCounters::bufferedBytes).sum();
            audit.note(
                    AuditEvent.PROXY_ENDED,
                    wall.term(),
                    "the proxy ends, because %s: %d frames that it held (%d bytes) are discarded; clients have not seen them, and TCP sends them again"
                            .formatted(reason.get(), frames, bytes),
                    Map.of("held_frames", frames, "held_bytes", bytes));
        }
        Files.deleteIfExists(file);
    }
}
