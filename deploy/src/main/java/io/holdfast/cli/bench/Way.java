package io.holdfast.cli.bench;

import java.util.Arrays;
import java.util.Optional;

/** A way from the guest to its client and back. */
public enum Way {
    /** The kernel's own, with which the others are compared. */
    KERNEL_BRIDGE("kernel-bridge", -1),
    PACKET_SOCKET("packet-socket", 0, "port: packet-socket"),
    PCAP("pcap", 0, "port: pcap"),
    /** Wall mode, with checkpoints that take no time. */
    WALL("wall-10ms", 10, "port: packet-socket"),
    /** Reverse mode, recording. */
    REVERSE("reverse", 100, "port: packet-socket", "placement: inline", "mode: reverse");

    private final String label;
    private final int epochMillis;
    private final String settings;

    Way(String label, int epochMillis, String... settings) {
        this.label = label;
        this.epochMillis = epochMillis;
        this.settings = String.join("\n", settings);
    }

    /** As it is shown, and named in the command line. */
    public String label() {
        return label;
    }

    public static Optional<Way> labelled(String label) {
        return Arrays.stream(values()).filter(way -> way.label.equals(label)).findFirst();
    }

    /** How often there is a commit; 0 if the wall is open. Only with a proxy. */
    int epochMillis() {
        return epochMillis;
    }

    boolean hasProxy() {
        return this != KERNEL_BRIDGE;
    }

    /** Of the proxy, a line each, below {@code proxy:}. */
    String settings() {
        return settings;
    }

    boolean isInline() {
        return this == REVERSE;
    }
}
