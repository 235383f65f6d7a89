package io.holdfast.cli.bench;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.holdfast.control.CommandException;
import io.holdfast.control.ControlClient;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;

/**
 * Owns a proxy's wall, as an engine without a guest.
 *
 * <p><b>Threads.</b> One.
 */
public final class EngineSession implements AutoCloseable {

    private static final ObjectMapper JSON = new ObjectMapper();
    private static final long LEASE_NANOS = 1_000_000_000L;

    private final ControlClient wall;
    private final String incarnation;

    private EngineSession(ControlClient wall, String incarnation) {
        this.wall = wall;
        this.incarnation = incarnation;
    }

    public static EngineSession own(Path socket) throws IOException, CommandException {
        ControlClient wall = ControlClient.connect(socket, Duration.ofSeconds(30));
        JsonNode owned = wall.execute(
                "hello",
                JSON.createObjectNode()
                        .put("term", 1)
                        .put("claim", "promotion")
                        .put("owner", "bench")
                        .put("epoch", 1));
        return new EngineSession(wall, owned.path("incarnation").asText());
    }

    /** Closes the open epoch; its number. */
    public long barrier() throws IOException, CommandException {
        return wall.execute("barrier", named()).path("epoch").asLong();
    }

    public void commit(long epoch) throws IOException, CommandException {
        wall.execute("commit", named().put("epoch", epoch).put("lease_until_nanos", System.nanoTime() + LEASE_NANOS));
    }

    public void open() throws IOException, CommandException {
        wall.execute("open", named().put("reason", "benchmark"));
    }

    public long heldFrames() throws IOException, CommandException {
        return wall.execute("status", JSON.createObjectNode())
                .path("held_frames")
                .asLong();
    }

    @Override
    public void close() {
        wall.close();
    }

    private ObjectNode named() {
        return JSON.createObjectNode().put("incarnation", incarnation).put("term", 1);
    }
}
