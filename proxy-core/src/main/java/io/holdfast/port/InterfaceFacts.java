package io.holdfast.port;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * What the system's own tools say of an interface, and what they do to it: {@code ip}, {@code nft}, {@code ethtool}, in
 * the calling thread's network namespace.
 */
final class InterfaceFacts {

    private static final ObjectMapper JSON = new ObjectMapper();
    private static final long LIMIT_SECONDS = 10;

    private InterfaceFacts() {}

    /** The addresses of an interface, such as {@code 10.0.0.1/24}. */
    static List<String> addresses(String interfaceName) throws PortException {
        List<String> addresses = new ArrayList<>();
        for (JsonNode address : link("addr", interfaceName).path("addr_info")) {
            addresses.add(address.path("local").asText() + "/"
                    + address.path("prefixlen").asText());
        }
        return addresses;
    }

    /** One interface as {@code ip -j -d OBJECT show} prints it. */
    static JsonNode link(String object, String interfaceName) throws PortException {
        String printed = run(List.of("ip", "-j", "-d", object, "show", "dev", interfaceName), "");
        try {
            for (JsonNode entry : JSON.readTree(printed)) {
                if (interfaceName.equals(entry.path("ifname").asText())) {
                    return entry;
                }
            }
        } catch (IOException e) {
            throw new PortException("`ip -j` printed something that is not JSON: " + printed.strip(), e);
        }
        throw new PortException("there is no interface " + interfaceName + " in this network namespace");
    }

    /** One interface that is up, as {@link #link}. */
    static JsonNode linkThatIsUp(String interfaceName) throws PortException {
        JsonNode link = link("link", interfaceName);
        if (!isUp(link)) {
            throw new PortException("interface " + interfaceName + " is down: ip link set " + interfaceName + " up");
        }
        return link;
    }

    /** Whether what {@link #link} has returned is up. */
    static boolean isUp(JsonNode link) {
        return link.path("flags").toString().contains("\"UP\"");
    }

    /** The offloads that are on, of those named. */
    static List<String> activeOffloads(String interfaceName, List<String> names) throws PortException {
        String printed = run(List.of("ethtool", "--json", "-k", interfaceName), "");
        List<String> active = new ArrayList<>();
        try {
            JsonNode features = JSON.readTree(printed).path(0);
            for (String name : names) {
                if (features.path(name).path("active").asBoolean()) {
                    active.add(name);
                }
            }
        } catch (IOException e) {
            throw new PortException("`ethtool --json` printed something that is not JSON: " + printed.strip(), e);
        }
        return active;
    }

    /** Runs a command and returns what it printed. */
    static String run(List<String> command, String input) throws PortException {
        try {
            Process process =
                    new ProcessBuilder(command).redirectErrorStream(true).start();
            try (var stdin = process.getOutputStream()) {
                stdin.write(input.getBytes(StandardCharsets.UTF_8));
            }
            String printed = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            if (!process.waitFor(LIMIT_SECONDS, TimeUnit.SECONDS)) {
                process.destroyForcibly();
                throw new PortException(String.join(" ", command) + " did not end in " + LIMIT_SECONDS + " s");
            }
            if (process.exitValue() != 0) {
                throw new PortException(String.join(" ", command) + " failed: " + printed.strip());
            }
            return printed;
        } catch (IOException e) {
            throw new PortException(
                    "cannot run " + command.get(0) + ": " + e.getMessage()
                            + "; apt-get install iproute2 nftables ethtool",
                    e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new PortException("interrupted while running " + String.join(" ", command), e);
        }
    }
}
