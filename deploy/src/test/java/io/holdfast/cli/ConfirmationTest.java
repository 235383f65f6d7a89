package io.holdfast.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.holdfast.config.HoldfastConfig;
import io.holdfast.control.CommandException;
import io.holdfast.control.ControlServer;
import java.io.File;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.FieldSource;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;
import picocli.CommandLine.Model.CommandSpec;

/** Which commands ask back. Proxy and agent are control sockets that remember what they were asked. */
class ConfirmationTest {

    /** As they are typed when they ask. */
    private static final List<String> DESTRUCTIVE = List.of(
            "alone --force",
            "doctor --release-ports",
            "dump --out /nonexistent/dump.pcapng",
            "promote",
            "promote --force",
            "rejoin --force",
            "seal",
            "switchover");

    /** They only look, or what they do can be taken back in the same way, or they are said by engines and never by people. */
    private static final Set<String> UNASKED = Set.of(
            "agent",
            "announce",
            "audit",
            "barrier",
            "bench",
            "checkpoint",
            "commit",
            "config",
            "config check",
            "config show",
            "flows",
            "completion",
            "events",
            "guest-command",
            "held",
            "keys",
            "manual",
            "mode",
            "proxy",
            "rehearse",
            "status",
            "support-bundle",
            "warm-up");

    private static final JsonMapper JSON = new JsonMapper();

    @TempDir
    Path directory;

    private final List<String> asked = new CopyOnWriteArrayList<>();
    private final List<ControlServer> processes = new ArrayList<>();
    private Path config;

    private record Outcome(int exitCode, String err) {}

    @BeforeEach
    void startListeners() throws Exception {
        config = Files.writeString(directory.resolve("redis.yaml"), """
                guest: redis
                host: a
                runtime-directory: %1$s/run
                state-directory: %1$s/state
                proxy:
                  nics: [{guest-port: tap0, uplink: up0}]
                agent:
                  role: primary
                  link: {listen: 127.0.0.1:1, peer: 127.0.0.1:2, insecure: true}
                  qemu: {command: qemu}
                """.formatted(directory));
        HoldfastConfig read = HoldfastConfig.read(config);
        processes.add(ControlServer.builder(read.proxySocket(), "proxy", "test")
                .command("seal", "", (given, session) -> remember("seal", given))
                .command("dump", "", (given, session) -> remember("dump", given))
                .start());
        processes.add(ControlServer.builder(read.agentSocket(), "agent", "test")
                .command("status", "", (given, session) -> JSON.createObjectNode())
                .command("alone", "", (given, session) -> remember("alone", given))
                .command("promote", "", (given, session) -> remember("promote", given))
                .command("rejoin", "", (given, session) -> remember("rejoin", given))
                .command("switchover", "", (given, session) -> {
                    remember("switchover", given);
                    throw new CommandException("Heard", "the test has heard enough");
                })
                .start());
    }

    @AfterEach
    void stopListeners() {
        processes.forEach(ControlServer::close);
    }

    /** A new command has to stand in one of the two lists. */
    @Test
    void shouldBeThereForEachCommandThatNobodyCanTakeBack() {
        Set<String> asking = new TreeSet<>();
        Set<String> unasked = new TreeSet<>();
        collect("", Holdfast.commandLine(), asking, unasked);
        assertThat(asking).isEqualTo(names(DESTRUCTIVE.stream()));
        assertThat(unasked).isEqualTo(names(UNASKED.stream()));
    }

    @ParameterizedTest
    @FieldSource("DESTRUCTIVE")
    void shouldBeNeededWhereNobodyCanBeAsked(String command) {
        Outcome outcome = run(command + " --reason test");
        assertThat(outcome.exitCode()).isEqualTo(ExitCode.USAGE);
        assertThat(outcome.err()).contains("say --yes where nobody can be asked", "holdfast " + name(command));
        assertThat(asked).isEmpty();
    }

    @ParameterizedTest
    @FieldSource("DESTRUCTIVE")
    void shouldWantAReason(String command) {
        Outcome outcome = run(command + " --yes");
        assertThat(outcome.exitCode()).isEqualTo(ExitCode.USAGE);
        assertThat(outcome.err()).contains("--reason TEXT");
        assertThat(asked).isEmpty();
    }

    /** The one who does it writes the audit. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "alone --force",
                "dump --out /nonexistent/dump.pcapng",
                "promote",
                "promote --force",
                "rejoin --force --wait 0",
                "seal",
                "switchover"
            })
    void shouldTellTheReasonToWhoDoesIt(String command) {
        run(command + " --yes --reason maintenance");
        assertThat(asked).containsExactly(name(command) + " because maintenance");
    }

    @Test
    void shouldAskAtATerminalNamingGuestAndConsequence() throws Exception {
        assertThat(atTerminal("no", "seal", "--reason", "test"))
                .contains("Cut guest redis off from its network on host a", "discard", "Nothing was done");
        assertThat(asked).isEmpty();
        assertThat(atTerminal("yes", "seal", "--reason", "test")).doesNotContain("Nothing was done");
        assertThat(asked).containsExactly("seal because test");
    }

    private ObjectNode remember(String command, ObjectNode given) {
        asked.add(command + " because " + given.path("reason").asText());
        return JSON.createObjectNode();
    }

    private static void collect(String path, CommandLine line, Set<String> asking, Set<String> unasked) {
        line.getSubcommands().forEach((name, command) -> {
            String full = (path + " " + name).strip();
            (asksBack(command.getCommandSpec()) ? asking : unasked).add(full);
            collect(full, command, asking, unasked);
        });
    }

    private static boolean asksBack(CommandSpec command) {
        return command.mixins().values().stream().anyMatch(mixin -> mixin.userObject() instanceof Confirmation);
    }

    private static Set<String> names(Stream<String> commands) {
        Set<String> names = new TreeSet<>();
        commands.map(command -> command.contains(" -") ? name(command) : command)
                .forEach(names::add);
        return names;
    }

    private static String name(String command) {
        return command.split(" ", 2)[0];
    }

    private Outcome run(String command) {
        StringWriter err = new StringWriter();
        CommandLine holdfast = Holdfast.commandLine()
                .setOut(new PrintWriter(new StringWriter(), true))
                .setErr(new PrintWriter(err, true));
        String[] words = Stream.concat(Arrays.stream(command.split(" ")), Stream.of("--config", config.toString()))
                .toArray(String[]::new);
        return new Outcome(holdfast.execute(words), err.toString());
    }

    /** util-linux's {@code script} makes the terminal. */
    private String atTerminal(String typed, String... command) throws Exception {
        List<String> java = new ArrayList<>(List.of(
                System.getProperty("java.home") + File.separator + "bin" + File.separator + "java",
                "-XX:+UseSerialGC",
                "-cp",
                System.getProperty("java.class.path"),
                Holdfast.class.getName(),
                "--config",
                config.toString()));
        java.addAll(List.of(command));
        Process script = new ProcessBuilder("script", "--quiet", "--command", String.join(" ", java), "/dev/null")
                .redirectErrorStream(true)
                .start();
        script.getOutputStream().write((typed + "\n").getBytes(StandardCharsets.UTF_8));
        script.getOutputStream().flush();
        String screen = new String(script.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        script.getOutputStream().close();
        script.waitFor();
        return screen;
    }
}
