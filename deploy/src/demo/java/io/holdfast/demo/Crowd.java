package io.holdfast.demo;

import java.util.ArrayList;
import java.util.List;
import redis.clients.jedis.Jedis;

/**
 * All clients of one workload: a subscriber and its publisher, and after them in turn clients with a counter each,
 * clients that append tokens to one list, and clients that share a counter.
 */
record Crowd(Subscriber subscriber, List<AskingClient> asking) {

    static final int FEWEST = 5;

    private static final int MESSAGES_AT_A_TIME = 4;

    /** Connects {@code clients} times; nothing is asked yet. */
    static Crowd connect(Guest guest, int clients, long thinkNanos, String prefix, Verifier verifier) {
        Subscriber subscriber =
                new Subscriber("subscriber", guest.connect(), guest.stuckAfterMillis(), verifier.stream(), verifier);
        List<AskingClient> asking = new ArrayList<>();
        asking.add(new AskingClient(
                "publisher",
                guest.connect(),
                Load.publications(verifier.stream(), MESSAGES_AT_A_TIME),
                thinkNanos,
                verifier));
        for (int number = 1; number <= clients - 2; number++) {
            String name = nameOf(number);
            Load load = loadOf(number, name, prefix, verifier);
            Jedis connection = guest.connect();
            asking.add(new AskingClient(name, connection, load, thinkNanos, verifier));
        }
        return new Crowd(subscriber, List.copyOf(asking));
    }

    /** Everybody, the subscriber last, because its end is published when all others are done. */
    List<Client> everybody() {
        List<Client> everybody = new ArrayList<>(asking);
        everybody.add(subscriber);
        return everybody;
    }

    private static String nameOf(int number) {
        return switch (number % 3) {
            case 1 -> "counter-" + number;
            case 2 -> "tokens-" + number;
            default -> "shared-" + number;
        };
    }

    private static Load loadOf(int number, String name, String prefix, Verifier verifier) {
        return switch (number % 3) {
            case 1 -> Load.increments(verifier.newCounter(prefix + name));
            case 2 -> Load.tokens(name, verifier.tokens());
            default -> Load.sharedIncrements(name, verifier.sharedCounter());
        };
    }
}
