package io.holdfast.arp;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;

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
     * @param senderByNic for each NIC, by its name, the port towards the uplink
     */
    public Announcer(AnnounceSchedule schedule, Ownership ownership, Map<String, FrameSender> senderByNic) {
        this.schedule = schedule;
        this.ownership = ownership;
        senderByNic.forEach((nic, sender) -> allSeries.add(new Series(nic, sender)));
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
        series.startNanos = nowNanos;
        series.rounds = 0;
        series.roundsPassed = 0;
        series.state = SeriesState.RUNNING;
    }

    /**
     * Replaces what a NIC's series says from its next round on; the schedule goes on. Does nothing if it is not running.
     *
     * @return whether it is running
     * @throws IllegalArgumentException if there is no NIC of this name
     */
    public boolean update(GuestAddresses.Nic addresses) {
        Series series = series(addresses.name());
        if (series.state != SeriesState.RUNNING) {
            return false;
        }
        series.frames = AnnounceFrames.build(addresses);
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
                long offsetNanos = schedule.offsetNanos(series.roundsPassed);
                soonest = Math.min(soonest, Math.max(0, offsetNanos - (nowNanos - series.startNanos)));
            }
        }
        return soonest;
    }

    /** Every NIC's series. */
    public List<SeriesStatus> status() {
        return allSeries.stream()
                .map(series -> new SeriesStatus(series.nic, series.state, series.frames.size(), series.rounds))
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

        private SeriesState state = SeriesState.READY;
        private List<AnnounceFrame> frames = List.of();
        private long startNanos;

        /** Rounds of the schedule that were sent or missed. */
        private long roundsPassed;

        private long rounds;

        Series(String nic, FrameSender sender) {
            this.nic = nic;
            this.sender = sender;
        }

        void onTick(long nowNanos) {
            if (state != SeriesState.RUNNING) {
                return;
            }
            long due = schedule.roundsDue(nowNanos - startNanos);
            if (due <= roundsPassed) {
                return;
            }
            roundsPassed = due;
            rounds++;
            sendRound();
            if (state == SeriesState.RUNNING && schedule.offsetNanos(roundsPassed) == AnnounceSchedule.NEVER) {
                state = SeriesState.COMPLETED;
            }
        }

        private void sendRound() {
            for (AnnounceFrame frame : frames) {
                switch (ownership.standing()) {
                    case OWNER -> {}
                    case IN_DOUBT -> {
                        counters.increment(nic, frame.form(), AnnounceOutcome.IN_DOUBT);
                        return;
                    }
                    case NOT_OWNER -> {
                        counters.increment(nic, frame.form(), AnnounceOutcome.NOT_OWNER);
                        state = SeriesState.NOT_OWNER;
                        return;
                    }
                }
                boolean sent = sender.send(
                        frame.memory(), 0, Math.toIntExact(frame.memory().byteSize()));
                counters.increment(nic, frame.form(), sent ? AnnounceOutcome.SENT : AnnounceOutcome.REFUSED_BY_PORT);
            }
        }
    }
}
