package io.holdfast.cli.bench;

import io.holdfast.cli.doctor.Tool;
import java.io.IOException;

/**
 * A client, a host and a guest in network namespaces of their own, with a cable from the host to each of the others. It is
 * gone when this is closed.
 */
final class BenchLab implements AutoCloseable {

    static final String UPLINK = "up0";
    static final String GUEST_PORT = "tap0";
    /** Where the other host would be, for a proxy in front of both. */
    static final String OTHER_GUEST_PORT = "tap1";

    private static final String BRIDGE = "bridge0";

    private final String prefix = "holdfast-bench-" + ProcessHandle.current().pid();

    /**
     * @throws MeasurementFailedException if this process may not make namespaces
     */
    static BenchLab create() throws MeasurementFailedException {
        BenchLab lab = new BenchLab();
        try {
            lab.build();
            return lab;
        } catch (IOException e) {
            lab.close();
            throw new MeasurementFailedException(
                    "the network for the measurement cannot be made, which needs root and the commands `ip` and `ethtool`: "
                            + e.getMessage(),
                    e);
        }
    }

    private void build() throws IOException {
        for (String place : places()) {
            Tool.output("ip", "netns", "add", place);
        }
        cable(client(), "eth0", UPLINK);
        cable(guest(), "eth0", GUEST_PORT);
        cable(host(), "spare0", OTHER_GUEST_PORT);
    }

    private void cable(String place, String end, String port) throws IOException {
        Tool.output("ip", "-n", place, "link", "add", end, "type", "veth", "peer", "name", port, "netns", host());
        ip(place, "set", end, "addrgenmode", "none");
        ip(place, "set", end, "up");
        ip(host(), "set", port, "addrgenmode", "none");
        ip(host(), "set", port, "up");
        // Nothing here is merged anyway, and a proxy on libpcap wants to be sure of it.
        Tool.output("ip", "netns", "exec", host(), "ethtool", "-K", port, "tso", "off", "gso", "off");
    }

    /** Lets the kernel carry the frames. */
    void bridge() throws IOException {
        ip(host(), "add", BRIDGE, "type", "bridge", "forward_delay", "0", "stp_state", "0");
        ip(host(), "set", UPLINK, "master", BRIDGE);
        ip(host(), "set", GUEST_PORT, "master", BRIDGE);
        ip(host(), "set", BRIDGE, "up");
    }

    void removeBridge() throws IOException {
        ip(host(), "delete", BRIDGE);
    }

    private static void ip(String place, String... command) throws IOException {
        String[] whole = new String[command.length + 4];
        System.arraycopy(new String[] {"ip", "-n", place, "link"}, 0, whole, 0, 4);
        System.arraycopy(command, 0, whole, 4, command.length);
        Tool.output(whole);
    }

    String client() {
        return prefix + "-client";
    }

    String host() {
        return prefix + "-host";
    }

    String guest() {
        return prefix + "-guest";
    }

    private String[] places() {
        return new String[] {client(), host(), guest()};
    }

    /** Nobody may use it any more. Idempotent. */
    @Override
    public void close() {
        for (String place : places()) {
            try {
                Tool.output("ip", "netns", "delete", place);
            } catch (IOException e) {
                // It was not made, or is gone already.
            }
        }
    }
}
