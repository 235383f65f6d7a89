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
class RejoinCommandTest {

    private static final JsonMapper JSON = new JsonMapper();

    @TempDir
    Path directory;

    private final Deque<JsonNode> statuses = new ArrayDeque<>();
    private String refusal = "";
    private JsonNode asked = JSON.createObjectNode();

    private record Outcome(int exitCode, String out, String err) {}

    @Test
    void shouldSayWhatIsMissingUntilThisHostMayTakeOver() throws Exception {
        statuses.addAll(List.of(
                JSON.createObjectNode().put("role", "primary"),
                backup(false, "absent", ""),
                backup(true, "absent", ""),
                backup(true, "connected", "this backup has never confirmed a full checkpoint"),
                backup(true, "connected", "nothing is missing")
                        .put("may_promote", true)
                        .put("term", 7)
                        .put("confirmed_epoch", 12)));
        Outcome outcome = run("rejoin");
        assertThat(outcome.exitCode()).isEqualTo(ExitCode.OK);
        assertThat(outcome.err().lines())
                .containsExactly(
                        "the agent changes its role",
                        "the waiting hypervisor is not ready",
                        "no primary is connected",
                        "this backup has never confirmed a full checkpoint");
        assertThat(outcome.out()).contains("the backup of term 7").contains("from checkpoint 12 on");
        assertThat(asked.path("force").asBoolean()).isFalse();
    }

    @Test
    void shouldNotWaitWhenItIsToldNotTo() throws Exception {
        statuses.add(backup(true, "absent", ""));
        Outcome outcome = run("rejoin", "--wait", "0");
        assertThat(outcome.exitCode()).isEqualTo(ExitCode.OK);
        assertThat(outcome.out()).contains("for a promotion is missing: no primary is connected");
    }

    @Test
    void shouldTellProgramsWhatIsDescribed() throws Exception {
        statuses.add(backup(true, "connected", "").put("may_promote", true));
        Schemas.assertOutput("rejoin", run("rejoin", "--json").out());
    }

    @Test
    void shouldFailAndSayWhatIsMissingWhenItHasWaitedForLong() throws Exception {
        statuses.add(backup(true, "absent", ""));
        Outcome outcome = run("rejoin", "--wait", "1");
        assertThat(outcome.exitCode()).isEqualTo(ExitCode.FAILED);
        assertThat(outcome.err()).contains("after 1 s it cannot take over: no primary is connected");
    }

    @Test
    void shouldNotWaitForWhatOnlyTheOperatorCanChange() throws Exception {
        statuses.addAll(List.of(
                backup(true, "absent", ""), backup(true, "absent", "").put("refuses_because", "host a is older")));
        Outcome outcome = run("rejoin");
        assertThat(outcome.exitCode()).isEqualTo(ExitCode.FAILED);
        assertThat(outcome.err()).contains("cannot follow the primary: host a is older");
    }

    @Test
    void shouldFailWhenTheAgentRefuses() throws Exception {
        refusal = "the guest runs here";
        Outcome outcome = run("rejoin");
        assertThat(outcome.exitCode()).isEqualTo(ExitCode.FAILED);
        assertThat(outcome.err()).contains(refusal);
    }

    @Test
    void shouldGiveAGuestUpWhenItIsForced() throws Exception {
        statuses.add(backup(true, "connected", "").put("may_promote", true));
        assertThat(run("rejoin", "--force", "--yes", "--reason", "broken").exitCode())
                .isEqualTo(ExitCode.OK);
        assertThat(asked.path("force").asBoolean()).isTrue();
        assertThat(asked.path("reason").asText()).isEqualTo("broken");
    }

    @Test
    void shouldRefuseAWaitThatIsNegative() throws Exception {
        assertThat(run("rejoin", "--wait", "-1").exitCode()).isEqualTo(ExitCode.USAGE);
    }

    private static ObjectNode backup(boolean standbyReady, String peer, String missing) {
        return JSON.createObjectNode()
                .put("role", "backup")
                .put("standby_ready", standbyReady)
                .put("peer", peer)
                .put("may_promote", false)
                .put("missing_for_promotion", missing);
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
                .command("rejoin", "", (given, session) -> {
                    if (!refusal.isEmpty()) {
                        throw new CommandException("GuestRuns", refusal);
                    }
                    asked = given;
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
