package io.holdfast.arp;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;

/** Announcements since the start of the process, by NIC, form and outcome. Written by the announcer, read by anybody. */
public final class AnnounceCounters {

    private record Key(String nic, AnnounceForm form, AnnounceOutcome outcome) {}

    private final List<String> nics;
    private final Map<Key, AtomicLong> counts;

    AnnounceCounters(List<String> nics) {
        this.nics = List.copyOf(nics);
        Map<Key, AtomicLong> all = new HashMap<>();
        for (String nic : nics) {
            for (AnnounceForm form : AnnounceForm.values()) {
                for (AnnounceOutcome outcome : AnnounceOutcome.values()) {
                    all.put(new Key(nic, form, outcome), new AtomicLong());
                }
            }
        }
        this.counts = Map.copyOf(all);
    }

    /** The NICs that are counted. */
    public List<String> nics() {
        return nics;
    }

    /**
     * One of the counts.
     *
     * @throws IllegalArgumentException if this NIC is not counted
     */
    public long count(String nic, AnnounceForm form, AnnounceOutcome outcome) {
        return counter(nic, form, outcome).get();
    }

    void increment(String nic, AnnounceForm form, AnnounceOutcome outcome) {
        counter(nic, form, outcome).incrementAndGet();
    }

    private AtomicLong counter(String nic, AnnounceForm form, AnnounceOutcome outcome) {
        AtomicLong counter = counts.get(new Key(nic, form, outcome));
        if (counter == null) {
            throw new IllegalArgumentException("no NIC is named '" + nic + "', only " + nics);
        }
        return counter;
    }
}
