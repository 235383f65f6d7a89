package io.holdfast.demo;

import java.util.List;
import java.util.OptionalLong;

/**
 * One death of a primary, as its clients saw it.
 *
 * @param killedNanos when the signal was sent
 * @param goneNanos when the last of the killed processes was seen to be gone
 */
record Failover(long killedNanos, long goneNanos) {

    /** What the dead primary sent as its last may take this long to reach a client's thread on a busy machine. */
    private static final long LAST_WORDS_NANOS = 20_000_000;

    /** From the kill to the first answer that any client got from the promoted guest. */
    OptionalLong firstAnswerAfterNanos(List<AnswerTimes> clients) {
        return clients.stream()
                .flatMapToLong(client -> client.firstAfter(goneNanos + LAST_WORDS_NANOS))
                .map(answered -> answered - killedNanos)
                .min();
    }

    /** From the kill until every client that was ever answered again had been. */
    OptionalLong lastClientAnsweredAfterNanos(List<AnswerTimes> clients) {
        return clients.stream()
                .flatMapToLong(client -> client.firstAfter(goneNanos + LAST_WORDS_NANOS))
                .map(answered -> answered - killedNanos)
                .max();
    }
}
