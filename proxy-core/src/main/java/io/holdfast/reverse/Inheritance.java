package io.holdfast.reverse;

import io.holdfast.frame.TcpFrame;
import java.lang.foreign.MemorySegment;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Connections that an earlier life of this proxy translated. Their ledgers are lost, so that the wall holds what the guest says
 * on them; how they are numbered was kept on disk, and they go on.
 *
 * <p>What is on disk must never be taken for the numbering of a later connection between the same ports: that one does not
 * begin before its namesake is gone from there. Its client says so again within a second.
 */
final class Inheritance {

    private final SegmentRewriter rewriter;
    private final Map<FlowKey, Translation> inherited = new HashMap<>();
    /** What a next life would inherit. */
    private Set<FlowKey> onDisk = Set.of();

    private long version;

    Inheritance(SegmentRewriter rewriter) {
        this.rewriter = rewriter;
    }

    /** What was found on disk at the start. */
    void take(List<KeptTranslation> found) {
        for (KeptTranslation kept : found) {
            inherited.put(FlowKey.of(kept), Translation.of(kept.sequenceOffset(), kept.timestampOffset()));
        }
        onKept(found);
    }

    /** What is on disk from now on. */
    void onKept(List<KeptTranslation> kept) {
        Set<FlowKey> keys = new HashSet<>();
        kept.forEach(each -> keys.add(FlowKey.of(each)));
        onDisk = keys;
    }

    /** Whether a next life would take a connection between these ports for one that was translated. */
    boolean isOnDisk(FlowKey key) {
        return onDisk.contains(key);
    }

    boolean has(FlowKey key) {
        return find(key) != null;
    }

    /** The guest has said that a connection is over, or that another one begins. A client's word could be anybody's. */
    void end(FlowKey key) {
        if (inherited.remove(key) != null) {
            version++;
        }
    }

    /** Translates a segment of the guest, if it is of such a connection. */
    void toClient(FlowKey key, TcpFrame frame, MemorySegment memory, long offsetBytes) {
        Translation translation = find(key);
        if (translation != null) {
            rewriter.renumber(memory, offsetBytes, frame, translation);
        }
    }

    /** Translates a segment of a client, if it is of such a connection. */
    void toGuest(FlowKey key, TcpFrame frame, MemorySegment memory, long offsetBytes) {
        Translation translation = find(key);
        if (translation != null) {
            rewriter.toGuest(memory, offsetBytes, frame, translation);
        }
    }

    /** {@link Translation#sequenceOffset}; 0 if it is not of such a connection. */
    int sequenceOffset(FlowKey key) {
        Translation translation = find(key);
        return translation == null ? 0 : translation.sequenceOffset();
    }

    private @Nullable Translation find(FlowKey key) {
        return inherited.isEmpty() ? null : inherited.get(key);
    }

    /** Grows whenever one has ended. */
    long version() {
        return version;
    }

    int count() {
        return inherited.size();
    }

    void addTo(Collection<KeptTranslation> all) {
        inherited.forEach((key, translation) -> all.add(key.kept(translation)));
    }
}
