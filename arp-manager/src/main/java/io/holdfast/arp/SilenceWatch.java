package io.holdfast.arp;

import io.holdfast.frame.EthernetFrame;
import io.holdfast.frame.MacAddress;
import io.holdfast.frame.NetworkOrder;
import io.holdfast.measure.Counter;
import java.lang.foreign.MemorySegment;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BooleanSupplier;
import java.util.function.LongSupplier;

/**
 * Notices what comes from the guest's side of a wall that is shut (INV-9). The wall discards it, so nobody hears it. But
 * behind the wall of a backup no guest runs: whatever speaks there is one that should be dead, or is not the guest at all, and
 * would be heard after the next promotion.
 *
 * <p><b>Threads.</b> Each {@link Ear} belongs to the thread that captures on its NIC; it takes no lock and allocates nothing.
 * Everything else may be called by any thread.
 */
public final class SilenceWatch {

    private final BooleanSupplier isShut;
    private final LongSupplier nanoClock;
    private final Runnable onNews;
    private final Map<String, Ear> ears = new LinkedHashMap<>();

    /**
     * What was heard on one NIC.
     *
     * @param frames since the start of the process
     * @param lastSource who sent the last one
     * @param lastNanos when it was heard, monotonic
     */
    public record Breach(String nic, long frames, MacAddress lastSource, long lastNanos) {}

    /**
     * A watch that has heard nothing.
     *
     * @param nics the names of the guest's NICs
     * @param isShut whether nothing may leave or enter now; asked for each frame
     * @param nanoClock monotonic; read for frames that break the silence only
     * @param onNews called by a capturing thread for each of these; must neither block nor throw
     */
    public SilenceWatch(List<String> nics, BooleanSupplier isShut, LongSupplier nanoClock, Runnable onNews) {
        this.isShut = isShut;
        this.nanoClock = nanoClock;
        this.onNews = onNews;
        nics.forEach(nic -> ears.put(nic, new Ear()));
    }

    /** The NICs that are watched. */
    public List<String> nics() {
        return List.copyOf(ears.keySet());
    }

    /**
     * The one that listens on this NIC's guest side.
     *
     * @throws IllegalArgumentException if there is no NIC of this name
     */
    public Ear ear(String nic) {
        Ear ear = ears.get(nic);
        if (ear == null) {
            throw new IllegalArgumentException("no NIC is named '" + nic + "', only " + ears.keySet());
        }
        return ear;
    }

    /** How many frames have broken the silence on a NIC since the start of the process. */
    public long count(String nic) {
        return ear(nic).frames.value();
    }

    /** All NICs on which it was broken. */
    public List<Breach> breaches() {
        return ears.entrySet().stream()
                .filter(entry -> entry.getValue().frames.value() > 0)
                .map(entry -> entry.getValue().toBreach(entry.getKey()))
                .toList();
    }

    /** Listens on the guest's side of one NIC. */
    public final class Ear {

        private static final int SOURCE = MacAddress.BYTES;

        private final Counter frames = new Counter();
        private volatile long lastSource;
        private volatile long lastNanos;

        private Ear() {}

        /** Takes a frame that was captured on the guest's side. Whatever is wrong with the frame, it does not throw. */
        public void onFrame(MemorySegment memory, long offsetBytes, int lengthBytes) {
            if (!isShut.getAsBoolean() || lengthBytes < EthernetFrame.HEADER_BYTES) {
                return;
            }
            lastSource = NetworkOrder.getMac(memory, offsetBytes + SOURCE);
            lastNanos = nanoClock.getAsLong();
            frames.increment();
            onNews.run();
        }

        private Breach toBreach(String nic) {
            return new Breach(nic, frames.value(), new MacAddress(lastSource), lastNanos);
        }
    }
}
