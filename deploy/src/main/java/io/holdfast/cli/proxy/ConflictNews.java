package io.holdfast.cli.proxy;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.holdfast.arp.Conflict;
import io.holdfast.arp.ConflictReports;
import io.holdfast.arp.ConflictWatch;
import io.holdfast.audit.AuditEvent;
import io.holdfast.audit.AuditLog;
import io.holdfast.wall.BufferWall;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * Tells of conflicts over the guest's addresses: the subscribers ({@code ADDRESS_CONFLICT}), and once for each the audit log.
 *
 * <p><b>Threads.</b> One of its own, so that whoever captures need not wait; {@link #wake} may be called by any thread and does
 * not block.
 */
final class ConflictNews implements AutoCloseable {

    /** While there are conflicts, which may go on. */
    private static final long LOOK_NANOS = 100_000_000;

    private final BufferWall wall;
    private final EventSink events;
    private final AuditLog audit;
    private final ConflictReports reports = new ConflictReports();
    private final Thread thread;
    private volatile @Nullable ConflictWatch watch;
    private volatile boolean stopping;

    ConflictNews(BufferWall wall, EventSink events, AuditLog audit) {
        this.wall = wall;
        this.events = events;
        this.audit = audit;
        this.thread = Thread.ofPlatform().name("conflict-news").daemon().unstarted(this::tellUntilStopped);
    }

    void start(ConflictWatch newWatch) {
        watch = newWatch;
        thread.start();
    }

    /** There is a new conflict. */
    void wake() {
        LockSupport.unpark(thread);
    }

    @Override
    public void close() {
        stopping = true;
        wake();
    }

    private void tellUntilStopped() {
        while (!stopping) {
            if (tell()) {
                LockSupport.parkNanos(this, LOOK_NANOS);
            } else {
                LockSupport.park(this);
            }
        }
    }

    /** Returns whether there are conflicts. */
    private boolean tell() {
        ConflictWatch watched = watch;
        if (watched == null) {
            return false;
        }
        var present = watched.conflicts();
        long nowNanos = System.nanoTime();
        for (ConflictReports.Report report : reports.due(present, nowNanos)) {
            if (report.isNew()) {
                log(report.conflict());
            }
            ObjectNode data = Json.object();
            write(report.conflict(), nowNanos, data);
            events.emit(ProxyEvent.ADDRESS_CONFLICT, data);
        }
        return !present.isEmpty();
    }

    private void log(Conflict conflict) {
        audit.note(
                AuditEvent.ADDRESS_CONFLICT,
                wall.term(),
                "address conflict on %s%s: %s %s of the guest is used by %s; %s"
                        .formatted(
                                conflict.nic(),
                                conflict.vlans().isEmpty() ? "" : ", VLAN " + conflict.vlans(),
                                conflict.kind().label(),
                                conflict.address(),
                                conflict.foreignMac(),
                                conflict.inDoubt()
                                        ? "the guest may be another host's by now"
                                        : "its announcements there stop until `announce` says `resolve`"));
    }

    static void write(Iterable<Conflict> conflicts, long nowNanos, ArrayNode array) {
        conflicts.forEach(conflict -> write(conflict, nowNanos, array.addObject()));
    }

    private static void write(Conflict conflict, long nowNanos, ObjectNode object) {
        object.put("nic", conflict.nic())
                .put("kind", conflict.kind().label())
                .put("address", conflict.address())
                .put("foreign_mac", conflict.foreignMac().toString());
        ArrayNode vlan = object.putArray("vlan");
        conflict.vlans().forEach(tag -> vlan.add(tag.toString()));
        object.put("standing", conflict.inDoubt() ? "in_doubt" : "owner")
                .put("count", conflict.count())
                .put("first_nanos", conflict.firstNanos())
                .put("last_nanos", conflict.lastNanos())
                .put("last_seen_ms", Json.millis(Math.max(0, nowNanos - conflict.lastNanos())));
    }
}
