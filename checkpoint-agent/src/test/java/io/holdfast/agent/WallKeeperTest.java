package io.holdfast.agent;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.AppenderBase;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.holdfast.control.CommandException;
import io.holdfast.control.ControlServer;
import io.holdfast.wall.Term;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.slf4j.LoggerFactory;

/** The proxy is a control socket whose wall is sealed. */
class WallKeeperTest {

    private static final Duration LIMIT = Duration.ofSeconds(10);
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final Term TERM = new Term(3, Term.Claim.ALONE, "a");

    private final TestHost host;
    private final ControlServer proxy;
    private final AtomicInteger hellos = new AtomicInteger();
    private volatile boolean sealed = true;
    private volatile boolean sealedByLease;
    private final List<String> heard = new CopyOnWriteArrayList<>();
    private final List<String> logged = new CopyOnWriteArrayList<>();
    private final AppenderBase<ILoggingEvent> appender = new AppenderBase<>() {
        @Override
        protected void append(ILoggingEvent event) {
            logged.add(event.getFormattedMessage());
        }
    };
    private final WallKeeper keeper;

    WallKeeperTest(@TempDir Path directory) throws Exception {
        host = new TestHost(directory, "primary");
        proxy = proxy();
        keeper = new WallKeeper(host.context, () -> TERM, () -> 0, "", "", new WallKeeper.Listener() {
            @Override
            public void onOwned(long openEpoch) {
                heard.add("owned");
            }

            @Override
            public void onLost() {}

            @Override
            public void onLeaseSealed() {
                heard.add("sealed by its lease");
            }

            @Override
            public void onTermSeen(Term seen) {
                heard.add("seen " + seen.number());
            }

            @Override
            public void onBarrierPlaced(WallLink.Barrier barrier, long nowNanos) {}

            @Override
            public void onDrained() {}
        });
    }

    private ControlServer proxy() throws IOException {
        return ControlServer.builder(host.context.config().proxySocket(), "proxy", "test")
                .command("hello", "", (arguments, session) -> {
                    hellos.incrementAndGet();
                    if (sealed) {
                        throw new CommandException("StaleTerm", "term 3 is sealed here");
                    }
                    return JSON.createObjectNode().put("incarnation", "9f").put("epoch", 1);
                })
                .command("status", "", (arguments, session) -> status())
                .start();
    }

    private ObjectNode status() {
        return JSON.createObjectNode()
                .put("term", TERM.number())
                .put("claim", "alone")
                .put("owner", TERM.owner())
                .put("sealed_by_lease", sealedByLease);
    }

    @BeforeEach
    void listen() {
        appender.start();
        ((Logger) LoggerFactory.getLogger(WallKeeper.class)).addAppender(appender);
    }

    @AfterEach
    void end() throws IOException {
        ((Logger) LoggerFactory.getLogger(WallKeeper.class)).detachAppender(appender);
        host.onConductor(keeper::close);
        proxy.close();
        host.close();
    }

    @Test
    void shouldTellWhyTheWallIsSealed() {
        host.onConductor(keeper::start);
        await().atMost(LIMIT).until(() -> heard.contains("seen 3"));
        assertThat(heard).doesNotContain("sealed by its lease");
        sealedByLease = true;
        await().atMost(LIMIT).until(() -> heard.contains("sealed by its lease"));
    }

    @Test
    void shouldSayThatTheWallRefusesUsRatherThanThatItsProxyDoesNotAnswer() {
        assertThat(whatIsMissing()).isEqualTo("the proxy does not answer");
        host.onConductor(keeper::start);
        await().atMost(LIMIT).until(() -> whatIsMissing().equals("the wall refuses: term 3 is sealed here"));
        proxy.close();
        await().atMost(LIMIT).until(() -> whatIsMissing().equals("the proxy does not answer"));
    }

    @Test
    void shouldLogOnceThatTheWallRefusesUs() {
        host.onConductor(keeper::start);
        await().atMost(LIMIT).until(() -> hellos.get() >= 4);
        sealed = false;
        await().atMost(LIMIT).until(() -> heard.contains("owned"));
        assertThat(logged).filteredOn(line -> line.contains("refuses us")).hasSize(1);
    }

    private String whatIsMissing() {
        AtomicReference<String> words = new AtomicReference<>("");
        host.onConductor(() -> words.set(keeper.whatIsMissing()));
        return requireNonNull(words.get());
    }
}
