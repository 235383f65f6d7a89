package io.holdfast.cli;

import static io.holdfast.testkit.FrameBuilder.ethernet;
import static io.holdfast.testkit.FrameBuilder.tcp;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.holdfast.agent.HoldfastAgent;
import io.holdfast.audit.AuditEvent;
import io.holdfast.audit.AuditLog;
import io.holdfast.cli.proxy.Cables;
import io.holdfast.cli.proxy.Engine;
import io.holdfast.cli.proxy.HoldfastProxy;
import io.holdfast.cli.proxy.Wire;
import io.holdfast.config.HoldfastConfig;
import io.holdfast.testkit.InNetworkNamespace;
import io.holdfast.wall.Term;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.InstantSource;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.zip.ZipEntry;
import java.util.zip.ZipInputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@InNetworkNamespace
class SupportBundleCommandTest {

    private static final Duration LIMIT = Duration.ofSeconds(20);

    private static final String PAYLOAD_SECRET = "payload-of-the-guest-4711";
    private static final String COMMAND_SECRET = "password-in-a-command-4712";
    private static final String QEMU_SECRET = "secret-of-the-hypervisor-4713";
    private static final String LOGIN_SECRET = "password-for-etcd-4714";
    private static final String USER_SECRET = "user-of-etcd-4715";
    private static final String KEY_SECRET = "a2V5LW9mLXRoZS1saW5rLTQ3MTY";

    @TempDir
    Path directory;

    private record Outcome(int exitCode, String out, String err) {}

    @Test
    void shouldTellNoSecretWhileTheWallHoldsOne() throws Exception {
        Cables.plugIn(0);
        Path key = Files.writeString(directory.resolve("a.key"), "-----BEGIN PRIVATE KEY-----\n" + KEY_SECRET + "\n");
        Path file = writeConfig("key: %1$s, certificate: %1$s, authority: %1$s".formatted(key));
        HoldfastConfig config = HoldfastConfig.read(file);
        try (HoldfastProxy proxy = HoldfastProxy.start(config, false, "test");
                Wire guest = new Wire("guest0");
                Engine engine = new Engine(config.proxySocket());
                AuditLog audit = new AuditLog(config.stateDirectory(), "agent", "a", "redis", InstantSource.system())) {
            engine.hello(1);
            byte[] payload = PAYLOAD_SECRET.getBytes(StandardCharsets.UTF_8);
            guest.send(ethernet("52:54:00:00:00:02", "52:54:00:00:00:01")
                    .ipv4("10.0.0.1", "10.0.0.2", 64, 6, tcp(6379, 40_000, 0x18, payload)));
            await().atMost(LIMIT)
                    .until(() -> engine.status().path("held_frames").asLong() == 1);
            audit.note(
                    AuditEvent.FENCE,
                    new Term(1, Term.Claim.PROMOTION, "a"),
                    "fence --password %s: %s, %s, %s".formatted(COMMAND_SECRET, USER_SECRET, KEY_SECRET, LOGIN_SECRET));
            await().atMost(LIMIT)
                    .until(() -> Files.readString(AuditLog.fileIn(config.stateDirectory()))
                            .contains(LOGIN_SECRET));

            Map<String, String> members = membersOf(bundle(file));

            assertThat(members.get("held.json")).contains("\"held_frames\" : 1");
            assertThat(members.get("audit.jsonl"))
                    .contains("fence (removed) (removed): (removed), (removed), (removed)");
            assertThat(String.join("\n", members.values()))
                    .doesNotContain(PAYLOAD_SECRET, COMMAND_SECRET, QEMU_SECRET, LOGIN_SECRET, USER_SECRET, KEY_SECRET);
        }
    }

    @Test
    void shouldHaveWhatProxyAndHostSayOfThemselves() throws Exception {
        Cables.plugIn(0);
        Path file = Cables.writeConfig(directory);
        try (HoldfastProxy proxy = HoldfastProxy.start(HoldfastConfig.read(file), false, "test")) {
            Map<String, String> members = membersOf(bundle(file));
            assertThat(members.get("proxy-status.json")).contains("\"state\" : \"CLOSED\"");
            assertThat(members.get("status-page.json")).contains("\"format\":1");
            assertThat(members.get("proxy-metrics.txt")).contains("holdfast_");
            assertThat(members.get("proxy-threads.txt")).contains("capture-tap0");
            assertThat(members.get("configuration.json")).contains("\"uplink\" : \"up0\"");
            assertThat(members.get("doctor.txt")).contains("OK       ip: ip utility");
            assertThat(members.get("ip-link.txt")).contains("tap0");
            assertThat(members.get("nft.txt")).contains("holdfast-tap0");
            assertThat(members.get("versions.txt")).contains("Holdfast", "Linux version");
            assertThat(members.get("MANIFEST")).contains("nft.txt", "rules of the packet filter");
        }
    }

    @Test
    void shouldHaveWhatTheAgentSaysOfItself() throws Exception {
        Path file = writeConfig("insecure: true");
        HoldfastConfig config = HoldfastConfig.read(file);
        try (HoldfastAgent agent = new HoldfastAgent(config)) {
            agent.start();
            Map<String, String> members = membersOf(bundle(file));
            assertThat(members.get("agent-status.json")).contains("\"role\" : \"backup\"");
            assertThat(members.get("agent-metrics.txt")).contains("holdfast_");
            assertThat(members.get("agent-threads.txt")).contains("conductor");
        }
    }

    @Test
    void shouldSayWhatIsMissingWhenNothingRuns() throws Exception {
        Path file = writeConfig("insecure: true");
        Outcome outcome = run(file);
        Map<String, String> members = membersOf(outcome);
        assertThat(outcome.exitCode).isEqualTo(ExitCode.OK);
        assertThat(members.keySet())
                .contains("configuration.json", "doctor.txt", "ip-link.txt")
                .doesNotContain("proxy-status.json", "agent-status.json", "audit.jsonl");
        assertThat(members.get("MANIFEST"))
                .contains("proxy-status.json", "nobody listens at", "nothing was decided on this host yet");
        assertThat(outcome.err).contains("missing: agent-metrics.txt");
    }

    @Test
    void shouldBeForItsOwnerAlone() throws Exception {
        Path bundle = Path.of(bundle(Cables.writeConfig(directory)).out.strip());
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(bundle)))
                .isEqualTo("rw-------");
    }

    @Test
    void shouldLeaveAFileAsItIs() throws Exception {
        Path precious = Files.writeString(directory.resolve("bundle.zip"), "precious");
        Outcome outcome = run(Cables.writeConfig(directory));
        assertThat(outcome.exitCode).isEqualTo(ExitCode.FAILED);
        assertThat(outcome.err).contains("exists already", "--output");
        assertThat(precious).hasContent("precious");
    }

    /** @param security of the link */
    private Path writeConfig(String security) throws IOException {
        Path file = Cables.writeConfig(directory);
        Path password = Files.writeString(directory.resolve("password"), LOGIN_SECRET + "\n");
        return Files.writeString(
                file,
                """
                agent:
                  role: backup
                  http: 127.0.0.1:9602
                  link: {listen: "127.0.0.1:7700", peer: "127.0.0.1:7701", %s}
                  arbiter:
                    kind: etcd
                    endpoints: ["http://127.0.0.1:1"]
                    user: %s
                    password-file: %s
                  fence: {command: [/bin/false, --password, %s]}
                  qemu:
                    memory: %s
                    command: [/bin/false, -object, "secret,id=s0,data=%s"]
                """.formatted(
                        security, USER_SECRET, password, COMMAND_SECRET, directory.resolve("guest.ram"), QEMU_SECRET),
                StandardOpenOption.APPEND);
    }

    private Outcome bundle(Path config) {
        Outcome outcome = run(config);
        assertThat(outcome.exitCode).as(outcome.err).isEqualTo(ExitCode.OK);
        return outcome;
    }

    private Outcome run(Path config) {
        StringWriter out = new StringWriter();
        StringWriter err = new StringWriter();
        int exitCode = Holdfast.commandLine()
                .setOut(new PrintWriter(out, true))
                .setErr(new PrintWriter(err, true))
                .execute(
                        "support-bundle",
                        "--config",
                        config.toString(),
                        "--output",
                        directory.resolve("bundle.zip").toString());
        return new Outcome(exitCode, out.toString(), err.toString());
    }

    private static Map<String, String> membersOf(Outcome outcome) throws IOException {
        Map<String, String> members = new LinkedHashMap<>();
        try (InputStream in = Files.newInputStream(Path.of(outcome.out.strip()));
                ZipInputStream zip = new ZipInputStream(in)) {
            for (ZipEntry entry = zip.getNextEntry(); entry != null; entry = zip.getNextEntry()) {
                members.put(entry.getName(), new String(zip.readAllBytes(), StandardCharsets.UTF_8));
            }
        }
        return members;
    }
}
