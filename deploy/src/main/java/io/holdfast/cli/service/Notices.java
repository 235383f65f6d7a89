package io.holdfast.cli.service;

import io.holdfast.measure.Pulse;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.StringJoiner;

/**
 * Decides what a service manager is told (sd_notify(3)), from one look at the process to the next.
 *
 * <p>A process is ready when each of its threads has gone round for the first time, and it lives as long as each of them goes on
 * to: what hangs in a send is no use to anybody, though the process is there. Confined to one thread.
 */
final class Notices {

    private final boolean watched;
    private final Map<String, Long> seenRounds = new HashMap<>();
    private List<String> hanging = List.of();
    private boolean ready;
    private String status = "";

    /** @param watched whether the manager waits for signs of life, and ends the process if there are none */
    Notices(boolean watched) {
        this.watched = watched;
    }

    /**
     * One more look.
     *
     * @param pulses of all threads without which the process is no use
     * @param summary what it does, in one line
     * @return lines for the manager; empty if there is nothing to tell
     */
    String next(List<Pulse> pulses, String summary) {
        boolean first = seenRounds.isEmpty();
        hanging = pulses.stream().filter(this::hangs).map(Pulse::work).toList();
        pulses.forEach(pulse -> seenRounds.put(pulse.work(), pulse.rounds()));
        StringJoiner lines = new StringJoiner("\n");
        if (!first && hanging.isEmpty()) {
            if (!ready) {
                ready = true;
                lines.add("READY=1");
            }
            if (watched) {
                lines.add("WATCHDOG=1");
            }
        }
        String now = oneLine(first || hanging.isEmpty() ? summary : "hangs: " + String.join(", ", hanging));
        if (!now.equals(status)) {
            status = now;
            lines.add("STATUS=" + now);
        }
        return lines.toString();
    }

    /** Whether the manager knows that the process is ready. */
    boolean isReady() {
        return ready;
    }

    /** What had not gone round between the last two looks. */
    List<String> hanging() {
        return hanging;
    }

    private boolean hangs(Pulse pulse) {
        Long seen = seenRounds.get(pulse.work());
        return !pulse.waits() && (seen == null || seen == pulse.rounds());
    }

    private static String oneLine(String text) {
        return text.replace('\n', ' ');
    }
}
