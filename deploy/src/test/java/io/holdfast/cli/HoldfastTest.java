package io.holdfast.cli;

import static io.holdfast.testkit.FrameBuilder.ethernet;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.holdfast.audit.AuditEvent;
import io.holdfast.audit.AuditLog;
import io.holdfast.cli.proxy.Cables;
import io.holdfast.cli.proxy.Engine;
import io.holdfast.cli.proxy.HoldfastProxy;
import io.holdfast.cli.proxy.Wire;
import io.holdfast.config.HoldfastConfig;
import io.holdfast.testkit.InNetworkNamespace;
import io.holdfast.testkit.Shell;
import io.holdfast.wall.Term;
import java.io.File;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

/** What an operator types, and what happens to the process that runs the packet path. */
@InNetworkNamespace
class HoldfastTest {

    private static final Duration LIMIT = Duration.ofSeconds(30);
    private static final byte[] FRAME =
            ethernet("52:54:00:00:00:02", "52:54:00:00:00:01").payload(0x88b5, new byte[50]);

    @TempDir
    Path directory;

    /** What a command printed, and how it ended. */
    private record Outcome(int exitCode, String out, String err) {

        JsonNode json() throws IOException {
            return new ObjectMapper().readTree(out);
        }
    }

    /** It opens a wall by nobody's right. */
    @Test
    void shouldWarmUpNoProxyOfARealGuest() throws Exception {
        Outcome outcome = on(Cables.writeConfig(directory), "warm-up");
        assertThat(outcome.exitCode).isEqualTo(ExitCode.USAGE);
        assertThat(outcome.err).contains("by nobody's right", "whose guest is `warm-up`, not `redis`");
    }

    @Test
    void shouldSayToAProxyThatIsWarmedUpWhatAPromotionSays() throws Exception {
        Cables.plugIn(0);
        Path config = Cables.writeConfig(directory);
        Files.writeString(config, Files.readString(config).replace("guest: redis", "guest: " + WarmUpCommand.GUEST));
        try (HoldfastProxy proxy = HoldfastProxy.start(HoldfastConfig.read(config), false, "test");
                Wire net = new Wire("net0")) {
            assertThat(on(config, "warm-up").exitCode).isEqualTo(ExitCode.OK);
            await().atMost(LIMIT).until(() -> !net.received().isEmpty());
        }
    }

    @Test
    void shouldReleaseNothingOfWhatAKilledProxyHeld() throws Exception {
        Cables.plugIn(0);
        Path config = Cables.writeConfig(directory);
        try (Wire guest = new Wire("guest0");
                Wire net = new Wire("net0")) {
            Process proxy = startProxy(config);
            try (Engine engine = engine(config)) {
                engine.hello(1);
                guest.send(FRAME);
                await().atMost(LIMIT)
                        .until(() -> engine.status().path("held_frames").asLong() == 1);
                engine.barrier();
            } finally {
                proxy.destroyForcibly().waitFor();
            }
            net.assertStaysAt(0);
            assertThat(Shell.run("nft", "list", "tables")).contains("holdfast-tap0", "holdfast-up0");

            Process next = startProxy(config);
            try (Engine engine = engine(config)) {
                assertThat(engine.status().path("state").asText()).isEqualTo("CLOSED");
                assertThat(engine.status().path("term").asLong()).isEqualTo(1);
                guest.send(FRAME);
                net.assertStaysAt(0);
            } finally {
                next.destroy();
                assertThat(next.waitFor(LIMIT.toSeconds(), TimeUnit.SECONDS)).isTrue();
            }
            net.assertStaysAt(0);
        }
    }

    @Test
    void shouldEndWithItsOwnCodeWhenAPortVanishes() throws Exception {
        Cables.plugIn(0);
        Process proxy = startProxy(Cables.writeConfig(directory));
        Shell.run("ip", "link", "del", "up0");
        assertThat(proxy.waitFor(LIMIT.toSeconds(), TimeUnit.SECONDS)).isTrue();
        assertThat(proxy.exitValue()).isEqualTo(ExitCode.DIED);
    }

    @Test
    void shouldNameEveryReasonNotToStart() throws Exception {
        Cables.plugIn(0);
        Shell.run("ip", "addr", "add", "10.7.0.1/24", "dev", "tap0");
        Shell.run("ip", "addr", "add", "10.7.0.2/24", "dev", "up0");
        Outcome outcome = holdfast("--config", Cables.writeConfig(directory).toString(), "proxy");
        assertThat(outcome.exitCode).isEqualTo(ExitCode.FAILED);
        assertThat(outcome.err).contains("10.7.0.1/24", "10.7.0.2/24", "--force-unsafe");
    }

    @Test
    void shouldDriveAndShowTheWall() throws Exception {
        Cables.plugIn(0);
        Path config = Cables.writeConfig(directory);
        try (HoldfastProxy proxy = HoldfastProxy.start(HoldfastConfig.read(config), false, "test");
                Wire guest = new Wire("guest0");
                Wire net = new Wire("net0");
                Engine engine = engine(config)) {
            engine.hello(1, ", \"bound\": false, \"epoch\": 7");
            guest.send(FRAME);
            await().atMost(LIMIT)
                    .until(() -> engine.status().path("held_frames").asLong() == 1);
            assertThat(on(config, "held", "--json")
                            .json()
                            .at("/nics/0/held_frames")
                            .asLong())
                    .isEqualTo(1);
            assertThat(on(config, "held").out).contains("held frames", "1");
            assertThat(on(config, "mode").out.strip()).isEqualTo("wall");
            assertThat(on(config, "mode", "--json").json().path("in_force").asBoolean())
                    .isTrue();
            assertThat(on(config, "flows", "--json").json().path("flows").asInt())
                    .isZero();
            assertThat(on(config, "mode", "reverse").err).contains("beside its guest");
            Outcome status = on(config, "status", "--json");
            assertThat(status.exitCode).as("the proxy answers").isZero();
            assertThat(status.json().at("/proxy/state").asText()).isEqualTo("ARMING");
            assertThat(status.json().at("/agent/error").asText()).contains("nobody listens");
            assertThat(on(config, "status").out)
                    .contains("guest redis on host a", "ARMING", "1 frames", "tap0", "agent")
                    .doesNotContain("\033");

            assertThat(on(config, "commit", "7").err).contains("EpochNotClosed");
            assertThat(on(config, "barrier", "--json").json().path("epoch").asLong())
                    .isEqualTo(7);
            net.assertStaysAt(0);
            assertThat(on(config, "commit", "--json", "7").exitCode).isZero();
            net.awaitExactly(List.of(FRAME));

            assertThat(on(config, "announce", "--dry-run").out)
                    .matches("net0 +rarp +untagged +52:54:00:00:00:01  - +f{12}525400000001[0-9a-f]+\\R");
            assertThat(on(config, "announce", "--dry-run", "--json")
                            .json()
                            .at("/frames/0/hex")
                            .asText())
                    .startsWith("ffffffffffff525400000001" + "8035");
            assertThat(on(config, "announce", "--dry-run", "--stop").exitCode).isEqualTo(ExitCode.USAGE);
            assertThat(on(config, "announce").exitCode).isZero();
            assertThat(on(config, "status").out).doesNotContain("conflict");
            net.send(FRAME);
            await().atMost(LIMIT).until(() -> !engine.status().path("conflicts").isEmpty());
            assertThat(on(config, "status").out)
                    .contains(
                            "net0: mac 52:54:00:00:00:01 is used by 52:54:00:00:00:01, 1 times, the last",
                            "silent because of a conflict");
            assertThat(on(config, "announce", "--json")
                            .json()
                            .at("/series/0/disputed")
                            .asBoolean())
                    .as("who says so by hand knows that the guest is here")
                    .isFalse();
            assertThat(on(config, "status").out).doesNotContain("conflict");
            assertThat(on(config, "announce", "--stop").exitCode).isZero();
            assertThat(on(config, "doctor", "--release-ports", "--yes", "--reason", "test").err)
                    .contains("runs");
            assertThat(on(config, "seal", "--json", "--yes", "--reason", "test").out)
                    .contains("SEALED");
            assertThat(on(config, "audit", "--json").out.lines()).isNotEmpty();
            Outcome refused = on(config, "barrier");
            assertThat(refused.exitCode).isEqualTo(ExitCode.FAILED);
            assertThat(refused.err).contains("NotOwner");
            assertThat(refused.out).isEmpty();
        }
    }

    @Test
    void shouldSayThatNobodyListens() throws Exception {
        Path config = Cables.writeConfig(directory);
        for (List<String> command : List.of(
                List.of("status"),
                List.of("held"),
                List.of("checkpoint"),
                List.of("promote", "--yes", "--reason", "test"),
                List.of("rehearse"),
                List.of("alone", "--force", "--yes", "--reason", "test"),
                List.of("seal", "--yes", "--reason", "test"))) {
            Outcome outcome = on(config, command.toArray(String[]::new));
            assertThat(outcome.exitCode).as("%s", command).isEqualTo(ExitCode.NOBODY_LISTENS);
            assertThat(outcome.out + outcome.err).contains("nobody listens at");
        }
        JsonNode status = on(config, "status", "--json").json();
        assertThat(status.at("/proxy/error").asText()).contains("proxy.sock");
        assertThat(status.at("/agent/error").asText()).contains("agent.sock");
    }

    @Test
    void shouldTellUsageAndConfigurationFromFailure() throws Exception {
        Path config = Cables.writeConfig(directory);
        assertThat(holdfast("status").exitCode).isEqualTo(ExitCode.USAGE);
        assertThat(holdfast().exitCode).isEqualTo(ExitCode.USAGE);
        assertThat(holdfast("--config", config.toString(), "--guest", "redis", "held").err)
                .contains("exclude");
        assertThat(on(config, "hold").err).contains("--help");
        assertThat(on(config, "alone", "--reason", "test").err).contains("--force");
        assertThat(holdfast("--config", directory + "/none.yaml", "held").err).contains("none.yaml");
        assertThat(holdfast("--version").out).matches("(?s)holdfast [0-9]+\\.[0-9]+.*");
        assertThat(holdfast("--help").out).contains("Exit codes", "doctor");

        Files.writeString(config, Files.readString(config).replace("proxy:", "proxi:"));
        JsonNode verdict = on(config, "config", "check", "--json").json();
        assertThat(verdict.path("fine").asBoolean()).isFalse();
        assertThat(verdict.at("/problems/0").asText()).contains("proxi");
        Outcome wrong = on(config, "config", "check");
        assertThat(wrong.exitCode).isEqualTo(ExitCode.USAGE);
        assertThat(wrong.err).contains("redis.yaml:5", "did you mean `proxy`");
    }

    @Test
    void shouldCheckAndShowTheConfiguration() throws Exception {
        Path config = Cables.writeConfig(directory);
        assertThat(on(config, "config", "check").out).contains("fine");
        assertThat(on(config, "config", "check", "--json").json().path("fine").asBoolean())
                .isTrue();
        JsonNode json = on(config, "config", "show", "--json").json();
        assertThat(json.path("guest").asText()).isEqualTo("redis");
        assertThat(json.at("/proxy/nics/0/uplink").asText()).isEqualTo("up0");
        assertThat(json.at("/proxy/wall-limit").asText()).endsWith("iB");
        Path shown = Files.writeString(directory.resolve("shown.yaml"), on(config, "config", "show").out);
        assertThat(HoldfastConfig.read(shown)).isEqualTo(HoldfastConfig.read(config));
    }

    @Test
    void shouldSayWhatTheHostLacksWithoutTouchingIt() throws Exception {
        Cables.plugIn(0);
        Path config = Cables.writeConfig(directory);
        Files.writeString(config, """
                agent:
                  role: primary
                  link: {listen: "10.9.9.9:7700", peer: "10.9.9.8:7700", insecure: true}
                  qemu:
                    memory: /dev/shm/hfcli-none.ram
                    command: [hfcli-no-qemu, -object, "memory-backend-file,id=ram0,size=2048G,mem-path=/x"]
                """, java.nio.file.StandardOpenOption.APPEND);
        Outcome lacking = on(config, "doctor", "--json");
        assertThat(lacking.exitCode).isEqualTo(ExitCode.FAILED);
        assertThat(findings(lacking, "FAILED"))
                .containsExactlyInAnyOrder(
                        "hfcli-no-qemu is not found: apt-get install qemu-system-x86",
                        "agent.link.listen: 10.9.9.9 is not an address here",
                        findings(lacking, "FAILED").stream()
                                .filter(text -> text.startsWith("2097152 MiB needed"))
                                .findFirst()
                                .orElse("a finding about memory"));
        assertThat(findings(lacking, "OK")).anyMatch(text -> text.contains("libpcap version"));

        Shell.run("ip", "addr", "add", "10.7.0.1/24", "dev", "up0");
        Shell.run("ip", "link", "set", "tap0", "down");
        Shell.run("sysctl", "-w", "net.ipv4.conf.up0.proxy_arp=1");
        assertThat(findings(on(config, "doctor", "--json"), "FAILED"))
                .anyMatch(text -> text.contains("ip addr del 10.7.0.1/24 dev up0"))
                .anyMatch(text -> text.contains("sysctl -w net/ipv4/conf/up0/proxy_arp=0"))
                .anyMatch(text -> text.contains("ip link set tap0 up"));
        assertThat(Shell.run("nft", "list", "tables")).isEmpty();
    }

    /** What it starts QEMU with, nobody but the script knows. */
    @Test
    void shouldNotTakeAScriptForQemu() throws Exception {
        Path config = Cables.writeConfig(directory);
        Path script =
                Files.writeString(directory.resolve("redis-guest"), "#!/bin/sh\nexec qemu-system-x86_64 \"$@\"\n");
        assertThat(script.toFile().setExecutable(true)).isTrue();
        Files.writeString(config, """
                agent:
                  role: primary
                  link: {listen: "10.9.9.9:7700", peer: "10.9.9.8:7700", insecure: true}
                  qemu: {command: [env, LD_PRELOAD=, %s]}
                """.formatted(script), java.nio.file.StandardOpenOption.APPEND);
        assertThat(findings(on(config, "doctor", "--json"), "FAILED"))
                .anyMatch(text -> text.startsWith("qemu.command begins with " + script));
    }

    @Test
    void shouldMakeKeys() throws Exception {
        Path keys = directory.resolve("keys");
        Outcome outcome = holdfast("keys", "--directory", keys.toString(), "a", "b");
        assertThat(outcome.exitCode).isZero();
        assertThat(keys).isDirectoryContaining("glob:**/a.key").isDirectoryContaining("glob:**/ca.crt");
        assertThat(holdfast("keys", "--directory", keys.toString(), "a").exitCode)
                .as("never over what is there")
                .isEqualTo(ExitCode.FAILED);
    }

    @Test
    void shouldShowWhatWasDecidedOnThisHost() throws Exception {
        Path config = Cables.writeConfig(directory);
        assertThat(on(config, "audit").exitCode).as("nothing was").isZero();
        try (AuditLog log = new AuditLog(
                HoldfastConfig.read(config).stateDirectory(), "agent", "a", "redis", InstantSource.system())) {
            Term term = new Term(2, Term.Claim.ALONE, "a");
            log.note(AuditEvent.PRIMARY_REFUSED, term, "refused a primary");
            log.note(AuditEvent.ALONE, term, "going alone, by the operator: host b is dead");
        }
        Outcome newest = on(config, "audit", "--last", "1");
        assertThat(newest.exitCode).isZero();
        assertThat(newest.out)
                .contains("agent", "alone", "term 2/alone/a", "host b is dead")
                .doesNotContain("refused");
        assertThat(on(config, "audit", "--json").out.lines()).hasSize(2);
        assertThat(on(config, "audit", "--last", "0").exitCode).isEqualTo(ExitCode.USAGE);
    }

    private static List<String> findings(Outcome doctor, String verdict) throws IOException {
        List<String> texts = new ArrayList<>();
        doctor.json().path("findings").forEach(finding -> {
            if (finding.path("verdict").asText().equals(verdict)) {
                texts.add(finding.path("text").asText());
            }
        });
        return texts;
    }

    private static Outcome on(Path config, String... command) {
        List<String> arguments = new ArrayList<>(List.of(command));
        arguments.addAll(List.of("--config", config.toString()));
        Outcome outcome = holdfast(arguments.toArray(String[]::new));
        if (arguments.contains("--json")) {
            List<String> words =
                    arguments.stream().takeWhile(word -> !word.startsWith("--")).toList();
            Schemas.assertOutput(String.join(" ", words), outcome.out);
        }
        return outcome;
    }

    private static Outcome holdfast(String... arguments) {
        StringWriter out = new StringWriter();
        StringWriter err = new StringWriter();
        CommandLine command =
                Holdfast.commandLine().setOut(new PrintWriter(out, true)).setErr(new PrintWriter(err, true));
        return new Outcome(command.execute(arguments), out.toString(), err.toString());
    }

    private static Engine engine(Path config) throws Exception {
        return new Engine(HoldfastConfig.read(config).proxySocket());
    }

    /** A process of its own, in the calling thread's namespace, that listens when this returns. */
    private static Process startProxy(Path config) throws Exception {
        Process proxy = new ProcessBuilder(
                        System.getProperty("java.home") + File.separator + "bin" + File.separator + "java",
                        "--enable-native-access=ALL-UNNAMED",
                        "-XX:+UseSerialGC",
                        "-cp",
                        System.getProperty("java.class.path"),
                        Holdfast.class.getName(),
                        "--config",
                        config.toString(),
                        "proxy")
                .inheritIO()
                .start();
        await().atMost(LIMIT).until(() -> !proxy.isAlive() || on(config, "mode").exitCode == ExitCode.OK);
        assertThat(proxy.isAlive()).isTrue();
        return proxy;
    }
}
