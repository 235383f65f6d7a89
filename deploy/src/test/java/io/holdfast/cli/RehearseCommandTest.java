package io.holdfast.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.holdfast.config.HoldfastConfig;
import io.holdfast.control.CommandException;
import io.holdfast.control.ControlServer;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

/** The agent is a control socket that tells one status after the other. */
class RehearseCommandTest {

    private static final String BEFORE = """
            {"begun":2,"step":"","number":1,"outcome":"answered","total_ms":900.0}""";
    private static final String UNDER_WAY = """
            {"begun":2,"step":"restoring the guest","number":1,"outcome":"answered","total_ms":900.0}""";

    @TempDir
    Path directory;

    private record Outcome(int exitCode, String out, String err) {

        JsonNode json() throws JsonProcessingException {
            return new JsonMapper().readTree(out);
        }
    }

    private Outcome rehearse(String... statuses) throws Exception {
        Deque<String> next = new ArrayDeque<>(List.of(statuses));
        Path config = Files.writeString(
                directory.resolve("redis.yaml"), """
                guest: redis
                host: b
                runtime-directory: %s
                state-directory: %s
                agent:
                  role: backup
                  guest-ports: [tap0]
                  wall: peer
                  link: {listen: 127.0.0.1:1, peer: 127.0.0.1:2, insecure: true}
                  qemu: {command: qemu}
                """.formatted(directory.resolve("run"), directory.resolve("state")));
        Path socket = HoldfastConfig.read(config).agentSocket();
        try (ControlServer agent = ControlServer.builder(socket, "agent", "test")
                .command("rehearse", "", (arguments, session) -> {
                    if (next.isEmpty()) {
                        throw new CommandException(
                                "CannotRehearse", "this backup has never confirmed a full checkpoint");
                    }
                    return json("{\"number\":2}");
                })
                .command("status", "", (arguments, session) -> json("{\"rehearsal\":" + next.pop() + "}"))
                .start()) {
            StringWriter out = new StringWriter();
            StringWriter err = new StringWriter();
            CommandLine holdfast =
                    Holdfast.commandLine().setOut(new PrintWriter(out)).setErr(new PrintWriter(err));
            int exitCode = holdfast.execute("rehearse", "--json", "--config", config.toString());
            return new Outcome(exitCode, out.toString(), err.toString());
        }
    }

    private static JsonNode json(String text) {
        try {
            return new JsonMapper().readTree(text);
        } catch (JsonProcessingException e) {
            throw new IllegalArgumentException(e);
        }
    }

    @Test
    void shouldWaitForTheEndOfItsOwnRehearsal() throws Exception {
        Outcome outcome = rehearse(BEFORE, UNDER_WAY, """
                {"begun":2,"step":"","number":2,"outcome":"answered","epoch":41,"total_ms":1200.0}""");
        assertThat(outcome.exitCode).isZero();
        assertThat(outcome.json().path("epoch").asLong()).isEqualTo(41);
    }

    @Test
    void shouldFailWhenTheGuestDidNotAnswer() throws Exception {
        Outcome outcome = rehearse("{\"number\":2,\"outcome\":\"no-answer\",\"reason\":\"silent\"}");
        assertThat(outcome.exitCode).isEqualTo(ExitCode.FAILED);
        assertThat(outcome.json().path("reason").asText()).isEqualTo("silent");
    }

    @Test
    void shouldFailWhenNobodyCanTellWhetherTheGuestAnswers() throws Exception {
        assertThat(rehearse("{\"number\":2,\"outcome\":\"restored\"}").exitCode).isEqualTo(ExitCode.FAILED);
    }

    @Test
    void shouldFailWhenSomethingElseCameFirst() throws Exception {
        assertThat(rehearse("{\"number\":2,\"outcome\":\"interrupted\"}").exitCode)
                .isEqualTo(ExitCode.FAILED);
    }

    @Test
    void shouldSayWhyTheAgentDoesNotBegin() throws Exception {
        Outcome outcome = rehearse();
        assertThat(outcome.exitCode).isEqualTo(ExitCode.FAILED);
        assertThat(outcome.err).contains("CannotRehearse", "never confirmed");
    }
}
