package io.holdfast.config;

import java.time.Duration;
import java.util.List;

/**
 * When the guest's addresses are announced after a promotion.
 *
 * @param schedule times since the promotion, ascending
 * @param refresh interval of the announcements after the schedule has ended
 * @param framesPerSecond limit for each NIC
 */
public record AnnounceConfig(List<Duration> schedule, Duration refresh, int framesPerSecond) {

    public AnnounceConfig {
        schedule = List.copyOf(schedule);
    }
}
