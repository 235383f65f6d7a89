package io.holdfast.cli.proxy;

import io.holdfast.testkit.Shell;
import io.holdfast.testkit.VethPair;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** What a proxy in a test stands between, and its configuration: guest0 === tap0 [proxy] up0 === net0. */
public final class Cables {

    private Cables() {}

    /** In the calling thread's namespace. */
    public static void plugIn(int number) {
        VethPair.create("tap" + number, "guest" + number);
        VethPair.create("up" + number, "net" + number);
        for (String end : new String[] {"tap", "guest", "up", "net"}) {
            String interfaceName = end + number;
            Shell.run("ip", "link", "set", interfaceName, "mtu", "9000");
            Shell.run("ethtool", "-K", interfaceName, "gro", "off", "gso", "off", "tso", "off");
        }
    }

    /** @param settings further lines of the section {@code proxy} */
    public static Path writeConfig(Path directory, String... settings) throws IOException {
        StringBuilder yaml = new StringBuilder("""
                guest: redis
                host: a
                runtime-directory: %1$s/run
                state-directory: %1$s/state
                proxy:
                """.formatted(directory));
        for (String setting : settings) {
            yaml.append("  ").append(setting).append('\n');
        }
        if (!yaml.toString().contains("nics:")) {
            yaml.append("  nics: [{guest-port: tap0, uplink: up0}]\n");
        }
        return Files.writeString(directory.resolve("redis.yaml"), yaml);
    }
}
