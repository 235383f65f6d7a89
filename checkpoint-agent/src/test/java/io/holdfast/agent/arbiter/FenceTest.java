package io.holdfast.agent.arbiter;

import static org.assertj.core.api.Assertions.assertThat;

import io.holdfast.wall.Term;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** With real commands. */
class FenceTest {

    private static final Term PRIMARY = new Term(3, Term.Claim.PROMOTION, "a");

    @TempDir
    Path directory;

    @Test
    void shouldHaveProofWhenTheCommandEndsWell() throws Exception {
        assertThat(run("exit 0", Duration.ofSeconds(20))).isEmpty();
    }

    @Test
    void shouldSayWithWhichExitCodeThereIsNone() throws Exception {
        assertThat(run("exit 9", Duration.ofSeconds(20))).isEqualTo("exit code 9");
    }

    @Test
    void shouldHaveNoneWhenTheCommandTakesTooLong() throws Exception {
        assertThat(run("sleep 600", Duration.ofMillis(300))).contains("killed");
    }

    @Test
    void shouldNameTheHostThatIsToBeFenced() throws Exception {
        Path told = directory.resolve("told");
        run("env > " + told, Duration.ofSeconds(20));
        assertThat(Files.readAllLines(told))
                .contains("HOLDFAST_PEER=a", "HOLDFAST_PEER_ADDRESS=127.0.0.1", "HOLDFAST_TERM=3");
    }

    /** A failover waits for this. */
    @Test
    void shouldSayThatThereIsNoneWhenTheRunFails() throws Exception {
        assertThat(run(List.of(), Duration.ofSeconds(20))).startsWith("the question could not be asked: ");
    }

    private static String run(String script, Duration limit) throws Exception {
        return run(List.of("sh", "-c", script), limit);
    }

    private static String run(List<String> command, Duration limit) throws Exception {
        Pair pair = new Pair("redis", "b", new InetSocketAddress(InetAddress.getLoopbackAddress(), 7700));
        try (Fence fence = new Fence(command, limit, pair)) {
            CompletableFuture<String> end = new CompletableFuture<>();
            fence.run(PRIMARY, end::complete);
            return end.get(60, TimeUnit.SECONDS);
        }
    }
}
