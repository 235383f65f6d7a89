package io.holdfast.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.holdfast.config.HoldfastConfig;
import io.holdfast.control.ControlServer;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

/** The agent is a control socket that says how it stands. */
class PromoteCommandTest {

    @TempDir
    Path directory;

    private final AtomicInteger promotions = new AtomicInteger();
    private volatile JsonNode asked = new JsonMapper().createObjectNode();

    private record Outcome(int exitCode, JsonNode verdict) {}

    private Outcome check(String status) throws Exception {
        return run(status, "--check", "--json");
    }

    private Outcome run(String status, String... options) throws Exception {
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
                .command("status", "", (arguments, session) -> json(status))
                .command("promote", "", (arguments, session) -> {
                    promotions.incrementAndGet();
                    asked = arguments;
                    return new JsonMapper().createObjectNode().put("waits_for", "");
                })
                .start()) {
            StringWriter out = new StringWriter();
            CommandLine holdfast = Holdfast.commandLine().setOut(new PrintWriter(out));
            List<String> line = new ArrayList<>(List.of("promote", "--config", config.toString()));
            line.addAll(List.of(options));
            int exitCode = holdfast.execute(line.toArray(String[]::new));
            Schemas.assertOutput("promote", out.toString());
            return new Outcome(exitCode, new JsonMapper().readTree(out.toString()));
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
    void shouldSayAtWhatAndUnderWhichTermItWouldPromoteAndDoNothing() throws Exception {
        Outcome outcome = check("""
                {"role":"backup","may_promote":true,"missing_for_promotion":"nothing is missing","confirmed_epoch":41,
                 "term":3,"peer":"connected"}""");
        assertThat(outcome.exitCode).isZero();
        assertThat(outcome.verdict.path("epoch").asLong()).isEqualTo(41);
        assertThat(outcome.verdict.path("term").asLong()).isEqualTo(4);
        assertThat(outcome.verdict.path("primary").asText()).contains("lives");
        assertThat(promotions.get()).isZero();
    }

    @Test
    void shouldSayWhatIsMissing() throws Exception {
        Outcome outcome = check("""
                {"role":"backup","may_promote":false,"missing_for_promotion":"the waiting hypervisor is not ready"}""");
        assertThat(outcome.exitCode).isEqualTo(ExitCode.FAILED);
        assertThat(outcome.verdict.path("missing").asText()).isEqualTo("the waiting hypervisor is not ready");
    }

    @Test
    void shouldSayThatAPrimaryHasNothingToPromote() throws Exception {
        Outcome outcome = check("{\"role\":\"primary\"}");
        assertThat(outcome.exitCode).isEqualTo(ExitCode.FAILED);
        assertThat(outcome.verdict.path("missing").asText()).contains("primary already");
    }

    @Test
    void shouldSayWhomItWouldAskAndWhatStandsInTheWay() throws Exception {
        Outcome outcome = check("""
                {"role":"backup","may_promote":true,"missing_for_promotion":"nothing is missing","confirmed_epoch":41,
                 "term":3,"peer":"absent","arbiter":"etcd","fence":true,"waits_for":"the arbiter's word (no answer)"}""");
        assertThat(outcome.verdict.path("asks").asText())
                .isEqualTo("the arbiter (etcd) for the next term, then the fence for proof that the primary is gone");
        assertThat(outcome.verdict.path("waits_for").asText()).isEqualTo("the arbiter's word (no answer)");
    }

    @Test
    void shouldForceForAReason() throws Exception {
        Outcome outcome = run("{}", "--yes", "--json", "--force", "--reason", "host a has burnt down");
        assertThat(outcome.exitCode).isZero();
        assertThat(asked.path("force").asBoolean()).isTrue();
        assertThat(asked.path("reason").asText()).isEqualTo("host a has burnt down");
    }
}
