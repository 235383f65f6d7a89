package io.holdfast.reverse;

import io.holdfast.frame.TcpSegment;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Connections of which nothing is known, beside a guest that was restored from a checkpoint older than this life of the proxy,
 * or behind another proxy: what their clients had been told, or how they are numbered, is lost with the ledgers. They are
 * refused, never guessed (INV-12). Connections that begin later are none.
 */
final class Strangers {

    private final Map<FlowKey, Boolean> begun;
    private boolean refused;

    /** @param limit how many connections without a ledger may be open at once; the oldest is a stranger again if there are more */
    Strangers(int limit) {
        this.begun = new LinkedHashMap<>() {
            @Override
            protected boolean removeEldestEntry(Map.Entry<FlowKey, Boolean> eldest) {
                return size() > limit;
            }
        };
    }

    /** From now on nobody is believed who has not begun since. */
    void refuse() {
        refused = true;
        begun.clear();
    }

    /** Whether a segment is of such a connection, and must get nowhere. */
    boolean isOne(FlowKey key, TcpSegment segment) {
        if (!refused) {
            return false;
        }
        if ((segment.flags() & TcpSegment.SYN) != 0) {
            begun.put(key.copy(), true);
            return false;
        }
        return !begun.containsKey(key);
    }
}
