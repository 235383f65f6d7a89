package io.holdfast.cli.proxy;

import io.holdfast.audit.AuditEvent;
import io.holdfast.audit.AuditLog;
import io.holdfast.bridge.Bridge;
import io.holdfast.wall.BufferWall;
import io.holdfast.wall.WallState;

/**
 * Writes every change of the wall's state to the audit log, with who opened it and why, and tells the subscribers
 * ({@code WALL_STATE}). Confined to the command thread, on which alone the state changes.
 */
final class WallNews {

    private final BufferWall wall;
    private final Bridge bridge;
    private final EventSink events;
    private final AuditLog audit;
    private final Runnable onChange;
    private WallState reported;

    /** @param onChange called for each change, before another command is executed */
    WallNews(BufferWall wall, Bridge bridge, EventSink events, AuditLog audit, Runnable onChange) {
        this.wall = wall;
        this.bridge = bridge;
        this.events = events;
        this.audit = audit;
        this.onChange = onChange;
        this.reported = wall.state();
    }

    /** To be called after whatever may have changed the state. */
    void reportIfChanged() {
        WallState state = wall.state();
        if (state == reported) {
            return;
        }
        onChange.run();
        audit.note(
                AuditEvent.WALL,
                wall.term(),
                "wall %s -> %s, term %s: %s".formatted(reported, state, wall.term(), wall.because()),
                ProxyStatus.frameCounts(bridge));
        events.emit(
                ProxyEvent.WALL_STATE,
                Json.object()
                        .put("from", reported.name())
                        .put("to", state.name())
                        .put("because", wall.because()));
        reported = state;
    }
}
