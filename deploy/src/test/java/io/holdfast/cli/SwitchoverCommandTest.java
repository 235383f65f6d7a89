package io.holdfast.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.holdfast.config.HoldfastConfig;
import io.holdfast.control.CommandException;
import io.holdfast.control.ControlServer;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

/** The agent is a control socket that says one thing after the other. */
class SwitchoverCommandTest {

    private static final JsonMapper JSON = new JsonMapper();

    @TempDir
    Path directory;

    private final Deque<JsonNode> statuses = new ArrayDeque<>();
    private String refusal = "";
    private String reason = "";

    private record Outcome(int exitCode, String out, String err) {}

    @Test
    void shouldTellHowLongTheGuestStoodStillWhenTheOtherHostHasIt() throws Exception {
        statuses.addAll(List.of(
                status(0, ""),
                status(0, "the last checkpoint is on its way"),
                status(1, "").put("owner", "b").put("term", 2).put("switchover_ms", 312.4)));
        Outcome outcome = run("switchover", "--yes", "--reason", "maintenance");
        assertThat(outcome.exitCode()).isEqualTo(ExitCode.OK);
        assertThat(outcome.out()).contains("host b has the guest, under term 2; it stood still for 312 ms at most");
        assertThat(outcome.err()).contains("the last checkpoint is on its way");
        assertThat(reason).isEqualTo("maintenance");
    }

    @Test
    void shouldTellProgramsWhatIsDescribed() throws Exception {
        statuses.addAll(List.of(status(0, ""), status(1, "").put("owner", "b").put("term", 2)));
        Schemas.assertOutput(
                "switchover",
                run("switchover", "--json", "--yes", "--reason", "test").out());
    }

    @Test
    void shouldCountOnlyTheSwitchoverThatItAskedFor() throws Exception {
        statuses.addAll(List.of(
                status(4, ""), status(4, "the backup takes over"), status(5, "").put("owner", "b")));
        assertThat(run("switchover", "--yes", "--reason", "test").err()).contains("the backup takes over");
    }

    @Test
    void shouldFailWhenTheGuestGoesOnHere() throws Exception {
        statuses.addAll(List.of(status(0, ""), status(0, "abandoned: backup lost: end of file")));
        Outcome outcome = run("switchover", "--yes", "--reason", "test");
        assertThat(outcome.exitCode()).isEqualTo(ExitCode.FAILED);
        assertThat(outcome.err()).contains("the guest goes on here; abandoned: backup lost: end of file");
    }

    @Test
    void shouldFailWhenTheAgentRefuses() throws Exception {
        statuses.add(status(0, ""));
        refusal = "no backup is armed that could take over";
        Outcome outcome = run("switchover", "--yes", "--reason", "test");
        assertThat(outcome.exitCode()).isEqualTo(ExitCode.FAILED);
        assertThat(outcome.err()).contains(refusal);
    }

    private static ObjectNode status(int switchovers, String progress) {
        return JSON.createObjectNode().put("switchovers", switchovers).put("switchover", progress);
    }

    private Outcome run(String... arguments) throws Exception {
        Path config = Files.writeString(
                directory.resolve("redis.yaml"), """
                guest: redis
                host: a
                runtime-directory: %s
                state-directory: %s
                agent:
                  role: primary
                  guest-ports: [tap0]
                  wall: peer
                  link: {listen: 127.0.0.1:1, peer: 127.0.0.1:2, insecure: true}
                  qemu: {command: qemu}
                """.formatted(directory.resolve("run"), directory.resolve("state")));
        try (ControlServer agent = ControlServer.builder(
                        HoldfastConfig.read(config).agentSocket(), "agent", "test")
                .command("status", "", (given, session) -> statuses.size() > 1 ? statuses.remove() : statuses.element())
                .command("switchover", "", (given, session) -> {
                    if (!refusal.isEmpty()) {
                        throw new CommandException("CannotSwitchOver", refusal);
                    }
                    reason = given.path("reason").asText();
                    return JSON.createObjectNode();
                })
                .start()) {
            StringWriter out = new StringWriter();
            StringWriter err = new StringWriter();
            CommandLine holdfast =
                    Holdfast.commandLine().setOut(new PrintWriter(out, true)).setErr(new PrintWriter(err, true));
            String[] line = Stream.concat(Arrays.stream(arguments), Stream.of("--config", config.toString()))
                    .toArray(String[]::new);
            return new Outcome(holdfast.execute(line), out.toString(), err.toString());
        }
    }
}
