package io.holdfast.cli;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.holdfast.arp.GuestAddresses;
import io.holdfast.config.HoldfastConfig;
import io.holdfast.control.ControlClient;
import io.holdfast.frame.MacAddress;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.ParentCommand;

/**
 * Says to a proxy all that a promotion says, for {@code bin/holdfast-warm-up}: what the Java runtime has not met there it loads
 * and interprets for the first time while clients wait, and an agent that waits too long takes its proxy for dead.
 *
 * <p>It opens a wall by nobody's right, so it speaks only of a guest that is called {@value #GUEST}.
 */
@Command(
        name = "warm-up",
        hidden = true,
        description = "For holdfast-warm-up: speaks to its proxy as a promotion does.")
final class WarmUpCommand implements Callable<Integer> {

    static final String GUEST = "warm-up";

    private static final int ROUNDS = 20;
    private static final long PROBE_MILLIS = 1;
    private static final long LEASE_NANOS = 60_000_000_000L;

    @ParentCommand
    private Holdfast holdfast;

    @Override
    public Integer call() throws Exception {
        HoldfastConfig config = holdfast.config();
        if (!config.guest().equals(GUEST)) {
            throw holdfast.usage(
                    "`warm-up` opens a wall by nobody's right; it is for holdfast-warm-up only, whose guest is `%s`, not `%s`"
                            .formatted(GUEST, config.guest()));
        }
        try (ControlClient proxy = ControlClient.connect(config.proxySocket(), AskingCommand.PATIENCE)) {
            long seen = proxy.execute("status", arguments()).path("term").asLong();
            for (int round = 1; round <= ROUNDS; round++) {
                promote(proxy, seen + round, config.host());
            }
        }
        return ExitCode.OK;
    }

    private static void promote(ControlClient proxy, long term, String host) throws Exception {
        ObjectNode addresses = addresses().toJson();
        proxy.execute("subscribe", arguments());
        ObjectNode hello =
                arguments().put("term", term).put("claim", "promotion").put("owner", host);
        String incarnation = proxy.execute("hello", hello).path("incarnation").asText();
        ObjectNode named = arguments().put("incarnation", incarnation).put("term", term);
        proxy.execute("addresses", with(named, "known", addresses));
        proxy.execute("probe", named.deepCopy().put("time_ms", PROBE_MILLIS));
        Thread.sleep(2 * PROBE_MILLIS);
        proxy.execute("open", named.deepCopy().put("reason", "warm-up"));
        proxy.execute("announce", with(named, "addresses", addresses));
        long epoch = proxy.execute("barrier", named.deepCopy()).path("epoch").asLong();
        proxy.execute(
                "commit",
                named.deepCopy().put("epoch", epoch).put("lease_until_nanos", System.nanoTime() + LEASE_NANOS));
        proxy.execute("suspend", named.deepCopy().put("reason", "warm-up"));
    }

    /** One of each kind. */
    private static GuestAddresses addresses() {
        GuestAddresses.Station station = new GuestAddresses.Station(
                MacAddress.parse("52:54:00:12:34:56"), List.of(), false, List.of("192.0.2.1"), List.of("2001:db8::1"));
        return new GuestAddresses(1, List.of(new GuestAddresses.Nic("net0", List.of(station))));
    }

    private static ObjectNode with(ObjectNode named, String field, ObjectNode value) {
        ObjectNode arguments = named.deepCopy();
        arguments.set(field, value);
        return arguments;
    }

    private static ObjectNode arguments() {
        return AskingCommand.arguments();
    }
}
