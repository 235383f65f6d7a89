package io.holdfast.agent;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.holdfast.control.ControlServer;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.OptionalLong;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The proxy is a control socket that may take its time. */
class WallLinkTest {

    private static final Duration LIMIT = Duration.ofSeconds(10);
    private static final Duration A_WHILE = Duration.ofMillis(500);
    private static final WallLink.PressureListener UNINTERESTED = new WallLink.PressureListener() {};

    private final Path socket;
    private final CountDownLatch patience = new CountDownLatch(1);
    private final ControlServer proxy;
    private final Conductor conductor = new Conductor("test", error -> {});

    WallLinkTest(@TempDir Path directory) throws IOException {
        socket = directory.resolve("proxy.sock");
        proxy = ControlServer.builder(socket, "proxy", "test")
                .command("open", "answers when it is too late", (arguments, session) -> {
                    await().atMost(LIMIT).until(() -> patience.getCount() == 0);
                    return new ObjectMapper().createObjectNode();
                })
                .start();
    }

    @AfterEach
    void end() {
        patience.countDown();
        conductor.close();
        proxy.close();
    }

    /** Or whoever waits for another connection waits for ever. */
    @Test
    void shouldSayThatItIsGoneWhenACommandGetsNoAnswer() throws Exception {
        AtomicInteger gone = new AtomicInteger();
        AtomicReference<@Nullable WallLink> wall = new AtomicReference<>();
        await().atMost(LIMIT).ignoreExceptions().until(() -> {
            wall.set(WallLink.connect(socket, UNINTERESTED, gone::incrementAndGet));
            return true;
        });
        assertThatThrownBy(() -> requireNonNull(wall.get()).open("test", OptionalLong.empty()))
                .isInstanceOf(WallGoneException.class);
        assertThat(gone.get()).isOne();
    }

    /** INV-10. */
    @Test
    void shouldTellOfAConflictOverAddressesThatAreOurs() {
        AtomicInteger conflicts = new AtomicInteger();
        await().atMost(LIMIT).ignoreExceptions().until(() -> {
            WallLink.connect(
                    socket,
                    new WallLink.PressureListener() {
                        @Override
                        public void onAddressConflict() {
                            conflicts.incrementAndGet();
                        }
                    },
                    () -> {});
            return true;
        });
        ObjectMapper json = new ObjectMapper();
        proxy.broadcast("ADDRESS_CONFLICT", json.createObjectNode().put("standing", "in_doubt"));
        proxy.broadcast("ADDRESS_CONFLICT", json.createObjectNode().put("standing", "owner"));
        await().atMost(LIMIT).until(() -> conflicts.get() == 1);
    }

    @Test
    void shouldConnectAgainAfterACommandThatGotNoAnswer() {
        List<WallLink> connected = new CopyOnWriteArrayList<>();
        Runnable[] onLost = {() -> {}};
        WallLink.Connector connector =
                new WallLink.Connector(socket, conductor, connected::add, UNINTERESTED, () -> onLost[0].run());
        onLost[0] = connector::onLost;
        conductor.post(connector::start);
        await().atMost(LIMIT).until(() -> connected.size() == 1);
        conductor.post(() -> {
            try {
                connected.getFirst().open("test", OptionalLong.empty());
            } catch (Exception expected) {
                patience.countDown();
            }
        });
        await().atMost(LIMIT).until(() -> connected.size() == 2);
        connector.close();
    }

    /** The owner has acted already when the news comes, and has another one. */
    @Test
    void shouldNotTakeALateWordOfTheLostConnectionForTheNextOne() {
        List<WallLink> connected = new CopyOnWriteArrayList<>();
        AtomicInteger told = new AtomicInteger();
        WallLink.Connector connector =
                new WallLink.Connector(socket, conductor, connected::add, UNINTERESTED, told::incrementAndGet);
        conductor.post(connector::start);
        await().atMost(LIMIT).until(() -> connected.size() == 1);
        conductor.post(() -> {
            connector.onLost();
            try {
                connected.getFirst().open("test", OptionalLong.empty());
            } catch (Exception expected) {
                patience.countDown();
            }
        });
        await().atMost(LIMIT).until(() -> connected.size() == 2);
        await().during(A_WHILE).atMost(LIMIT).until(() -> told.get() == 0);
        connector.close();
    }

    /** The same, and the next one stands already when it comes. */
    @Test
    void shouldNotTakeAWordOfTheLostConnectionForOneOfTheNextThatStands() {
        List<WallLink> connected = new CopyOnWriteArrayList<>();
        AtomicInteger told = new AtomicInteger();
        WallLink.Connector connector =
                new WallLink.Connector(socket, conductor, connected::add, UNINTERESTED, told::incrementAndGet);
        conductor.post(connector::start);
        await().atMost(LIMIT).until(() -> connected.size() == 1);
        conductor.post(connector::onLost);
        await().atMost(LIMIT).until(() -> connected.size() == 2);
        assertThatThrownBy(() -> connected.getFirst().open("test", OptionalLong.empty()))
                .isInstanceOf(WallGoneException.class);
        await().during(A_WHILE).atMost(LIMIT).until(() -> told.get() == 0);
        connector.close();
    }
}
