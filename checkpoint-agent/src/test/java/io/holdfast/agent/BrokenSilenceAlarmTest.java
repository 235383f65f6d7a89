package io.holdfast.agent;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.holdfast.config.HoldfastConfig;
import io.holdfast.control.ControlServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** INV-9: a backup's agent, for real, and a proxy that is a socket and tells what was heard behind its wall. */
class BrokenSilenceAlarmTest {

    private static final Duration LIMIT = Duration.ofSeconds(20);
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final String SOMEBODY = "52:54:00:00:00:01";
    private static final String SOMEBODY_ELSE = "52:54:00:00:00:02";
    private static final String BESIDE = "nics: [{guest-port: tap0, uplink: up0}]";
    private static final String INLINE = "{placement: inline, nics: [{primary: wire0, backup: tap0, uplink: up0}]}";

    @TempDir
    Path directory;

    private final Deque<AutoCloseable> opened = new ArrayDeque<>();
    private final CountDownLatch subscribed = new CountDownLatch(1);
    private ControlServer proxy;
    private int httpPort;

    @BeforeEach
    void startProxy() throws IOException {
        httpPort = freePort();
        proxy = ControlServer.builder(
                        Files.createDirectory(directory.resolve("run")).resolve("proxy.sock"), "proxy", "test")
                .command("status", "", (arguments, session) -> {
                    subscribed.countDown(); // A backup asks for the state when it has subscribed.
                    return JSON.createObjectNode().put("state", "CLOSED");
                })
                .start();
        opened.push(proxy);
    }

    @AfterEach
    void close() throws Exception {
        while (!opened.isEmpty()) {
            opened.pop().close();
        }
    }

    @Test
    void shouldAuditEachSpeakerOnceAndCountAllThatIsHeard() throws Exception {
        startBackup("{" + BESIDE + "}");
        hear(SOMEBODY, afterSettling());
        hear(SOMEBODY, afterSettling());
        hear(SOMEBODY_ELSE, afterSettling());
        hear(SOMEBODY, afterSettling());
        await().atMost(LIMIT).until(() -> alarms().size() == 3);
        assertThat(alarms())
                .extracting(alarm -> alarm.path("reason").asText())
                .satisfiesExactly(
                        first -> assertThat(first).contains("ALARM: " + SOMEBODY + " on net0 speaks behind the wall"),
                        second -> assertThat(second).contains(SOMEBODY_ELSE),
                        third -> assertThat(third).contains(SOMEBODY));
        assertThat(scrape()).contains("holdfast_broken_silences_total{guest=\"redis\",host=\"b\",} 4.0");
    }

    /** This host was the primary just now, and its guest has not ended at once. */
    @Test
    void shouldNotMindWhatWasHeardWhenThisHostBecameTheBackup() throws Exception {
        long startedNanos = startBackup("{" + BESIDE + "}");
        hear(SOMEBODY, startedNanos);
        hear(SOMEBODY_ELSE, afterSettling());
        await().atMost(LIMIT).until(() -> !alarms().isEmpty());
        assertThat(alarms())
                .singleElement()
                .satisfies(alarm -> assertThat(alarm.path("reason").asText()).contains(SOMEBODY_ELSE));
        assertThat(scrape()).contains("holdfast_broken_silences_total{guest=\"redis\",host=\"b\",} 1.0");
    }

    /** The wall there is in front of the primary's guest as well, and shut at many a moment. */
    @Test
    void shouldNotMindWhatIsHeardByAProxyInFrontOfBothHosts() throws Exception {
        startBackup(INLINE);
        await().during(Duration.ofSeconds(1)).atMost(LIMIT).until(() -> {
            hear(SOMEBODY, afterSettling()); // Until it has subscribed, too, which nobody is told there.
            return alarms().isEmpty()
                    && scrape().contains("holdfast_broken_silences_total{guest=\"redis\",host=\"b\",} 0.0");
        });
    }

    @Test
    void shouldAuditThatItsHostSpeaksAsTheGuestOnceHoweverManyAddressesItUses() throws Exception {
        startBackup("{" + BESIDE + "}");
        leak("10.0.0.5", afterSettling());
        leak("2001:db8::5", afterSettling());
        await().atMost(LIMIT)
                .until(() -> scrape().contains("holdfast_broken_silences_total{guest=\"redis\",host=\"b\",} 2.0"));
        assertThat(alarms())
                .singleElement()
                .satisfies(alarm -> assertThat(alarm.path("reason").asText())
                        .contains("this host itself speaks as the guest, 10.0.0.5 (from " + SOMEBODY
                                + ", on the uplink of net0)"));
    }

    @Test
    void shouldNotMindWhatThisHostSaidAsTheGuestWhenItBecameTheBackup() throws Exception {
        long startedNanos = startBackup("{" + BESIDE + "}");
        leak("10.0.0.5", startedNanos);
        hear(SOMEBODY_ELSE, afterSettling());
        await().atMost(LIMIT).until(() -> !alarms().isEmpty());
        assertThat(scrape()).contains("holdfast_broken_silences_total{guest=\"redis\",host=\"b\",} 1.0");
    }

    /** @return when, monotonic */
    private long startBackup(String proxySection) throws Exception {
        Path file = Files.writeString(directory.resolve("config.yaml"), """
                guest: redis
                host: b
                runtime-directory: %1$s/run
                state-directory: %1$s/state
                proxy: %2$s
                agent:
                  role: backup
                  link: {listen: 127.0.0.1:%3$d, peer: 127.0.0.1:%4$d, insecure: true}
                  qemu: {command: ['true'], memory: %1$s/ram}
                  http: 127.0.0.1:%5$d
                """.formatted(
                        directory, proxySection, freePort(), freePort(), httpPort));
        HoldfastConfig config = HoldfastConfig.read(file);
        long startedNanos = System.nanoTime();
        HoldfastAgent agent = new HoldfastAgent(config);
        opened.push(agent);
        agent.start();
        if (proxySection.equals(INLINE)) {
            await().atMost(LIMIT).until(() -> proxy.sessions() > 0);
        } else {
            assertThat(subscribed.await(LIMIT.toSeconds(), TimeUnit.SECONDS)).isTrue();
        }
        return startedNanos;
    }

    private static long afterSettling() {
        return System.nanoTime() + Duration.ofSeconds(1).toNanos();
    }

    private void hear(String mac, long lastNanos) {
        proxy.broadcast(
                "SILENCE_BROKEN",
                JSON.createObjectNode()
                        .put("nic", "net0")
                        .put("last_source", mac)
                        .put("last_nanos", lastNanos));
    }

    private void leak(String address, long lastNanos) {
        proxy.broadcast(
                "ADDRESS_LEAK",
                JSON.createObjectNode()
                        .put("nic", "net0")
                        .put("address", address)
                        .put("source", SOMEBODY)
                        .put("last_nanos", lastNanos));
    }

    private List<JsonNode> alarms() throws IOException {
        List<JsonNode> alarms = new ArrayList<>();
        if (!Files.exists(directory.resolve("state/audit.jsonl"))) {
            return alarms;
        }
        for (String line : Files.readAllLines(directory.resolve("state/audit.jsonl"))) {
            JsonNode event = JSON.readTree(line);
            if (event.path("event").asText().equals("silence-broken")) {
                alarms.add(event);
            }
        }
        return alarms;
    }

    private String scrape() throws IOException {
        try (var in =
                URI.create("http://127.0.0.1:" + httpPort + "/metrics").toURL().openStream()) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        }
    }

    private static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        }
    }
}
