package io.holdfast.reverse.model;

import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/** What an endpoint found fault with: all of it counted, and the first few of each kind described. */
public final class Verdicts {

    /** So many of each kind are described. */
    public static final int MAX_DESCRIBED = 8;

    private final Map<Verdict, Long> counts = new EnumMap<>(Verdict.class);
    private final List<Entry> entries = new ArrayList<>();

    /**
     * One of them.
     *
     * @param rcvNxt of the endpoint at that time, like the others
     */
    public record Entry(Verdict verdict, Segment segment, long nowNanos, int rcvNxt, int sndUna, int sndNxt) {

        @Override
        public String toString() {
            return "%s at %d ns: %s (rcv.nxt %s, snd.una %s, snd.nxt %s)"
                    .formatted(
                            verdict,
                            nowNanos,
                            segment,
                            Integer.toUnsignedString(rcvNxt),
                            Integer.toUnsignedString(sndUna),
                            Integer.toUnsignedString(sndNxt));
        }
    }

    public long count(Verdict verdict) {
        return counts.getOrDefault(verdict, 0L);
    }

    /** Those that no ordinary network explains ({@link Verdict#isOrdinary}). */
    public long faultCount() {
        return counts.entrySet().stream()
                .filter(entry -> !entry.getKey().isOrdinary())
                .mapToLong(Map.Entry::getValue)
                .sum();
    }

    /** In the order of time; at most {@link #MAX_DESCRIBED} of each kind. */
    public List<Entry> entries() {
        return List.copyOf(entries);
    }

    void add(Entry entry) {
        if (counts.merge(entry.verdict, 1L, Long::sum) <= MAX_DESCRIBED) {
            entries.add(entry);
        }
    }

    void addAll(Verdicts others) {
        others.counts.forEach((verdict, count) -> counts.merge(verdict, count, Long::sum));
        for (Entry entry : others.entries) {
            if (entries.stream().filter(e -> e.verdict == entry.verdict).count() < MAX_DESCRIBED) {
                entries.add(entry);
            }
        }
    }

    Verdicts copy() {
        Verdicts copy = new Verdicts();
        copy.counts.putAll(counts);
        copy.entries.addAll(entries);
        return copy;
    }

    @Override
    public String toString() {
        return counts + (entries.isEmpty() ? "" : " " + entries);
    }
}
