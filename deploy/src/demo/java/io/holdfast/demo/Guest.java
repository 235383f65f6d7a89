package io.holdfast.demo;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import redis.clients.jedis.DefaultJedisClientConfig;
import redis.clients.jedis.HostAndPort;
import redis.clients.jedis.Jedis;
import redis.clients.jedis.exceptions.JedisConnectionException;

/**
 * The guest and what serves there, as seen from the clients' side of the network.
 *
 * @param address of its Redis
 * @param randomPort of the service whose replies are random
 * @param stuckAfterMillis how long a connection may be silent while something is due
 */
record Guest(HostAndPort address, int randomPort, int stuckAfterMillis) {

    private static final int CONNECT_MILLIS = 5_000;
    private static final int ATTEMPTS = 5;

    /** A plain connection that is never renewed, and that gives up when it has been silent for too long. */
    Jedis connect() {
        Jedis connection = new Jedis(
                address,
                DefaultJedisClientConfig.builder()
                        .connectionTimeoutMillis(CONNECT_MILLIS)
                        .socketTimeoutMillis(stuckAfterMillis)
                        .build());
        connection.connect();
        return connection;
    }

    /** The same, to the service whose replies are random. */
    Socket connectToRandom() throws IOException {
        Socket connection = new Socket();
        connection.setTcpNoDelay(true);
        connection.setSoTimeout(stuckAfterMillis);
        connection.connect(new InetSocketAddress(address.getHost(), randomPort), CONNECT_MILLIS);
        return connection;
    }

    /** A connection after the clients have ended, which may meet a guest that is just being restored. */
    Jedis connectPatiently() throws InterruptedException {
        for (int attempt = 1; ; attempt++) {
            try {
                return connect();
            } catch (JedisConnectionException e) {
                if (attempt == ATTEMPTS) {
                    throw e;
                }
                TimeUnit.SECONDS.sleep(1);
            }
        }
    }

    /** Reads what {@code verifier} has to compare. */
    static GuestState read(Jedis connection, Verifier verifier) {
        Map<String, Long> counters = new HashMap<>();
        for (CounterHistory counter : verifier.counters()) {
            counters.put(counter.key(), number(connection, counter.key()));
        }
        Map<String, List<String>> lists = new HashMap<>();
        for (TokenHistory list : verifier.lists()) {
            lists.put(list.key(), connection.lrange(list.key(), 0, -1));
        }
        return new GuestState(
                counters, lists, number(connection, verifier.sharedCounter().key()));
    }

    private static long number(Jedis connection, String key) {
        String value = connection.get(key);
        return value == null ? 0 : Long.parseLong(value);
    }
}
