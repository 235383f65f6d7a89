package io.holdfast.demo;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/** All clients of one workload: a subscriber and its publisher, and after them clients that take {@link Role}s in turn. */
record Crowd(Subscriber subscriber, List<AskingClient> asking) {

    static final int FEWEST = 5;
    static final String PUBLISHER = "publisher";

    private static final int MESSAGES_AT_A_TIME = 4;

    /** Connects {@code clients} times; nothing is asked yet. */
    static Crowd connect(Guest guest, List<Role> roles, int clients, long thinkNanos, String prefix, Verifier verifier)
            throws IOException {
        Subscriber subscriber =
                new Subscriber("subscriber", guest.connect(), guest.stuckAfterMillis(), verifier.stream(), verifier);
        List<AskingClient> asking = new ArrayList<>();
        asking.add(new AskingClient(
                PUBLISHER,
                new RedisConversation(guest.connect(), Load.publications(verifier.stream(), MESSAGES_AT_A_TIME)),
                thinkNanos,
                verifier));
        for (int number = 1; number <= clients - 2; number++) {
            Role role = roles.get((number - 1) % roles.size());
            String name = role.word() + "-" + number;
            asking.add(
                    new AskingClient(name, role.connect(guest, name, prefix + name, verifier), thinkNanos, verifier));
        }
        return new Crowd(subscriber, List.copyOf(asking));
    }

    /** Everybody, the subscriber last, because its end is published when all others are done. */
    List<Client> everybody() {
        List<Client> everybody = new ArrayList<>(asking);
        everybody.add(subscriber);
        return everybody;
    }
}
