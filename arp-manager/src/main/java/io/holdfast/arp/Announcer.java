package io.holdfast.arp;

import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * Sends the announcements of a guest's NICs, one series per NIC, each of which can be started, updated and cancelled by
 * the NIC's name.
 *
 * <p>Nothing is sent before a series is started (INV-9). Before every single frame the owner of the guest is asked for: once
 * the answer is no, the series is over, and while it is in doubt rounds are left out, in the middle of one if need be
 * (INV-10). Between that question and the frame lies no more than the call of the sender, which therefore has the last word
 * if a seal must cut between frames.
 *
 * <p>A round whose time has passed, because the thread was late, is not made up for: one round is sent for all that were
 * missed.
 *
 * <p>Each NIC's frames leave under a limit, because a guest may have many addresses and a switch's processor looks at every
 * announcement. What a round has beyond the limit waits, and leaves as fast as the limit allows. If the next round is due
 * before, it begins with what still waits, and says everything once: so under a limit that is too low for the schedule all
 * addresses are announced in turn, and none of them never. The limit is the port's; starting anew does not lift it.
 *
 * <p><b>Threads.</b> None of its own, and no clock; all methods but {@link #counters} belong to one thread, normally that of
 * {@link AnnouncerThread}.
 */
public final class Announcer {

    private final AnnounceSchedule schedule;
    private final Ownership ownership;
    private final AnnounceCounters counters;
    private final List<Series> allSeries = new ArrayList<>();

    /**
     * An announcer at rest.
     *
     * @param framesPerSecond limit for each NIC, 1 to 1,000,000; short bursts may be faster, see {@link TokenBucket}
     * @param senderByNic for each NIC, by its name, the port towards the uplink
     */
    public Announcer(
            AnnounceSchedule schedule, int framesPerSecond, Ownership ownership, Map<String, FrameSender> senderByNic) {
        this.schedule = schedule;
        this.ownership = ownership;
        senderByNic.forEach((nic, sender) -> allSeries.add(new Series(nic, sender, new TokenBucket(framesPerSecond))));
        this.counters = new AnnounceCounters(allSeries.stream().map(s -> s.nic).toList());
    }

    /**
     * Starts a NIC's series, or starts it anew from the beginning of the schedule. The first frames leave with the next
     * {@link #onTick}.
     *
     * @throws IllegalArgumentException if there is no NIC of this name
     */
    public void start(GuestAddresses.Nic addresses, long nowNanos) {
        Series series = series(addresses.name());
        series.frames = AnnounceFrames.build(addresses);
        series.waiting.clear();
        series.startNanos = nowNanos;
        series.rounds = 0;
        series.roundsPassed = 0;
        series.state = SeriesState.RUNNING;
    }

    /**
     * Replaces what a NIC's series says. The schedule goes on; what is new leaves with the next {@link #onTick}, and what is
     * gone is said no more. Does nothing if the series is not running.
     *
     * @return whether it is running
     * @throws IllegalArgumentException if there is no NIC of this name
     */
    public boolean update(GuestAddresses.Nic addresses) {
        Series series = series(addresses.name());
        if (series.state != SeriesState.RUNNING) {
            return false;
        }
        series.sayFromNowOn(AnnounceFrames.build(addresses));
        return true;
    }

    /**
     * Ends a NIC's series if it is running.
     *
     * @throws IllegalArgumentException if there is no NIC of this name
     */
    public void cancel(String nic) {
        Series series = series(nic);
        if (series.state == SeriesState.RUNNING) {
            series.waiting.clear();
            series.state = SeriesState.CANCELLED;
        }
    }

    /** Ends every series that is running. */
    public void cancelAll() {
        allSeries.forEach(series -> cancel(series.nic));
    }

    /**
     * Sends what is due. If sending throws, that NIC's series has failed, the others' have had their turn, and the
     * exception comes out here.
     */
    public void onTick(long nowNanos) {
        RuntimeException failure = null;
        for (Series series : allSeries) {
            try {
                series.onTick(nowNanos);
            } catch (RuntimeException e) {
                series.waiting.clear();
                series.state = SeriesState.FAILED;
                if (failure == null) {
                    failure = e;
                } else {
                    failure.addSuppressed(e);
                }
            }
        }
        if (failure != null) {
            throw failure;
        }
    }

    /** In how many nanoseconds {@link #onTick} has something to do: 0 if now, {@link AnnounceSchedule#NEVER} if not. */
    public long nanosUntilDue(long nowNanos) {
        long soonest = AnnounceSchedule.NEVER;
        for (Series series : allSeries) {
            if (series.state == SeriesState.RUNNING) {
                soonest = Math.min(soonest, series.nanosUntilDue(nowNanos));
            }
        }
        return soonest;
    }

    /** Every NIC's series. */
    public List<SeriesStatus> status() {
        return allSeries.stream()
                .map(series -> new SeriesStatus(
                        series.nic, series.state, series.frames.size(), series.rounds, series.waiting.size()))
                .toList();
    }

    /** What was sent and what was not. Any thread. */
    public AnnounceCounters counters() {
        return counters;
    }

    private Series series(String nic) {
        return allSeries.stream()
                .filter(series -> series.nic.equals(nic))
                .findFirst()
                .orElseThrow(
                        () -> new IllegalArgumentException("no NIC is named '" + nic + "', only " + counters.nics()));
    }

    private final class Series {

        private final String nic;
        private final FrameSender sender;
        private final TokenBucket limit;

        private SeriesState state = SeriesState.READY;
        private List<AnnounceFrame> frames = List.of();

        /** Those of the present round, or new since, that are still to be sent. */
        private final Queue<AnnounceFrame> waiting = new ArrayDeque<>();

        /** Whether they wait for the limit. */
        private boolean limited;

        private long startNanos;

        /** Rounds of the schedule that were sent or missed. */
        private long roundsPassed;

        private long rounds;

        Series(String nic, FrameSender sender, TokenBucket limit) {
            this.nic = nic;
            this.sender = sender;
            this.limit = limit;
        }

        long nanosUntilDue(long nowNanos) {
            long offsetNanos = schedule.offsetNanos(roundsPassed);
            long untilRoundNanos = offsetNanos == AnnounceSchedule.NEVER
                    ? AnnounceSchedule.NEVER
                    : Math.max(0, offsetNanos - (nowNanos - startNanos));
            return waiting.isEmpty() ? untilRoundNanos : Math.min(untilRoundNanos, limit.nanosUntilToken(nowNanos));
        }

        void onTick(long nowNanos) {
            if (state != SeriesState.RUNNING) {
                return;
            }
            long due = schedule.roundsDue(nowNanos - startNanos);
            if (due > roundsPassed) {
                roundsPassed = due;
                rounds++;
                beginRound();
            }
            sendWaiting(nowNanos);
            if (state == SeriesState.RUNNING
                    && waiting.isEmpty()
                    && schedule.offsetNanos(roundsPassed) == AnnounceSchedule.NEVER) {
                state = SeriesState.COMPLETED;
            }
        }

        void sayFromNowOn(List<AnnounceFrame> next) {
            Set<ByteBuffer> said = contents(frames);
            said.removeAll(contents(waiting));
            frames = next;
            waiting.clear();
            for (AnnounceFrame frame : next) {
                if (!said.contains(frame.memory().asByteBuffer())) {
                    waiting.add(frame);
                }
            }
        }

        private static Set<ByteBuffer> contents(Collection<AnnounceFrame> frames) {
            return frames.stream().map(frame -> frame.memory().asByteBuffer()).collect(Collectors.toSet());
        }

        private void beginRound() {
            if (limited) {
                waiting.forEach(frame -> counters.increment(nic, frame.form(), AnnounceOutcome.OVER_LIMIT));
            }
            Set<AnnounceFrame> round = new LinkedHashSet<>(waiting);
            round.addAll(frames);
            waiting.clear();
            waiting.addAll(round);
        }

        private void sendWaiting(long nowNanos) {
            limited = false;
            for (AnnounceFrame frame = waiting.peek(); frame != null; frame = waiting.peek()) {
                switch (ownership.standing(nic)) {
                    case OWNER -> {}
                    case IN_DOUBT -> {
                        counters.increment(nic, frame.form(), AnnounceOutcome.IN_DOUBT);
                        waiting.clear();
                        return;
                    }
                    case NOT_OWNER -> {
                        counters.increment(nic, frame.form(), AnnounceOutcome.NOT_OWNER);
                        waiting.clear();
                        state = SeriesState.NOT_OWNER;
                        return;
                    }
                }
                if (!limit.tryTake(nowNanos)) {
                    limited = true;
                    return;
                }
                waiting.remove();
                boolean sent = sender.send(
                        frame.memory(), 0, Math.toIntExact(frame.memory().byteSize()));
                counters.increment(nic, frame.form(), sent ? AnnounceOutcome.SENT : AnnounceOutcome.REFUSED_BY_PORT);
            }
        }
    }
}
