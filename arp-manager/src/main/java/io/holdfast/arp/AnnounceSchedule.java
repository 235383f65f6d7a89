package io.holdfast.arp;

import java.time.Duration;
import java.util.List;

/**
 * When announcements are repeated: some rounds at fixed times after the start, then one every so often.
 *
 * <p>The first ones come fast because clients wait, the later ones more than a second apart because Linux does not change
 * a neighbour entry again within a second (locktime), and the refresh goes on because caches live for hours and networks
 * are repaired at any time.
 *
 * @param offsets of the first rounds from the start, ascending, not negative, at least one
 * @param refresh between all later rounds; zero for none
 */
public record AnnounceSchedule(List<Duration> offsets, Duration refresh) {

    private static final Duration MAX = Duration.ofHours(24);
    private static final Duration MIN_REFRESH = Duration.ofSeconds(1);

    /** There is no such round. */
    public static final long NEVER = Long.MAX_VALUE;

    /** 0, 50, 200, 450, 800 ms, then 1.9, 3.0, 4.1, 5.2 s, then every 60 s. */
    public static final AnnounceSchedule DEFAULT =
            ofMillis(List.of(0, 50, 200, 450, 800, 1_900, 3_000, 4_100, 5_200), 60_000);

    public AnnounceSchedule {
        offsets = List.copyOf(offsets);
        if (offsets.isEmpty()) {
            throw new IllegalArgumentException("an announcement schedule needs at least one time, such as 0ms");
        }
        Duration last = Duration.ofNanos(-1);
        for (Duration offset : offsets) {
            if (offset.compareTo(last) <= 0 || offset.compareTo(MAX) > 0) {
                throw new IllegalArgumentException(
                        "announcement times must ascend from 0 to at most " + MAX + ", not " + offsets);
            }
            last = offset;
        }
        if (!refresh.isZero() && (refresh.compareTo(MIN_REFRESH) < 0 || refresh.compareTo(MAX) > 0)) {
            throw new IllegalArgumentException("announcements are refreshed every " + MIN_REFRESH + " to " + MAX
                    + ", or never (0), not " + refresh);
        }
    }

    private static AnnounceSchedule ofMillis(List<Integer> offsetsMillis, int refreshMillis) {
        return new AnnounceSchedule(
                offsetsMillis.stream().map(Duration::ofMillis).toList(), Duration.ofMillis(refreshMillis));
    }

    /** How long after the start a round is due, in nanoseconds; {@link #NEVER} if there is none of that number (from 0). */
    public long offsetNanos(long round) {
        if (round < offsets.size()) {
            return offsets.get((int) round).toNanos();
        }
        if (refresh.isZero()) {
            return NEVER;
        }
        return offsets.getLast().toNanos() + (round - offsets.size() + 1) * refresh.toNanos();
    }

    /** How many rounds have become due within this time after the start. */
    public long roundsDue(long elapsedNanos) {
        int due = 0;
        while (due < offsets.size() && offsets.get(due).toNanos() <= elapsedNanos) {
            due++;
        }
        if (due < offsets.size() || refresh.isZero()) {
            return due;
        }
        return due + (elapsedNanos - offsets.getLast().toNanos()) / refresh.toNanos();
    }
}
