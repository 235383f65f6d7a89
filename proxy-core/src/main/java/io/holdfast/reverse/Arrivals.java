package io.holdfast.reverse;

/**
 * Notes beside each segment in the log in which epoch the guest has acknowledged it. That is done when the guest says so, with the
 * ledger at hand and the record just written; whether a checkpoint has the segment, the record then tells alone. Whoever
 * forgets reads the log from its beginning on and nothing else, however many connections there are.
 */
final class Arrivals {

    private final InputLog log;

    Arrivals(InputLog log) {
        this.log = log;
    }

    /** A segment with bytes was written down. */
    void expect(Ledger ledger, long position) {
        if (ledger.lastUnderway >= log.head()) {
            log.follow(ledger.lastUnderway, position);
        }
        if (ledger.firstUnderway < log.head()) {
            ledger.firstUnderway = position;
        }
        ledger.lastUnderway = position;
    }

    /** The guest may have acknowledged some of them. What comes again out of order is noted late or never, not too early. */
    void note(Ledger ledger, long openEpoch) {
        long position = ledger.firstUnderway;
        while (position >= log.head() && log.end(position) <= ledger.guestAck) {
            long following = log.following(position);
            log.arrive(position, openEpoch);
            position = following;
        }
        ledger.firstUnderway = position;
    }

    /** The guest is another one, which has got nothing yet. */
    void forget() {
        for (long position = log.head(); position < log.tail(); position = log.next(position)) {
            log.arrive(position, InputLog.NONE);
        }
    }
}
