package io.holdfast.agent;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.holdfast.agent.engine.CheckpointEngine;
import io.holdfast.agent.engine.EngineException;
import io.holdfast.agent.engine.StandbyEngine;
import io.holdfast.agent.role.CatchUpAttempts;
import io.holdfast.control.CommandException;
import io.holdfast.control.ControlServer;
import io.holdfast.wall.Term;
import java.io.IOException;
import java.lang.reflect.Proxy;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.OptionalLong;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The proxy is a control socket that notes what it is told. */
class InlinePromotionTest {

    private static final Duration LIMIT = Duration.ofSeconds(10);
    private static final Duration A_WHILE = Duration.ofMillis(200);
    private static final long CATCH_UP_LIMIT_NANOS = 60_000_000_000L;
    private static final int ATTEMPTS = 2;
    private static final long CHECKPOINT = 24;
    private static final Term TERM = new Term(2, Term.Claim.PROMOTION, "b");

    private final Conductor conductor = new Conductor("test", error -> {});
    private final Worker engineThread = new Worker("test-engine");
    private final List<String> outcome = new CopyOnWriteArrayList<>();
    private volatile @Nullable WallLink wall;
    private final AtomicInteger resumed = new AtomicInteger();
    private volatile int deadHypervisors;
    private InlineProxy proxy;

    InlinePromotionTest(@TempDir Path directory) throws IOException {
        proxy = new InlineProxy(directory.resolve("proxy.sock"), "9f");
    }

    @BeforeEach
    void begin() throws Exception {
        WallLink connected = connect();
        own(connected);
        connected.guestLost();
        InlinePromotion promotion = promotion(new Guests());
        conductor.post(() -> promotion.restore(fake(StandbyEngine.class)));
    }

    @AfterEach
    void end() {
        conductor.close();
        engineThread.close();
        closeWall();
        proxy.server.close();
    }

    @Test
    void shouldOpenWhenTheGuestIsWhereItsClientsHaveSeenIt() {
        await().during(A_WHILE).atMost(LIMIT).until(outcome::isEmpty);
        proxy.decided = true;
        awaitLive();
        assertThat(proxy.told).containsExactly("hello 2", "lost", "restored backup " + CHECKPOINT, "open promoted");
    }

    /** Its ledgers are lost, so it has to know that the guest is an older one. */
    @Test
    void shouldTellANewLifeOfTheProxyWhatHasHappened() throws Exception {
        await().atMost(LIMIT).until(() -> proxy.told.size() == 3);
        restartProxy("a0");
        await().during(A_WHILE).atMost(LIMIT).until(outcome::isEmpty);
        proxy.decided = true;
        connect();
        awaitLive();
        assertThat(proxy.told).containsExactly("hello 2", "lost", "restored backup " + CHECKPOINT, "open promoted");
    }

    @Test
    void shouldGoOnWithAProxyThatWasOnlyAway() throws Exception {
        await().atMost(LIMIT).until(() -> proxy.told.size() == 3);
        closeWall();
        proxy.decided = true;
        connect();
        awaitLive();
        assertThat(proxy.told)
                .containsExactly("hello 2", "lost", "restored backup " + CHECKPOINT, "hello 2", "open promoted");
    }

    /** For example because translations do not find room on the disk. */
    @Test
    void shouldTryAgainToOpenAWallThatRefuses() {
        proxy.refusal = "no room";
        proxy.decided = true;
        await().atMost(LIMIT).until(() -> proxy.refusals.get() > 1);
        assertThat(outcome).isEmpty();
        proxy.refusal = "";
        awaitLive();
    }

    @Test
    void shouldEndAHypervisorInWhichTheGuestCannotBeResumed() {
        InlinePromotion failing = promotion(new Guests() {
            @Override
            public CheckpointEngine resume(StandbyEngine waiting) throws EngineException {
                throw new EngineException("no state");
            }
        });
        conductor.post(() -> failing.restore(fake(StandbyEngine.class)));
        await().atMost(LIMIT).until(() -> outcome.contains("no state"));
        assertThat(outcome).containsExactly("close", "no state");
    }

    /** The proxy knows only that its guest comes no further. */
    @Test
    void shouldRestoreAgainWhenTheHypervisorDiesBeforeTheGuestIsWhereItsClientsHaveSeenIt() {
        await().atMost(LIMIT).until(() -> proxy.told.size() == 3);
        deadHypervisors = 1;
        await().atMost(LIMIT).until(() -> proxy.told.size() == 5);
        proxy.decided = true;
        await().atMost(LIMIT).until(() -> outcome.contains("live"));
        assertThat(outcome).containsExactly("kill", "close", "live");
        String restored = "restored backup " + CHECKPOINT;
        assertThat(proxy.told).containsExactly("hello 2", "lost", restored, "lost", restored, "open promoted");
    }

    @Test
    void shouldFailWhenTheHypervisorOfTheLastAttemptDies() {
        await().atMost(LIMIT).until(() -> proxy.told.size() == 3);
        deadHypervisors = ATTEMPTS;
        await().atMost(LIMIT).until(() -> outcome.size() == 5);
        assertThat(outcome).startsWith("kill", "close", "kill", "close");
        assertThat(outcome.getLast()).contains("attempt 2 has died");
        assertThat(proxy.told).doesNotContain("open promoted");
    }

    private InlinePromotion promotion(InlinePromotion.Guests guests) {
        return new InlinePromotion(
                conductor,
                engineThread,
                new CatchUpAttempts(ATTEMPTS, CATCH_UP_LIMIT_NANOS),
                "backup",
                CHECKPOINT,
                "promoted",
                () -> wall,
                OptionalLong::empty,
                InlinePromotionTest::own,
                guests,
                new InlinePromotion.Listener() {
                    @Override
                    public void onLive(CheckpointEngine guest) {
                        outcome.add("live");
                    }

                    @Override
                    public void onRestoreFailed(String reason) {
                        outcome.add(reason);
                    }
                });
    }

    private void awaitLive() {
        await().atMost(LIMIT).until(() -> outcome.equals(List.of("live")));
    }

    private static void own(WallLink connected) throws WallGoneException, CommandException {
        connected.hello(TERM, CHECKPOINT + 1, 0, "", TermStore.NEVER);
    }

    /** Again, if this process has no time to greet itself. */
    private WallLink connect() {
        WallLink connected = await().atMost(LIMIT)
                .pollDelay(Duration.ZERO)
                .ignoreException(WallGoneException.class)
                .until(
                        () -> WallLink.connect(proxy.socket, new WallLink.PressureListener() {}, () -> {}),
                        link -> true);
        wall = connected;
        return connected;
    }

    private void closeWall() {
        WallLink known = wall;
        wall = null;
        if (known != null) {
            known.close();
        }
    }

    private void restartProxy(String incarnation) throws IOException {
        closeWall();
        proxy.server.close();
        proxy = new InlineProxy(proxy.socket, incarnation);
    }

    private class Guests implements InlinePromotion.Guests {

        @Override
        public CheckpointEngine resume(StandbyEngine waiting) throws EngineException {
            return fake(CheckpointEngine.class, resumed.incrementAndGet());
        }

        @Override
        public StandbyEngine startAnother() {
            return fake(StandbyEngine.class);
        }
    }

    private <T> T fake(Class<T> type) {
        return fake(type, Integer.MAX_VALUE);
    }

    /** Nothing is asked of it but whether it lives; its end is noted. */
    private <T> T fake(Class<T> type, int number) {
        Object fake =
                Proxy.newProxyInstance(type.getClassLoader(), new Class<?>[] {type}, (self, method, arguments) -> {
                    if (method.getName().equals("isAlive")) {
                        return number > deadHypervisors;
                    }
                    outcome.add(method.getName());
                    return null;
                });
        return type.cast(fake);
    }

    private static final class InlineProxy {

        private static final ObjectMapper JSON = new ObjectMapper();

        final Path socket;
        final ControlServer server;
        final List<String> told = new CopyOnWriteArrayList<>();
        volatile boolean decided;
        volatile String refusal = "";
        final AtomicInteger refusals = new AtomicInteger();

        InlineProxy(Path socket, String incarnation) throws IOException {
            this.socket = socket;
            this.server = ControlServer.builder(socket, "proxy", "test")
                    .command("hello", "", (arguments, session) -> {
                        told.add("hello " + arguments.path("term").asLong());
                        return JSON.createObjectNode()
                                .put("incarnation", incarnation)
                                .put("epoch", CHECKPOINT + 1)
                                .put("monotonic_nanos", System.nanoTime());
                    })
                    .command("lost", "", (arguments, session) -> note("lost"))
                    .command(
                            "restored",
                            "",
                            (arguments, session) -> note("restored "
                                    + arguments.path("place").asText() + " "
                                    + arguments.path("epoch").asLong()))
                    .command("catchup", "", (arguments, session) -> {
                        ObjectNode reached =
                                JSON.createObjectNode().put("decided", decided).put("order", "gated");
                        reached.putArray("diverged");
                        return reached;
                    })
                    .command("open", "", (arguments, session) -> open(arguments))
                    .start();
        }

        private ObjectNode open(ObjectNode arguments) throws CommandException {
            if (!refusal.isEmpty()) {
                refusals.incrementAndGet();
                throw new CommandException("TranslationsNotKept", refusal);
            }
            return note("open " + arguments.path("reason").asText());
        }

        private ObjectNode note(String what) {
            told.add(what);
            return JSON.createObjectNode();
        }
    }
}
