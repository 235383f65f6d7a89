package io.holdfast.config;

import java.time.Duration;
import java.util.List;

/**
 * When the guest's addresses are announced after a promotion, and asked for before.
 *
 * @param schedule times since the promotion, ascending
 * @param refresh interval of the announcements after the schedule has ended
 * @param framesPerSecond limit for each NIC
 * @param probe how long a promotion asks before whether the guest still speaks elsewhere; zero if it does not ask
 */
public record AnnounceConfig(List<Duration> schedule, Duration refresh, int framesPerSecond, Duration probe) {

    /** Enough for a network in one building, and less than a restoration takes. */
    public static final Duration DEFAULT_PROBE = Duration.ofMillis(20);

    public AnnounceConfig {
        schedule = List.copyOf(schedule);
    }
}
