package io.holdfast.cli.doctor;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/** Asks the kernel and {@code ip} for a {@link HostNetwork}, in the calling thread's network namespace. Only looks. */
final class HostNetworkReader {

    private static final Path SYSTEM = Path.of("/proc/sys");
    private static final Map<String, List<String>> SETTINGS =
            Map.of("ipv4", List.of("arp_ignore", "proxy_arp", "proxy_arp_pvlan"), "ipv6", List.of("proxy_ndp"));

    private HostNetworkReader() {}

    /** @throws IOException if it cannot be known */
    static HostNetwork read() throws IOException {
        return HostNetwork.parse(
                Tool.output("ip", "-j", "-d", "addr", "show"),
                Tool.output("ip", "-j", "neigh", "show", "proxy"),
                settings());
    }

    private static Map<String, Integer> settings() throws IOException {
        Map<String, Integer> settings = new HashMap<>();
        for (Map.Entry<String, List<String>> family : SETTINGS.entrySet()) {
            Path interfaces = SYSTEM.resolve("net").resolve(family.getKey()).resolve("conf");
            if (!Files.isDirectory(interfaces)) {
                continue; // A kernel without IPv6.
            }
            try (Stream<Path> found = Files.list(interfaces)) {
                for (Path ofInterface : found.toList()) {
                    for (String name : family.getValue()) {
                        read(ofInterface.resolve(name), settings);
                    }
                }
            }
        }
        return settings;
    }

    private static void read(Path file, Map<String, Integer> settings) throws IOException {
        if (Files.exists(file)) {
            settings.put(
                    SYSTEM.relativize(file).toString(),
                    Integer.parseInt(Files.readString(file).strip()));
        }
    }
}
