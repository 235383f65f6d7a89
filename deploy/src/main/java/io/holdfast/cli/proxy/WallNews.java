package io.holdfast.cli.proxy;

import io.holdfast.wall.BufferWall;
import io.holdfast.wall.WallState;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Writes every change of the wall's state to the log, which is the audit of who opened it and why, and tells the
 * subscribers ({@code WALL_STATE}). Confined to the command thread, on which alone the state changes.
 */
final class WallNews {

    private static final Logger LOG = LoggerFactory.getLogger(WallNews.class);

    private final BufferWall wall;
    private final EventSink events;
    private WallState reported;

    WallNews(BufferWall wall, EventSink events) {
        this.wall = wall;
        this.events = events;
        this.reported = wall.state();
    }

    /** To be called after whatever may have changed the state. */
    void reportIfChanged() {
        WallState state = wall.state();
        if (state == reported) {
            return;
        }
        LOG.info("wall {} -> {}, term {}: {}", reported, state, wall.term(), wall.because());
        events.emit(
                "WALL_STATE",
                Json.object()
                        .put("from", reported.name())
                        .put("to", state.name())
                        .put("because", wall.because()));
        reported = state;
    }
}
