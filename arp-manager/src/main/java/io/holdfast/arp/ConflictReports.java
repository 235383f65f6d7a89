package io.holdfast.arp;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/**
 * Decides which conflicts are to be told of: each when it is new, and then, if it goes on, at most once per second. Pure;
 * times are monotonic. Confined to one thread.
 */
public final class ConflictReports {

    private static final long INTERVAL_NANOS = TimeUnit.SECONDS.toNanos(1);

    /**
     * A conflict that is to be told of.
     *
     * @param isNew whether it was not told of before, or by now concerns the owner
     */
    public record Report(Conflict conflict, boolean isNew) {}

    private record Told(Conflict conflict, long atNanos) {}

    private List<Told> told = List.of();

    /**
     * What is to be told now.
     *
     * @param present all conflicts that there are
     */
    public List<Report> due(List<Conflict> present, long nowNanos) {
        List<Report> reports = new ArrayList<>();
        List<Told> next = new ArrayList<>();
        for (Conflict conflict : present) {
            Optional<Told> before =
                    told.stream().filter(t -> t.conflict().isSame(conflict)).findFirst();
            if (before.isEmpty()) {
                reports.add(new Report(conflict, true));
                next.add(new Told(conflict, nowNanos));
            } else if (!before.get().conflict().equals(conflict) && isOver(before.get(), nowNanos)) {
                reports.add(new Report(conflict, before.get().conflict().inDoubt() && !conflict.inDoubt()));
                next.add(new Told(conflict, nowNanos));
            } else {
                next.add(before.get());
            }
        }
        // One that was resolved and comes again at once is still told of no more often.
        told.stream()
                .filter(t ->
                        !isOver(t, nowNanos) && present.stream().noneMatch(conflict -> conflict.isSame(t.conflict())))
                .forEach(next::add);
        told = List.copyOf(next);
        return reports;
    }

    private static boolean isOver(Told told, long nowNanos) {
        return nowNanos - told.atNanos() >= INTERVAL_NANOS;
    }
}
