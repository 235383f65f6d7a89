package io.holdfast.agent.arbiter;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

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
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** With real commands. */
class ExecArbiterTest {

    private static final Duration LIMIT = Duration.ofSeconds(20);
    private static final Term TERM = new Term(3, Term.Claim.PROMOTION, "a");
    private static final Claim PROMOTION = Claim.after(TERM, TERM.promotionOf("b"));
    private static final Claim ALONE = Claim.after(TERM, TERM.aloneOf("a"));

    @TempDir
    Path directory;

    @ParameterizedTest
    @ValueSource(ints = {3, 4, 7})
    void shouldGrantWhatTheOtherHostCannotTakeAnyMore(int exitCode) throws Exception {
        assertThat(ask(PROMOTION, "exit " + exitCode)).isEqualTo(Verdict.Granted.forGood());
        assertThat(ask(ALONE, "exit " + exitCode)).isEqualTo(Verdict.Granted.forGood());
    }

    @Test
    void shouldRefuseWhenThePeerIsPrimary() throws Exception {
        assertThat(ask(PROMOTION, "exit 6")).isInstanceOf(Verdict.Refused.class);
    }

    /** Two hosts that do not hear each other may both be told so. */
    @Test
    void shouldLetTheBackupAloneGoOnWhenThePeerCannotBeReached() throws Exception {
        assertThat(ask(PROMOTION, "exit 5")).isEqualTo(Verdict.Granted.forGood());
        assertThat(ask(ALONE, "exit 5")).isInstanceOf(Verdict.Unreachable.class);
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 2, 8, 127})
    void shouldTakeAnyOtherExitCodeForNoAnswer(int exitCode) throws Exception {
        assertThat(ask(PROMOTION, "exit " + exitCode)).isInstanceOf(Verdict.Unreachable.class);
    }

    @Test
    void shouldTakeACommandThatCannotBeRunForNoAnswer() throws Exception {
        assertThat(ask(PROMOTION, List.of("/nowhere/fence"), LIMIT)).isInstanceOf(Verdict.Unreachable.class);
    }

    @Test
    void shouldTellTheCommandWhatHandlersOfDrbdExpectAndWhatItIsAbout() throws Exception {
        Path told = directory.resolve("told");
        ask(PROMOTION, "env > " + told + "; exit 4");
        assertThat(Files.readAllLines(told))
                .contains(
                        "DRBD_RESOURCE=redis",
                        "DRBD_PEER=a",
                        "DRBD_PEER_ADDRESS=127.0.0.1",
                        "DRBD_PEER_AF=ipv4",
                        "HOLDFAST_GUEST=redis",
                        "HOLDFAST_HOST=b",
                        "HOLDFAST_PEER=a",
                        "HOLDFAST_TERM=4",
                        "HOLDFAST_CLAIM=promotion",
                        "HOLDFAST_COMPARED_TERM=3");
    }

    /** It sees to it that the other host cannot go on, which a registration does not ask for. */
    @Test
    void shouldNotRunTheCommandForARegistration() throws Exception {
        Path ran = directory.resolve("ran");
        assertThat(ask(Claim.registration(TERM), "touch " + ran + "; exit 6")).isEqualTo(Verdict.Granted.forGood());
        assertThat(ran).doesNotExist();
    }

    @Test
    void shouldKillACommandThatTakesTooLongWithItsChildren() throws Exception {
        Path pids = directory.resolve("pids");
        Verdict verdict = ask(
                PROMOTION,
                List.of("sh", "-c", "sleep 600 & echo $! > " + pids + "; echo $$ >> " + pids + "; wait"),
                Duration.ofSeconds(2));
        assertThat(verdict).isInstanceOf(Verdict.Unreachable.class);
        List<String> numbers = Files.readAllLines(pids);
        assertThat(numbers).hasSize(2);
        await().atMost(LIMIT).until(() -> numbers.stream().noneMatch(ExecArbiterTest::lives));
    }

    private static boolean lives(String pid) {
        return ProcessHandle.of(Long.parseLong(pid))
                .filter(ProcessHandle::isAlive)
                .isPresent();
    }

    private static Verdict ask(Claim claim, String script) throws Exception {
        return ask(claim, List.of("sh", "-c", script), LIMIT);
    }

    private static Verdict ask(Claim claim, List<String> command, Duration limit) throws Exception {
        Pair pair = new Pair("redis", "b", new InetSocketAddress(InetAddress.getLoopbackAddress(), 7700));
        try (ExecArbiter arbiter = new ExecArbiter(command, limit, pair)) {
            CompletableFuture<Verdict> verdict = new CompletableFuture<>();
            arbiter.claim(claim, verdict::complete);
            return verdict.get(60, TimeUnit.SECONDS);
        }
    }
}
