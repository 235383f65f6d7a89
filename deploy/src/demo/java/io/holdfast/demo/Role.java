package io.holdfast.demo;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** What a client does that is neither the publisher nor its subscriber. */
enum Role {
    /** Increments a counter of its own. */
    COUNTER {
        @Override
        Conversation connect(Guest guest, String client, String key, Verifier verifier) {
            return new RedisConversation(guest.connect(), Load.increments(verifier.newCounter(key)));
        }
    },
    /** Appends to a list of its own. */
    LIST {
        @Override
        Conversation connect(Guest guest, String client, String key, Verifier verifier) {
            return new RedisConversation(guest.connect(), Load.tokens(client, verifier.newTokens(key)));
        }
    },
    /** Appends to the list that all clients of this role share. */
    TOKENS {
        @Override
        Conversation connect(Guest guest, String client, String key, Verifier verifier) {
            return new RedisConversation(guest.connect(), Load.tokens(client, verifier.tokens()));
        }
    },
    /** Increments the counter that all clients of this role share. */
    SHARED {
        @Override
        Conversation connect(Guest guest, String client, String key, Verifier verifier) {
            return new RedisConversation(guest.connect(), Load.sharedIncrements(client, verifier.sharedCounter()));
        }
    },
    /** Speaks to the service whose replies are random. */
    RANDOM {
        @Override
        Conversation connect(Guest guest, String client, String key, Verifier verifier) throws IOException {
            return new RandomConversation(guest.connectToRandom(), verifier.newRandom(client));
        }
    };

    /**
     * Opens a connection for one client.
     *
     * @param client its name
     * @param key what nobody else in the guest uses
     */
    abstract Conversation connect(Guest guest, String client, String key, Verifier verifier) throws IOException;

    /** What a client of this role is called, without its number. */
    String word() {
        return name().toLowerCase(Locale.ROOT);
    }

    /**
     * The roles that clients take in turn.
     *
     * @param shared whether replies to one client depend on what others do
     * @param random whether some speak to the random service
     */
    static List<Role> inTurn(boolean shared, boolean random) {
        List<Role> roles = new ArrayList<>(shared ? List.of(COUNTER, TOKENS, SHARED) : List.of(COUNTER, LIST));
        if (random) {
            roles.add(1, RANDOM);
        }
        return roles;
    }
}
