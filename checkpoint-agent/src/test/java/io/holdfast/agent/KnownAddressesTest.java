package io.holdfast.agent;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.holdfast.control.CommandException;
import io.holdfast.control.ControlServer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** INV-9: the proxy is a control socket that keeps what it is told. */
class KnownAddressesTest {

    private static final Duration LIMIT = Duration.ofSeconds(10);
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final String ADDRESSES = "{\"version\":1}";
    private static final String MORE_ADDRESSES = "{\"version\":2}";

    private final Path socket;
    private final List<JsonNode> told = new CopyOnWriteArrayList<>();
    private final KnownAddresses addresses = new KnownAddresses();

    KnownAddressesTest(@TempDir Path directory) {
        socket = directory.resolve("proxy.sock");
    }

    @Test
    void shouldTellTheProxyWhateverIsNew() throws Exception {
        try (ControlServer server = proxy(true);
                WallLink proxy = connect()) {
            addresses.learn(ADDRESSES, proxy);
            addresses.learn(MORE_ADDRESSES, proxy);
        }
        assertThat(told)
                .extracting(arguments -> arguments.path("known").toString())
                .containsExactly(ADDRESSES, MORE_ADDRESSES);
    }

    @Test
    void shouldNotTellWhatEveryCheckpointRepeats() throws Exception {
        try (ControlServer server = proxy(true);
                WallLink proxy = connect()) {
            addresses.learn(ADDRESSES, proxy);
            addresses.learn(ADDRESSES, proxy);
        }
        assertThat(told).hasSize(1);
    }

    @Test
    void shouldTellAProxyThatComesLaterWhatWasLearnedWithoutIt() throws Exception {
        addresses.learn(ADDRESSES, null);
        try (ControlServer server = proxy(true);
                WallLink proxy = connect()) {
            addresses.tell(proxy);
        }
        assertThat(told).hasSize(1);
    }

    @Test
    void shouldHaveNothingToTellBeforeTheFirstCheckpoint() throws Exception {
        try (ControlServer server = proxy(true);
                WallLink proxy = connect()) {
            addresses.tell(proxy);
        }
        assertThat(told).isEmpty();
    }

    @Test
    void shouldNameTheWallAsItIsThoughItIsNotThisAgents() throws Exception {
        try (ControlServer server = proxy(true);
                WallLink proxy = connect()) {
            addresses.learn(ADDRESSES, proxy);
        }
        assertThat(told).singleElement().satisfies(arguments -> {
            assertThat(arguments.path("incarnation").asText()).isEqualTo("0123456789abcdef");
            assertThat(arguments.path("term").asLong()).isEqualTo(7);
        });
    }

    @Test
    void shouldKnowThemWhateverTheProxySays() throws Exception {
        try (ControlServer server = proxy(false);
                WallLink proxy = connect()) {
            addresses.learn(ADDRESSES, proxy);
        }
        assertThat(addresses.json()).isEqualTo(ADDRESSES);
    }

    /** On a machine that has much to do the first one may be given up. */
    private WallLink connect() {
        return await().atMost(LIMIT)
                .ignoreExceptionsInstanceOf(WallGoneException.class)
                .until(() -> WallLink.connect(socket, new WallLink.PressureListener() {}, () -> {}), link -> true);
    }

    private ControlServer proxy(boolean willing) throws Exception {
        return ControlServer.builder(socket, "proxy", "test")
                .command(
                        "status",
                        "",
                        (arguments, session) -> JSON.createObjectNode()
                                .put("incarnation", "0123456789abcdef")
                                .put("term", 7))
                .command("addresses", "", (arguments, session) -> {
                    if (!willing) {
                        throw new CommandException("WrongIncarnation", "a test");
                    }
                    told.add(arguments.deepCopy());
                    return arguments;
                })
                .start();
    }
}
