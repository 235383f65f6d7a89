package io.holdfast.demo;

import java.io.BufferedReader;
import java.io.IOException;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * What the operator says while the clients run, a line each: {@code mark failover KILLED GONE}, with two times in
 * microseconds since 1970, and {@code stop}. The end of the input is a stop as well.
 */
final class Commands {

    private final List<Failover> failovers = new ArrayList<>();

    /** Reads until the stop. */
    void readFrom(BufferedReader input) throws IOException {
        for (String line = input.readLine(); line != null && !line.equals("stop"); line = input.readLine()) {
            failover(line, System.nanoTime(), microsSinceEpoch()).ifPresent(failovers::add);
        }
    }

    List<Failover> failovers() {
        return List.copyOf(failovers);
    }

    /** Puts the two times on the monotonic clock, or is empty if {@code line} is something else. */
    static Optional<Failover> failover(String line, long nowNanos, long nowMicros) {
        String[] words = line.split(" ", -1);
        if (words.length != 4 || !words[0].equals("mark") || !words[1].equals("failover")) {
            return Optional.empty();
        }
        return Optional.of(new Failover(
                nowNanos - (nowMicros - Long.parseLong(words[2])) * 1000,
                nowNanos - (nowMicros - Long.parseLong(words[3])) * 1000));
    }

    private static long microsSinceEpoch() {
        return ChronoUnit.MICROS.between(Instant.EPOCH, Instant.now());
    }
}
