package io.holdfast.reverse.model;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Judges what clients are sent, frame by frame as a trace at their interface has it. Connections that were open before the trace
 * began are not judged.
 *
 * <p><b>Threads.</b> One.
 */
public final class TraceJudge {

    private final int guestPort;
    private final SegmentCodec codec = new SegmentCodec();
    private final Verdicts verdicts = new Verdicts();
    private final Map<Endpoints, ConnectionJudge> connections = new HashMap<>();
    private final List<ConnectionJudge> all = new ArrayList<>();

    /** @param guestPort tells the two directions apart */
    public TraceJudge(int guestPort) {
        this.guestPort = guestPort;
    }

    /** Takes the next frame of the trace, which is TCP. */
    public void onFrame(MemorySegment memory, long offsetBytes, int lengthBytes, long nowNanos) {
        Endpoints from = codec.endpointsOf(memory, offsetBytes, lengthBytes);
        Segment segment = codec.readUnfinished(memory, offsetBytes, lengthBytes);
        if (from.sourcePort() == guestPort) {
            ConnectionJudge connection = connections.get(withoutMac(from.reversed()));
            if (connection != null) {
                connection.onGuestSegment(segment, nowNanos);
            }
        } else {
            ConnectionJudge connection = ofClient(withoutMac(from), segment);
            if (connection != null) {
                connection.onClientSegment(segment);
            }
        }
    }

    private @Nullable ConnectionJudge ofClient(Endpoints from, Segment segment) {
        ConnectionJudge known = connections.get(from);
        boolean opens = segment.has(Segment.SYN) && (known == null || !known.isOpenedBy(segment));
        if (!opens) {
            return known;
        }
        ConnectionJudge begun = new ConnectionJudge(segment, verdicts);
        connections.put(from, begun);
        all.add(begun);
        return begun;
    }

    private static Endpoints withoutMac(Endpoints from) {
        return new Endpoints(
                0,
                0,
                from.vlanId(),
                from.ipv6(),
                from.sourceHigh(),
                from.sourceLow(),
                from.destinationHigh(),
                from.destinationLow(),
                from.sourcePort(),
                from.destinationPort());
    }

    /** The newest connection from a client's port. */
    public Optional<ConnectionJudge> from(int clientPort) {
        return connections.entrySet().stream()
                .filter(connection -> connection.getKey().sourcePort() == clientPort)
                .map(Map.Entry::getValue)
                .findFirst();
    }

    /** All connections that began within the trace. */
    public List<ConnectionJudge> connections() {
        return List.copyOf(all);
    }

    /** What clients would have found fault with. */
    public Verdicts verdicts() {
        return verdicts;
    }
}
