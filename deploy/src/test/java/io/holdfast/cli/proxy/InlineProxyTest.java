package io.holdfast.cli.proxy;

import static io.holdfast.cli.proxy.Engine.assertRefused;
import static io.holdfast.testkit.FrameBuilder.ethernet;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import io.holdfast.config.HoldfastConfig;
import io.holdfast.control.ControlEvent;
import io.holdfast.reverse.model.Endpoints;
import io.holdfast.reverse.model.Segment;
import io.holdfast.reverse.model.SegmentCodec;
import io.holdfast.testkit.InNetworkNamespace;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A proxy in front of both hosts: guest0 === tap0 [proxy] up0 === net0, and guest1 === tap1 for after a failover. */
@InNetworkNamespace
class InlineProxyTest {

    private static final Duration LIMIT = Duration.ofSeconds(10);
    private static final int PREFIX_BYTES = 10;
    private static final Endpoints CLIENT =
            Endpoints.ipv4(0x5254_0000_0002L, 0x5254_0000_0001L, 0x0a00_0002, 0x0a00_0001, 40_000, 6379);
    private static final Endpoints GUEST = CLIENT.reversed();
    private static final int CLIENT_FIRST = 1_000;
    private static final int GUEST_FIRST = -10;
    /** The number with which the restored guest begins. */
    private static final int OTHER_FIRST = 4_000;

    @TempDir
    Path directory;

    /** */
    @Test
    void shouldReleaseAConnectionsOutputAtOnceAndHoldItsEnd() throws Exception {
        try (HoldfastProxy proxy = start();
                Wire guest = new Wire("guest0");
                Wire net = new Wire("net0");
                Engine engine = engine()) {
            protect(engine);
            openConnection(guest, net);
            guest.send(fromGuest(data(GUEST_FIRST + 1, "hello")));
            awaitCount(net, 2);
            guest.send(fromGuest(data(GUEST_FIRST + 6, "").toBuilder()
                    .flags(Segment.FIN | Segment.ACK)
                    .build()));
            net.assertStaysAt(2);
            JsonNode flow = engine.execute("flows", "{}").path("shown").path(0);
            assertThat(flow.path("client").asText()).isEqualTo("10.0.0.2:40000");
            assertThat(flow.path("state").asText()).isEqualTo("ENDING");
            assertThat(flow.path("bytes_to_reproduce").asLong()).isEqualTo(5);
            engine.commit(engine.barrier());
            awaitCount(net, 3);
        }
    }

    /** R-8, INV-9, INV-12. */
    @Test
    void shouldNotOpenBeforeTheRestoredGuestIsWhereItsClientsHaveSeenIt() throws Exception {
        try (HoldfastProxy proxy = start();
                Wire guest = new Wire("guest0");
                Wire restored = new Wire("guest1");
                Wire net = new Wire("net0");
                Engine engine = engine();
                Engine successor = engine()) {
            long epoch = protect(engine);
            openConnection(guest, net);
            guest.send(fromGuest(data(GUEST_FIRST + 1, "hello")));
            awaitCount(net, 2);

            successor.hello(2);
            successor.wallCommand("lost");
            awaitCount(net, 3); // The client is asked how far it has come.
            restored.assertStaysAt(0);
            JsonNode report = successor.wallCommand("restored", restoredFrom(epoch));
            assertThat(report.path("phase").asText()).isEqualTo("CATCHING_UP");
            awaitCount(restored, 1); // The SYN, once more.
            assertRefused("WrongState", () -> successor.wallCommand("open", ", \"reason\": \"too early\""));
            successor.wallCommand("giveup");
            successor.wallCommand("open", ", \"reason\": \"given up\"");
            await().atMost(LIMIT).until(() -> net.received().stream().anyMatch(InlineProxyTest::isReset));
            assertThat(successor.status().path("reverse").path("diverged_flows").asLong())
                    .isEqualTo(1);
        }
    }

    /** INV-10: also in front of both hosts, and not of what is replayed. */
    @Test
    void shouldNoticeWhoUsesTheGuestsAddressOnTheUplink() throws Exception {
        String foreign = "52:54:00:99:99:99";
        try (HoldfastProxy proxy = start();
                Wire guest = new Wire("guest0");
                Wire net = new Wire("net0");
                Engine engine = engine()) {
            protect(engine);
            openConnection(guest, net);
            assertThat(engine.status().path("conflicts")).isEmpty();
            net.send(ethernet("ff:ff:ff:ff:ff:ff", foreign).arp(2, foreign, "10.0.0.1", foreign, "10.0.0.1"));
            await().atMost(LIMIT).until(() -> engine.status().path("conflicts").size() == 1);
            assertThat(engine.status()
                            .path("conflicts")
                            .path(0)
                            .path("foreign_mac")
                            .asText())
                    .isEqualTo(foreign);
            assertThat(engine.status()
                            .path("announcements")
                            .path(0)
                            .path("disputed")
                            .asBoolean())
                    .isTrue();
        }
    }

    /** INV-12. */
    @Test
    void shouldRefuseAConnectionThatOnlyALostProxyKnew() throws Exception {
        try (HoldfastProxy proxy = start();
                Wire guest = new Wire("guest0");
                Wire net = new Wire("net0");
                Engine engine = engine()) {
            engine.hello(3, ", \"place\": \"primary\", \"numbering_lost_in\": 3");
            engine.wallCommand("open", ", \"reason\": \"alone\"");
            guest.send(fromGuest(data(GUEST_FIRST + 1, "hello")));
            awaitCount(guest, 1);
            assertThat(guest.received())
                    .singleElement()
                    .matches(frame -> segment(frame).has(Segment.RST));
            awaitCount(net, 1); // It is asked how far it has come, and told nothing.
            assertThat(segment(net.received().getFirst()).flags()).isEqualTo(Segment.ACK);
            assertThat(segment(net.received().getFirst()).payload()).isEmpty();
        }
    }

    /** After a restart of the proxy; INV-9. */
    @Test
    void shouldBeToldWhereTheGuestLivesAndBelieveItOnce() throws Exception {
        try (HoldfastProxy proxy = start();
                Wire elsewhere = new Wire("guest0");
                Wire guest = new Wire("guest1");
                Wire net = new Wire("net0");
                Engine engine = engine()) {
            engine.hello(1, ", \"place\": \"backup\"");
            engine.commit(engine.barrier());
            openConnection(guest, net);
            elsewhere.assertStaysAt(0);
            assertRefused("WrongState", () -> engine.hello(2, ", \"place\": \"primary\""));
            engine.hello(3, ", \"place\": \"backup\"");
        }
    }

    /** The proxy's own death. */
    @Test
    void shouldGoOnTranslatingAfterARestart() throws Exception {
        Cables.plugIn(0);
        Cables.plugIn(1);
        try (Wire guest = new Wire("guest0");
                Wire restored = new Wire("guest1");
                Wire net = new Wire("net0")) {
            try (HoldfastProxy proxy = restart("mode: reverse");
                    Engine engine = engine()) {
                long epoch = protect(engine);
                openConnection(guest, net);
                engine.wallCommand("lost");
                engine.wallCommand("restored", restoredFrom(epoch));
                awaitCount(restored, 1); // The SYN, once more.
                restored.send(fromGuest(synAck(OTHER_FIRST)));
                await().atMost(LIMIT)
                        .until(() ->
                                engine.execute("catchup", "{}").path("decided").asBoolean());
                engine.wallCommand("open", ", \"reason\": \"caught up\"");
            }
            int before = net.received().size();
            try (HoldfastProxy proxy = restart("mode: reverse");
                    Engine engine = engine()) {
                engine.hello(2, ", \"place\": \"backup\", \"epoch\": 1");
                engine.wallCommand("open", ", \"reason\": \"as before\"");
                restored.send(fromGuest(data(OTHER_FIRST + 1, "hello")));
                awaitCount(net, before + 1);
                assertThat(segment(net.received().getLast()).sequence()).isEqualTo(GUEST_FIRST + 1);
            }
        }
    }

    /** nothing of the log is forgotten before its time; the guest waits instead. */
    @Test
    void shouldAskForACheckpointAndThenForAPauseWhenTheLogFills() throws Exception {
        try (HoldfastProxy proxy = start("mode: reverse", "reverse: {log-limit: 1MiB}");
                Wire guest = new Wire("guest0");
                Wire net = new Wire("net0");
                Engine engine = engine()) {
            engine.execute("subscribe", "{}");
            protect(engine);
            sendBytes(net, guest, 600_000);
            await().atMost(LIMIT).until(() -> engine.events().stream().anyMatch(InlineProxyTest::asksForRoom));
            assertThat(engine.wallCommand("barrier").path("at_limit").asBoolean())
                    .isFalse();
            sendBytes(net, guest, 300_000);
            JsonNode barrier = engine.wallCommand("barrier");
            assertThat(barrier.path("at_limit").asBoolean()).isTrue();
            engine.commit(barrier.path("epoch").asLong());
            assertThat(engine.wallCommand("barrier").path("at_limit").asBoolean())
                    .isFalse();
        }
    }

    @Test
    void shouldReleaseAtOnceWhenTheOperatorChoosesSo() throws Exception {
        try (HoldfastProxy proxy = start("mode: wall");
                Wire guest = new Wire("guest0");
                Wire net = new Wire("net0");
                Engine engine = engine()) {
            protect(engine);
            JsonNode chosen = engine.execute("mode", "{\"mode\": \"reverse\"}");
            assertThat(chosen.path("in_force").asBoolean()).isFalse();
            engine.commit(engine.barrier());
            assertThat(engine.execute("mode", "{}").path("in_force").asBoolean())
                    .isTrue();
            openConnection(guest, net);
        }
    }

    @Test
    void shouldNotTurnOffAtRunTime() throws Exception {
        try (HoldfastProxy proxy = start();
                Engine engine = engine()) {
            assertRefused("BadArgument", () -> engine.execute("mode", "{\"mode\": \"off\"}"));
        }
    }

    private static boolean asksForRoom(ControlEvent event) {
        return event.name().equals("WALL_PRESSURE")
                && event.data().path("reason").asText().equals("high-water");
    }

    /** Of a connection that the proxy has not seen begin. */
    private static void sendBytes(Wire net, Wire guest, int bytes) {
        byte[] frame = fromClient(data(CLIENT_FIRST, "x".repeat(1_000)));
        int before = guest.received().size();
        int frames = bytes / frame.length;
        for (int sent = 0; sent < frames; sent++) {
            net.send(frame);
        }
        awaitCount(guest, before + frames);
    }

    @Test
    void shouldHoldAndStillReplayInModeWall() throws Exception {
        try (HoldfastProxy proxy = start("mode: wall");
                Wire guest = new Wire("guest0");
                Wire net = new Wire("net0");
                Engine engine = engine()) {
            protect(engine);
            net.send(fromClient(syn(CLIENT_FIRST)));
            awaitCount(guest, 1);
            guest.send(fromGuest(synAck()));
            net.assertStaysAt(0);
            engine.commit(engine.barrier());
            awaitCount(net, 1);
            assertThat(engine.execute("flows", "{}").at("/shown/0/held").asText())
                    .isEqualTo("mode");
        }
    }

    private HoldfastProxy start() throws Exception {
        return start("mode: reverse");
    }

    private HoldfastProxy start(String... settings) throws Exception {
        Cables.plugIn(0);
        Cables.plugIn(1);
        return restart(settings);
    }

    /** Between cables that are there. */
    private HoldfastProxy restart(String... settings) throws Exception {
        List<String> all = new ArrayList<>(List.of(settings));
        all.add("placement: inline");
        all.add("nics: [{primary: tap0, backup: tap1, uplink: up0}]");
        all.add("http: 127.0.0.1:9604");
        Path file = Cables.writeConfig(directory, all.toArray(String[]::new));
        return HoldfastProxy.start(HoldfastConfig.read(file), false, "test");
    }

    private Engine engine() throws Exception {
        return new Engine(directory.resolve("run/proxy.sock"));
    }

    /** Returns the epoch whose checkpoint the backup has. */
    private static long protect(Engine engine) throws Exception {
        engine.hello(1);
        long epoch = engine.barrier();
        engine.commit(epoch);
        return epoch;
    }

    private static String restoredFrom(long epoch) {
        return ", \"place\": \"backup\", \"epoch\": " + epoch;
    }

    private static void openConnection(Wire guest, Wire net) {
        net.send(fromClient(syn(CLIENT_FIRST)));
        awaitCount(guest, 1);
        guest.send(fromGuest(synAck()));
        awaitCount(net, 1);
    }

    private static void awaitCount(Wire wire, int frames) {
        await().atMost(LIMIT).until(() -> wire.received().size() >= frames);
    }

    private static Segment syn(int sequence) {
        return Segment.withFlags(Segment.SYN)
                .sequence(sequence)
                .window(65_535)
                .mss(1460)
                .build();
    }

    private static Segment synAck() {
        return synAck(GUEST_FIRST);
    }

    private static Segment synAck(int sequence) {
        return Segment.withFlags(Segment.SYN | Segment.ACK)
                .sequence(sequence)
                .acknowledgment(CLIENT_FIRST + 1)
                .window(65_535)
                .mss(1460)
                .build();
    }

    private static Segment data(int sequence, String text) {
        return Segment.withFlags(Segment.ACK)
                .sequence(sequence)
                .acknowledgment(CLIENT_FIRST + 1)
                .window(65_535)
                .payload(text.getBytes(StandardCharsets.US_ASCII))
                .build();
    }

    private static byte[] fromClient(Segment segment) {
        return frame(CLIENT, segment);
    }

    private static byte[] fromGuest(Segment segment) {
        return frame(GUEST, segment);
    }

    private static byte[] frame(Endpoints from, Segment segment) {
        byte[] bytes = new byte[PREFIX_BYTES + 1600];
        int lengthBytes = new SegmentCodec().write(from, segment, MemorySegment.ofArray(bytes), PREFIX_BYTES, false);
        return Arrays.copyOfRange(bytes, PREFIX_BYTES, PREFIX_BYTES + lengthBytes);
    }

    private static boolean isReset(byte[] frame) {
        Segment segment = segment(frame);
        return segment.has(Segment.RST) && segment.sequence() == GUEST_FIRST;
    }

    private static Segment segment(byte[] frame) {
        byte[] bytes = new byte[PREFIX_BYTES + frame.length];
        System.arraycopy(frame, 0, bytes, PREFIX_BYTES, frame.length);
        return new SegmentCodec().read(MemorySegment.ofArray(bytes), PREFIX_BYTES, frame.length);
    }
}
