package io.holdfast.agent;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.holdfast.agent.link.Backoff;
import io.holdfast.agent.link.LinkClient;
import io.holdfast.agent.link.LinkConnection;
import io.holdfast.agent.link.LinkListener;
import io.holdfast.agent.link.LinkMessage;
import io.holdfast.agent.link.LinkSecurity;
import io.holdfast.agent.link.LinkServer;
import io.holdfast.agent.link.WallHolder;
import io.holdfast.audit.AuditLog;
import io.holdfast.config.HoldfastConfig;
import io.holdfast.control.ControlClient;
import io.holdfast.control.ControlListener;
import io.holdfast.control.ControlServer;
import io.holdfast.wall.Term;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.nio.NioIoHandler;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Two hosts with a real link and real sockets; a proxy is a socket that says whose it is. */
class UplinkTest {

    private static final Duration LIMIT = Duration.ofSeconds(10);
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final Term FIRST = new Term(1, Term.Claim.PROMOTION, "a");
    private static final String STANDBY = "wall: peer\n  guest-ports: [tap0]";

    @TempDir
    Path directory;

    private final EventLoopGroup group = new MultiThreadIoEventLoopGroup(1, NioIoHandler.newFactory());
    private final Deque<AutoCloseable> opened = new ArrayDeque<>();
    private @Nullable LinkClient link;

    @BeforeEach
    void startAGuest() throws Exception {
        TermStore.open(directory.resolve("a/state")).storeFirst(FIRST);
    }

    @AfterEach
    void close() throws Exception {
        cutLink();
        while (!opened.isEmpty()) {
            opened.pop().close();
        }
        group.shutdownGracefully(0, 1, TimeUnit.SECONDS).awaitUninterruptibly();
    }

    // ---- who has it

    @Test
    void shouldBeThePeersUntilItIsTaken() throws Exception {
        Host a = host("a", STANDBY, true);
        assertThat(a.uplink.holder()).isEqualTo(WallHolder.RECEIVER);
        a.uplink.take(FIRST.aloneOf("a"));
        assertThat(a.uplink.holder()).isEqualTo(WallHolder.SENDER);
        assertThat(host("b", "guest-ports: [tap0]", true).uplink.holder()).isEqualTo(WallHolder.SENDER);
    }

    @Test
    void shouldBeEachHostsWhereProxiesStandBesideTheirGuests() throws Exception {
        Host a = host("a", "", false);
        assertThat(a.uplink.isInline()).isFalse();
        assertThat(a.uplink.holder()).isEqualTo(WallHolder.EACH);
        assertThat(a.uplink.mayBeTaken()).isFalse();
    }

    /** INV-6: its proxy knows the connections, whatever the operator believes. */
    @Test
    void shouldNotBeTakenWhileThePeerCanBeReached() throws Exception {
        Host a = host("a", STANDBY, true);
        Host b = host("b", "guest-ports: [tap0]", true);
        connect(a, b);
        assertThat(a.uplink.mayBeTaken()).isFalse();
        cutLink();
        await().atMost(LIMIT).until(a.uplink::mayBeTaken);
    }

    @Test
    void shouldNotBeTakenWithoutAProxyThatStandsBy() throws Exception {
        assertThat(host("a", STANDBY, false).uplink.mayBeTaken()).isFalse();
    }

    @Test
    void shouldNotBeTakenTwice() throws Exception {
        Host a = host("a", STANDBY, true);
        a.uplink.take(FIRST.aloneOf("a"));
        assertThat(a.uplink.mayBeTaken()).isFalse();
    }

    /** INV-7. */
    @Test
    void shouldNotBeTakenIfThatIsNotOnDisk() throws Exception {
        Host a = host("a", STANDBY, true);
        a.serve("standby.sock", "a's proxy");
        a.terms.store(FIRST.promotionOf("b"));
        assertThatThrownBy(() -> a.uplink.take(FIRST)).hasMessageContaining("1");
        assertThat(a.uplink.isTaken()).isFalse();
        assertThatThrownBy(a::whoAnswers).isInstanceOf(IOException.class);
    }

    @Test
    void shouldAgreeWithAPrimaryThatMeansTheSameProxy() throws Exception {
        Host a = host("a", STANDBY, true);
        assertThat(a.uplink.verdictOn(WallHolder.SENDER, true)).isEqualTo(Uplink.Verdict.AGREED);
        a.uplink.take(FIRST.aloneOf("a"));
        assertThat(a.uplink.verdictOn(WallHolder.RECEIVER, true)).isEqualTo(Uplink.Verdict.AGREED);
        Host beside = host("b", "", false);
        assertThat(beside.uplink.verdictOn(WallHolder.EACH, true)).isEqualTo(Uplink.Verdict.AGREED);
    }

    /** INV-7: there is one wall in front of the guest, and it is the newer term's. */
    @Test
    void shouldYieldToAPrimaryOfANewerTermBehindItsOwnProxyOnly() throws Exception {
        Host b = host("b", "guest-ports: [tap0]", true);
        assertThat(b.uplink.verdictOn(WallHolder.SENDER, true)).isEqualTo(Uplink.Verdict.YIELDS);
        assertThat(b.uplink.verdictOn(WallHolder.SENDER, false)).isEqualTo(Uplink.Verdict.CONTRADICTS);
    }

    /** INV-8: a guest without a wall, or with one that is not in front of both hosts. */
    @Test
    void shouldContradictAPrimaryThatReliesOnAWallThatIsNotHere() throws Exception {
        Host a = host("a", STANDBY, true);
        assertThat(a.uplink.verdictOn(WallHolder.RECEIVER, true)).isEqualTo(Uplink.Verdict.CONTRADICTS);
        assertThat(a.uplink.verdictOn(WallHolder.EACH, true)).isEqualTo(Uplink.Verdict.CONTRADICTS);
        Host beside = host("b", "", false);
        assertThat(beside.uplink.verdictOn(WallHolder.SENDER, true)).isEqualTo(Uplink.Verdict.CONTRADICTS);
    }

    // ---- where the socket leads

    @Test
    void shouldLeadToThePeersProxyWhileTheLinkStands() throws Exception {
        Host a = host("a", STANDBY, true);
        a.serve("standby.sock", "a's proxy");
        Host b = host("b", "guest-ports: [tap0]", true);
        b.serve("proxy.sock", "b's proxy");
        connect(a, b);
        assertThat(a.whoAnswers()).isEqualTo("b's proxy");
        cutLink();
        await().atMost(LIMIT).until(() -> !a.tunnel.reachesPeer());
        assertThatThrownBy(a::whoAnswers).isInstanceOf(IOException.class);
    }

    @Test
    void shouldLeadToTheProxyThatStoodByWhenItIsTaken() throws Exception {
        Host a = host("a", STANDBY, true);
        a.serve("standby.sock", "a's proxy");
        a.uplink.take(FIRST.aloneOf("a"));
        assertThat(a.whoAnswers()).isEqualTo("a's proxy");
    }

    @Test
    void shouldStillLeadThereAfterARestartOfTheAgent() throws Exception {
        Host a = host("a", STANDBY, true);
        a.serve("standby.sock", "a's proxy");
        a.uplink.take(FIRST.aloneOf("a"));
        a.tunnel.close();
        Host again = host("a", STANDBY, true);
        assertThat(again.uplink.isTaken()).isTrue();
        assertThat(again.whoAnswers()).isEqualTo("a's proxy");
    }

    @Test
    void shouldSeemAbsentWhileTheProxyThatStoodByIsNotThere() throws Exception {
        Host a = host("a", STANDBY, true);
        a.uplink.take(FIRST.aloneOf("a"));
        assertThatThrownBy(a::whoAnswers).isInstanceOf(IOException.class);
        a.serve("standby.sock", "a's proxy");
        assertThat(a.whoAnswers()).isEqualTo("a's proxy");
    }

    /** Both sides may make a link at the same time, and see them in another order. */
    @Test
    void shouldAnswerOverTheLinkByWhichItWasAsked() throws Exception {
        Host a = host("a", STANDBY, true);
        Host b = host("b", "guest-ports: [tap0]", true);
        b.serve("proxy.sock", "b's proxy");
        connect(a, b);
        try (ControlClient engine = a.connect()) {
            assertThat(whoAnswers(engine)).isEqualTo("b's proxy");
            b.tunnel.onUp(idleLink());
            assertThat(whoAnswers(engine)).isEqualTo("b's proxy");
        }
        assertThat(a.whoAnswers()).isEqualTo("b's proxy");
    }

    @Test
    void shouldGoOnOverALinkThatIsLeft() throws Exception {
        Host a = host("a", STANDBY, true);
        Host b = host("b", "guest-ports: [tap0]", true);
        b.serve("proxy.sock", "b's proxy");
        connect(a, b);
        LinkConnection other = idleLink();
        a.tunnel.onUp(other);
        a.tunnel.onDown(other);
        assertThat(a.whoAnswers()).isEqualTo("b's proxy");
        assertThat(a.uplink.mayBeTaken()).isFalse();
    }

    /** The engine of the one wall must not lose it because of the other host. */
    @Test
    void shouldNotDependOnTheLinkOnceItIsTaken() throws Exception {
        Host a = host("a", STANDBY, true);
        a.serve("standby.sock", "a's proxy");
        a.uplink.take(FIRST.aloneOf("a"));
        try (ControlClient engine = a.connect()) {
            connect(a, host("b", STANDBY, true));
            assertThat(whoAnswers(engine)).isEqualTo("a's proxy");
            cutLink();
            await().atMost(LIMIT).until(() -> !a.tunnel.reachesPeer());
            assertThat(whoAnswers(engine)).isEqualTo("a's proxy");
        }
    }

    /** The other host has come back as the backup, and its proxy stands by. */
    @Test
    void shouldLeadThePeerToTheProxyThatTookIt() throws Exception {
        Host a = host("a", STANDBY, true);
        a.serve("standby.sock", "a's proxy");
        a.uplink.take(FIRST.aloneOf("a"));
        Host b = host("b", STANDBY, true);
        b.serve("standby.sock", "b's proxy");
        connect(a, b);
        assertThat(b.whoAnswers()).isEqualTo("a's proxy");
        assertThat(a.whoAnswers()).isEqualTo("a's proxy");
    }

    @Test
    void shouldLeadToThePeersProxyAgainWhenItIsGivenBack() throws Exception {
        Host a = host("a", STANDBY, true);
        a.serve("standby.sock", "a's proxy");
        Host b = host("b", "guest-ports: [tap0]", true);
        b.serve("proxy.sock", "b's proxy");
        a.uplink.take(FIRST.aloneOf("a"));
        connect(a, b);
        AtomicBoolean ended = new AtomicBoolean();
        try (ControlClient engine = a.connect(() -> ended.set(true))) {
            assertThat(whoAnswers(engine)).isEqualTo("a's proxy");
            a.uplink.giveBack();
            await().atMost(LIMIT).untilTrue(ended);
        }
        assertThat(a.whoAnswers()).isEqualTo("b's proxy");
    }

    // ---- hosts

    private Host host(String name, String agentLines, boolean proxy) throws Exception {
        Host host = new Host(name, agentLines, proxy);
        opened.push(host.tunnel);
        return host;
    }

    private final class Host {

        final Path runtime;
        final TermStore terms;
        final WallTunnel tunnel;
        final Uplink uplink;

        Host(String name, String agentLines, boolean proxy) throws Exception {
            Path home = Files.createDirectories(directory.resolve(name));
            runtime = home.resolve("run");
            Path file = Files.writeString(home.resolve("config.yaml"), """
                    guest: redis
                    host: %s
                    runtime-directory: %s
                    state-directory: %s
                    %sagent:
                      role: primary
                      %s
                      link: {listen: 127.0.0.1:1, peer: 127.0.0.1:2, insecure: true}
                      qemu: {command: qemu}
                    """.formatted(
                            name, runtime, home.resolve("state"), proxy ? PROXY : "", agentLines));
            HoldfastConfig config = HoldfastConfig.read(file);
            terms = TermStore.open(config.stateDirectory());
            tunnel = new WallTunnel(config, config.agent().wall(), terms.isUplinkTaken(), group);
            AuditLog audit = new AuditLog(
                    config.stateDirectory(), "agent", config.host(), config.guest(), InstantSource.system());
            opened.push(audit);
            uplink = new Uplink(config, config.agent().wall(), terms, tunnel, audit);
        }

        /** A proxy, which says whose it is. */
        void serve(String socket, String name) throws IOException {
            opened.push(ControlServer.builder(runtime.resolve(socket), "proxy", "test")
                    .command(
                            "status",
                            "",
                            (arguments, session) -> JSON.createObjectNode().put("name", name))
                    .start());
        }

        ControlClient connect() throws IOException {
            return connect(() -> {});
        }

        ControlClient connect(Runnable onEnd) throws IOException {
            return ControlClient.connect(runtime.resolve("proxy.sock"), LIMIT, new ControlListener() {
                @Override
                public void onDisconnect(String reason) {
                    onEnd.run();
                }
            });
        }

        String whoAnswers() throws Exception {
            try (ControlClient client = connect()) {
                return UplinkTest.whoAnswers(client);
            }
        }
    }

    private static final String PROXY = """
            proxy:
              placement: inline
              nics: [{primary: near0, backup: wire1, uplink: up0}]
            """;

    private static String whoAnswers(ControlClient client) throws Exception {
        return client.execute("status", JSON.createObjectNode()).path("name").asText();
    }

    private void connect(Host from, Host to) throws Exception {
        InetSocketAddress anywhere = new InetSocketAddress(InetAddress.getLoopbackAddress(), 0);
        LinkServer server = LinkServer.bind(group, anywhere, LinkSecurity.insecure(), through(to.tunnel));
        opened.push(server);
        link = new LinkClient(
                group,
                server.address(),
                LinkSecurity.insecure(),
                through(from.tunnel),
                new Backoff(5_000_000, 100_000_000, new SplittableRandom(1)));
        link.start();
        await().atMost(LIMIT).until(() -> from.tunnel.reachesPeer() && to.tunnel.reachesPeer());
    }

    private void cutLink() {
        if (link != null) {
            link.close();
        }
    }

    /** Stands, and nobody uses it. */
    private LinkConnection idleLink() throws Exception {
        InetSocketAddress anywhere = new InetSocketAddress(InetAddress.getLoopbackAddress(), 0);
        LinkServer server = LinkServer.bind(group, anywhere, LinkSecurity.insecure(), new Idle());
        opened.push(server);
        Idle near = new Idle();
        LinkClient client = new LinkClient(
                group,
                server.address(),
                LinkSecurity.insecure(),
                near,
                new Backoff(5_000_000, 100_000_000, new SplittableRandom(1)));
        opened.push(client);
        client.start();
        return near.up.get(LIMIT.toSeconds(), TimeUnit.SECONDS);
    }

    private static final class Idle implements LinkListener {

        final CompletableFuture<LinkConnection> up = new CompletableFuture<>();

        @Override
        public void onUp(LinkConnection connection) {
            up.complete(connection);
        }

        @Override
        public void onMessage(LinkConnection connection, LinkMessage message) {}

        @Override
        public void onBytes(LinkConnection connection) {}

        @Override
        public void onDown(LinkConnection connection, String reason, boolean endOfFile) {}
    }

    private static LinkListener through(WallTunnel tunnel) {
        return new LinkListener() {
            @Override
            public void onUp(LinkConnection connection) {
                tunnel.onUp(connection);
            }

            @Override
            public void onMessage(LinkConnection connection, LinkMessage message) {
                tunnel.take(connection, message);
            }

            @Override
            public void onBytes(LinkConnection connection) {}

            @Override
            public void onDown(LinkConnection connection, String reason, boolean endOfFile) {
                tunnel.onDown(connection);
            }
        };
    }
}
