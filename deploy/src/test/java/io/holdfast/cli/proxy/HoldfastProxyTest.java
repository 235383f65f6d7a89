package io.holdfast.cli.proxy;

import static io.holdfast.cli.proxy.Engine.assertRefused;
import static io.holdfast.testkit.FrameBuilder.ethernet;
import static io.holdfast.testkit.FrameBuilder.hex;
import static io.holdfast.testkit.FrameBuilder.tcp;
import static io.holdfast.testkit.FrameBuilder.udp;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.holdfast.config.HoldfastConfig;
import io.holdfast.control.ClientFrame;
import io.holdfast.control.ControlEvent;
import io.holdfast.control.FrameChannel;
import io.holdfast.control.FramePurpose;
import io.holdfast.testkit.FrameBuilder;
import io.holdfast.testkit.InNetworkNamespace;
import io.holdfast.testkit.Shell;
import java.io.IOException;
import java.io.OutputStream;
import java.net.StandardProtocolFamily;
import java.net.URI;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@InNetworkNamespace
class HoldfastProxyTest {

    private static final String GUEST_MAC = "52:54:00:00:00:01";
    private static final String CLIENT_MAC = "52:54:00:00:00:02";
    private static final Duration LIMIT = Duration.ofSeconds(10);
    private static final JsonMapper JSON = new JsonMapper();

    @TempDir
    Path directory;

    @Test
    void shouldHoldFramesOfEveryKindUntilTheirEpochIsCommitted() throws Exception {
        List<byte[]> frames = framesOfEveryKind();
        try (HoldfastProxy proxy = start();
                Wire guest = new Wire("guest0");
                Wire net = new Wire("net0");
                Engine engine = engine()) {
            engine.hello(1);
            // One by one, because a frame that may leave at once waits all the same behind one that may not.
            for (int i = 0; i < frames.size(); i++) {
                guest.send(frames.get(i));
                awaitHeld(engine, 1);
                assertThat(net.received()).hasSize(i);
                engine.commit(engine.barrier());
                net.awaitExactly(frames.subList(0, i + 1));
            }
            frames.forEach(guest::send);
            awaitHeld(engine, frames.size());
            long epoch = engine.barrier();
            net.assertStaysAt(frames.size());
            engine.commit(epoch);
            List<byte[]> twice = new ArrayList<>(frames);
            twice.addAll(frames);
            net.awaitExactly(twice);
        }
    }

    @Test
    void shouldLetNothingInOrOutBeforeHello() throws Exception {
        try (HoldfastProxy proxy = start();
                Wire guest = new Wire("guest0");
                Wire net = new Wire("net0");
                Engine engine = engine()) {
            guest.send(frame(1));
            net.send(frame(2));
            await().atMost(LIMIT).until(() -> counter(engine, "discarded") == 1 && counter(engine, "shut_out") == 1);
            net.assertStaysAt(0);
            guest.assertStaysAt(0);

            engine.hello(1);
            engine.wallCommand("open", ", \"reason\": \"test\"");
            net.assertStaysAt(0);
            guest.assertStaysAt(0);
            net.send(frame(3));
            guest.awaitExactly(List.of(frame(3)));
        }
    }

    @Test
    void shouldCopyWhatClientsSendByTcpAndGiveItToARestoredGuest() throws Exception {
        byte[] request = ethernet(GUEST_MAC, CLIENT_MAC)
                .ipv4("10.0.0.2", "10.0.0.1", 64, 6, tcp(40_000, 6379, 0x18, new byte[] {1, 2, 3}));
        byte[] datagram = ethernet(GUEST_MAC, CLIENT_MAC)
                .ipv4("10.0.0.2", "10.0.0.1", 64, 17, udp(40_000, 53, new byte[] {1, 2, 3}));
        Path frames = directory.resolve("run/frames.sock");
        try (HoldfastProxy proxy = start();
                Wire guest = new Wire("guest0");
                Wire net = new Wire("net0");
                Engine engine = engine()) {
            engine.hello(1);
            ClientFrame copy;
            try (FrameChannel agent = FrameChannel.connect(frames, FramePurpose.COPY_TCP)) {
                await().atMost(LIMIT).pollInterval(Duration.ofMillis(20)).until(() -> {
                    net.send(datagram);
                    net.send(request);
                    return counter(engine, "mirrored") > 0;
                });
                copy = agent.read().orElseThrow();
            }
            assertThat(copy.bytes())
                    .hasSize(copy.prefixBytes() + request.length)
                    .endsWith(request);
            assertThat(copy.stamp()).isEqualTo(engine.status().path("epoch").asLong());
            assertThat(counter(engine, "mirrored") + counter(engine, "unmirrored"))
                    .isLessThan(counter(engine, "delivered"));

            int before = (int) counter(engine, "delivered");
            await().atMost(LIMIT).until(() -> guest.received().size() == before);
            assertThat(injected(frames, copy)).isEqualTo(new FrameChannel.Receipt(1, 0));
            await().atMost(LIMIT).until(() -> guest.received().size() == before + 1);
            assertThat(guest.received().getLast()).isEqualTo(request);
            assertThat(counter(engine, "injected")).isEqualTo(1);

            engine.execute("seal", "{\"reason\": \"test\"}");
            assertThat(injected(frames, copy)).isEqualTo(new FrameChannel.Receipt(0, 1));
            guest.assertStaysAt(before + 1);
            assertThat(scrape("/metrics"))
                    .contains("holdfast_refused_injections_total{guest=\"redis\",host=\"a\",} 1.0");
        }
    }

    private static FrameChannel.Receipt injected(Path frames, ClientFrame frame) throws IOException {
        try (FrameChannel agent = FrameChannel.connect(frames, FramePurpose.INJECT)) {
            agent.write(frame);
            return agent.finish();
        }
    }

    @Test
    void shouldKeepHoldingWhenTheEnginesConnectionEnds() throws Exception {
        try (HoldfastProxy proxy = start();
                Wire guest = new Wire("guest0");
                Wire net = new Wire("net0");
                Engine observer = engine()) {
            observer.execute("subscribe", "{}");
            try (Engine engine = engine()) {
                engine.hello(1);
                engine.commit(engine.barrier());
                guest.send(frame(1));
                awaitHeld(engine, 1);
                engine.barrier();
            }
            await().atMost(LIMIT)
                    .until(() -> observer.status().path("state").asText().equals("SUSPENDED"));
            net.assertStaysAt(0);
            assertThat(observer.events())
                    .filteredOn(event -> event.name().equals("WALL_STATE"))
                    .extracting(event -> event.data().path("to").asText())
                    .containsExactly("ARMING", "PROTECTED", "SUSPENDED");
            observer.hello(1);
            observer.commit(observer.barrier());
            net.awaitExactly(List.of(frame(1)));
        }
    }

    @Test
    void shouldReleaseNothingOnACommitThatIsStaleFutureForeignOrLate() throws Exception {
        try (HoldfastProxy proxy = start();
                Wire guest = new Wire("guest0");
                Wire net = new Wire("net0");
                Engine engine = engine();
                Engine stranger = engine()) {
            long lease = System.nanoTime() + LIMIT.toNanos();
            engine.hello(2);
            guest.send(frame(1));
            awaitHeld(engine, 1);
            String incarnation = engine.incarnation();
            long open = engine.status().path("epoch").asLong();
            assertRefused("EpochNotClosed", () -> engine.commit(open));
            long closed = engine.barrier();
            assertThat(closed).isEqualTo(open);
            assertRefused("EpochNotClosed", () -> engine.commit(closed + 1));
            assertRefused("EpochNotClosed", () -> engine.commit(0));
            assertRefused("StaleTerm", () -> engine.commit(incarnation, 1, closed, lease));
            assertRefused("StaleTerm", () -> engine.commit(incarnation, 3, closed, lease));
            assertRefused("WrongIncarnation", () -> engine.commit("0123456789abcdef", 2, closed, lease));
            assertRefused("LeaseExpired", () -> engine.commit(incarnation, 2, closed, System.nanoTime() - 1));
            stranger.pretend(engine);
            assertRefused("NotOwner", () -> stranger.commit(closed));
            net.assertStaysAt(0);

            engine.commit(closed);
            net.awaitExactly(List.of(frame(1)));
        }
    }

    @Test
    void shouldTakeCommitsThatRepeatOrSkipAheadAndNeverGoBack() throws Exception {
        try (HoldfastProxy proxy = start();
                Wire guest = new Wire("guest0");
                Wire net = new Wire("net0");
                Engine engine = engine()) {
            engine.hello(1);
            long first = engine.barrier();
            guest.send(frame(1));
            awaitHeld(engine, 1);
            engine.barrier();
            guest.send(frame(2));
            awaitHeld(engine, 2);
            long third = engine.barrier();
            assertThat(engine.commit(first)).isEqualTo(first);
            net.assertStaysAt(0);
            assertThat(engine.commit(third)).isEqualTo(third);
            net.awaitExactly(List.of(frame(1), frame(2)));
            assertThat(engine.commit(third)).isEqualTo(third);
            assertThat(engine.commit(first)).isEqualTo(third);
        }
    }

    @Test
    void shouldNotObeyAZombieEngineAfterARestart() throws Exception {
        Cables.plugIn(0);
        try (Wire guest = new Wire("guest0");
                Wire net = new Wire("net0")) {
            String earlier;
            long closed;
            try (HoldfastProxy proxy = startPlugged();
                    Engine engine = engine()) {
                engine.hello(1);
                earlier = engine.incarnation();
                guest.send(frame(1));
                awaitHeld(engine, 1);
                closed = engine.barrier();
            }
            try (HoldfastProxy proxy = startPlugged();
                    Engine zombie = engine();
                    Engine engine = engine()) {
                engine.hello(1);
                guest.send(frame(2));
                awaitHeld(engine, 1);
                engine.barrier();
                long lease = System.nanoTime() + LIMIT.toNanos();
                assertRefused("WrongIncarnation", () -> zombie.commit(earlier, 1, closed, lease));
                net.assertStaysAt(0);
            }
            net.assertStaysAt(0);
        }
    }

    @Test
    void shouldCountWhatItDiscardsWhenItEnds() throws Exception {
        try (HoldfastProxy proxy = start();
                Wire guest = new Wire("guest0");
                Engine engine = engine()) {
            engine.hello(1);
            guest.send(frame(1));
            guest.send(frame(2));
            awaitHeld(engine, 2);
        }
        JsonNode ended = audited("proxy-ended").getLast();
        assertThat(ended.path("held_frames").asLong()).isEqualTo(2);
        assertThat(ended.path("held_bytes").asLong()).isEqualTo(frame(1).length + frame(2).length);
        assertThat(ended.path("reason").asText()).contains("because it was told to: 2 frames", "are discarded");
    }

    @Test
    void shouldSayOfALifeThatEndedWithoutAWordThatNobodyCounted() throws Exception {
        Path mark = directory.resolve("state/proxy-lives");
        byte[] asAKillLeavesIt;
        String incarnation;
        try (HoldfastProxy proxy = start();
                Engine engine = engine()) {
            asAKillLeavesIt = Files.readAllBytes(mark);
            incarnation = engine.status().path("incarnation").asText();
        }
        startPlugged().close();
        assertThat(audited("proxy-died")).isEmpty();

        Files.write(mark, asAKillLeavesIt);
        startPlugged().close();
        assertThat(audited("proxy-died"))
                .singleElement()
                .satisfies(died -> assertThat(died.path("reason").asText())
                        .contains("incarnation " + incarnation, "nobody counted it"));
        assertThat(mark).doesNotExist();
    }

    @Test
    void shouldRememberTermsAndSealsOverARestart() throws Exception {
        Cables.plugIn(0);
        try (HoldfastProxy proxy = startPlugged();
                Engine engine = engine()) {
            engine.hello(5);
        }
        try (HoldfastProxy proxy = startPlugged();
                Engine engine = engine()) {
            assertThat(engine.status().path("term").asLong()).isEqualTo(5);
            assertRefused("StaleTerm", () -> engine.hello(4));
            engine.hello(5);
            assertRefused("StaleTerm", () -> engine.execute("seal", """
                    {"term": 4, "claim": "promotion", "owner": "b", "reason": "test"}"""));
            assertThat(engine.execute("seal", """
                    {"term": 6, "claim": "promotion", "owner": "b", "reason": "b has taken over"}""").path("quiet").asBoolean()).isTrue();
        }
        try (HoldfastProxy proxy = startPlugged();
                Engine engine = engine()) {
            JsonNode status = engine.status();
            assertThat(status.path("state").asText()).isEqualTo("SEALED");
            assertThat(status.path("term").asLong()).isEqualTo(6);
            assertThat(status.path("owner").asText()).isEqualTo("b");
            assertRefused("StaleTerm", () -> engine.hello(6));
            engine.hello(7);
        }
    }

    /** INV-6: also if the engine is there, and frozen. */
    @Test
    void shouldSealItselfForGoodWhenNobodyRenewsTheLeaseOnWhichItIsOpen() throws Exception {
        Cables.plugIn(0);
        try (HoldfastProxy proxy = startPlugged();
                Wire guest = new Wire("guest0");
                Wire net = new Wire("net0");
                Engine engine = engine()) {
            engine.hello(1);
            engine.wallCommand(
                    "open",
                    ", \"reason\": \"by the arbiter\", \"lease_until_nanos\": "
                            + (System.nanoTime() + Duration.ofSeconds(4).toNanos()));
            guest.send(frame(1));
            net.awaitExactly(List.of(frame(1)));
            await().atMost(LIMIT)
                    .until(() -> engine.status().path("state").asText().equals("SEALED"));
            assertThat(engine.status().path("sealed_by_lease").asBoolean()).isTrue();
            guest.send(frame(2));
            net.assertStaysAt(1);
        }
        try (HoldfastProxy proxy = startPlugged();
                Engine engine = engine()) {
            assertRefused("StaleTerm", () -> engine.hello(1));
            assertThat(engine.status().path("sealed_by_lease").asBoolean()).isTrue();
            engine.hello(2);
            engine.execute("seal", "{\"reason\": \"test\"}");
        }
        try (HoldfastProxy proxy = startPlugged();
                Engine engine = engine()) {
            assertThat(engine.status().path("state").asText()).isEqualTo("SEALED");
            assertThat(engine.status().path("sealed_by_lease").asBoolean()).isFalse();
        }
    }

    /** It does so as soon as it sees the lease end, which may be before the wall looks. */
    @Test
    void shouldSayThatItsLeaseHasSealedItThoughItsEngineSealsIt() throws Exception {
        try (HoldfastProxy proxy = start();
                Engine engine = engine()) {
            engine.hello(1);
            for (int term = 1; term < 20; term++) {
                long untilNanos = System.nanoTime() + Duration.ofMillis(50).toNanos();
                engine.wallCommand("open", ", \"reason\": \"by the arbiter\", \"lease_until_nanos\": " + untilNanos);
                while (System.nanoTime() - untilNanos <= 0) {
                    Thread.onSpinWait();
                }
                engine.execute("seal", "{\"reason\": \"the arbiter's lease has run out\"}");
                assertThat(engine.status().path("sealed_by_lease").asBoolean()).isTrue();
                engine.hello(term + 1);
            }
        }
    }

    @Test
    void shouldDiscardWhatItHoldsWhenAnybodySealsIt() throws Exception {
        try (HoldfastProxy proxy = start();
                Wire guest = new Wire("guest0");
                Wire net = new Wire("net0");
                Engine engine = engine();
                Engine stranger = engine()) {
            engine.hello(1);
            guest.send(frame(1));
            awaitHeld(engine, 1);
            long closed = engine.barrier();
            stranger.execute("seal", "{\"reason\": \"test\"}");
            assertRefused("NotOwner", () -> engine.commit(closed));
            guest.send(frame(2));
            net.send(frame(3));
            await().atMost(LIMIT).until(() -> counter(engine, "discarded") == 2);
            net.assertStaysAt(0);
            guest.assertStaysAt(0);
        }
    }

    @Test
    void shouldObeyAnUnboundEngineOverAnyConnection() throws Exception {
        try (HoldfastProxy proxy = start();
                Wire guest = new Wire("guest0");
                Wire net = new Wire("net0")) {
            Engine engine = engine();
            engine.hello(1, ", \"bound\": false, \"epoch\": 100");
            engine.close();
            guest.send(frame(1));
            long closed;
            try (Engine next = engine()) {
                next.pretend(engine);
                awaitHeld(next, 1);
                closed = next.barrier();
            }
            assertThat(closed).isEqualTo(100);
            try (Engine last = engine()) {
                last.pretend(engine);
                last.commit(closed);
            }
            net.awaitExactly(List.of(frame(1)));
        }
    }

    @Test
    void shouldAnswerMalformedInputAndGoOnHolding() throws Exception {
        try (HoldfastProxy proxy = start();
                Wire guest = new Wire("guest0");
                Wire net = new Wire("net0");
                Engine engine = engine()) {
            engine.hello(1);
            guest.send(frame(1));
            awaitHeld(engine, 1);
            try (SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX)) {
                channel.connect(UnixDomainSocketAddress.of(socket()));
                OutputStream out = Channels.newOutputStream(channel);
                for (String line : List.of(
                        "garbage",
                        "[1,2]",
                        "{\"execute\":7}",
                        "{\"execute\":\"comit\"}",
                        "{\"execute\":\"commit\"}",
                        "{\"execute\":\"commit\",\"arguments\":{\"epoch\":1e400}}",
                        "{\"execute\":\"hello\",\"arguments\":{\"term\":-1,\"claim\":\"promotion\",\"owner\":\"a\"}}",
                        "{\"execute\":\"hello\",\"arguments\":{\"term\":9,\"claim\":\"king\",\"owner\":\"a\"}}",
                        "{\"execute\":\"hello\",\"arguments\":{\"term\":9,\"claim\":\"alone\",\"owner\":\"a\",\"x\":1}}",
                        "{\"execute\":\"open\",\"arguments\":{\"reason\":\"\"}}",
                        "{\"execute\":\"seal\",\"arguments\":{\"reason\":\"r\",\"claim\":\"king\"}}",
                        "{\"execute\":\"announce\",\"arguments\":{\"incarnation\":\"%s\",\"term\":1,\"addresses\":{}}}"
                                .formatted(engine.incarnation()),
                        "x".repeat(70_000))) {
                    out.write((line + "\n").getBytes(StandardCharsets.UTF_8));
                }
                out.write(new byte[] {(byte) 0xff, (byte) 0xfe, 0, '\n'});
                String answers = read(channel, 15);
                assertThat(answers.lines().skip(1)).hasSize(14).allMatch(line -> line.contains("\"error\""));
            }
            assertThat(engine.status().path("state").asText()).isEqualTo("ARMING");
            net.assertStaysAt(0);
            engine.commit(engine.barrier());
            net.awaitExactly(List.of(frame(1)));
        }
    }

    @Test
    void shouldAskForAnEarlyCheckpointOncePerBarrierWhenOutputWaitsTooLong() throws Exception {
        try (HoldfastProxy proxy = start();
                Wire guest = new Wire("guest0");
                Engine engine = engine()) {
            engine.execute("subscribe", "{}");
            engine.hello(1, ", \"latency_target_nanos\": 20000000");
            Thread.sleep(60);
            assertThat(pressures(engine)).isEmpty();
            guest.send(frame(1));
            await().atMost(LIMIT).until(() -> pressures(engine).equals(List.of("latency")));
            Thread.sleep(60);
            assertThat(pressures(engine)).hasSize(1);
            engine.barrier();
            Thread.sleep(60);
            assertThat(pressures(engine)).hasSize(1);
            guest.send(frame(2));
            await().atMost(LIMIT).until(() -> pressures(engine).size() == 2);
        }
    }

    @Test
    void shouldAskForAnEarlyCheckpointAtTheHighWaterMark() throws Exception {
        try (HoldfastProxy proxy = start("wall-limit: 1MiB", "wall-high-water: 64KiB");
                Wire guest = new Wire("guest0");
                Engine engine = engine()) {
            engine.execute("subscribe", "{}");
            engine.hello(1);
            IntStream.range(0, 20).forEach(i -> guest.send(new byte[8_000]));
            await().atMost(LIMIT).until(() -> pressures(engine).equals(List.of("high-water")));
        }
    }

    @Test
    void shouldAskAtTheHighWaterMarkAlsoWhenNobodyAnsweredThatOutputWaitsTooLong() throws Exception {
        try (HoldfastProxy proxy = start("wall-limit: 1MiB", "wall-high-water: 64KiB");
                Wire guest = new Wire("guest0");
                Engine engine = engine()) {
            engine.execute("subscribe", "{}");
            engine.hello(1, ", \"latency_target_nanos\": 1000000");
            guest.send(frame(1));
            await().atMost(LIMIT).until(() -> pressures(engine).equals(List.of("latency")));
            IntStream.range(0, 20).forEach(i -> guest.send(new byte[8_000]));
            await().atMost(LIMIT).until(() -> pressures(engine).equals(List.of("latency", "high-water")));
        }
    }

    @Test
    void shouldAskAnewAfterAHelloWhileTheWallIsStillAboveTheMark() throws Exception {
        try (HoldfastProxy proxy = start("wall-limit: 1MiB", "wall-high-water: 64KiB");
                Wire guest = new Wire("guest0");
                Engine engine = engine()) {
            engine.execute("subscribe", "{}");
            engine.hello(1);
            IntStream.range(0, 20).forEach(i -> guest.send(new byte[8_000]));
            await().atMost(LIMIT).until(() -> pressures(engine).size() == 1);
            engine.hello(1);
            guest.send(frame(1));
            await().atMost(LIMIT).until(() -> pressures(engine).equals(List.of("high-water", "high-water")));
        }
    }

    @Test
    void shouldCommitAllNicsAtOneBarrier() throws Exception {
        Cables.plugIn(1);
        try (HoldfastProxy proxy = start("nics: [{guest-port: tap0, uplink: up0}, {guest-port: tap1, uplink: up1}]");
                Wire guest0 = new Wire("guest0");
                Wire guest1 = new Wire("guest1");
                Wire net0 = new Wire("net0");
                Wire net1 = new Wire("net1");
                Engine engine = engine()) {
            engine.hello(1);
            guest0.send(frame(1));
            guest1.send(frame(2));
            awaitHeld(engine, 2);
            net0.assertStaysAt(0);
            net1.assertStaysAt(0);
            engine.commit(engine.barrier());
            net0.awaitExactly(List.of(frame(1)));
            net1.awaitExactly(List.of(frame(2)));
        }
    }

    @Test
    void shouldPassFramesAtOnceInModeOffAndSaySo() throws Exception {
        try (HoldfastProxy proxy = start("mode: off");
                Wire guest = new Wire("guest0");
                Wire net = new Wire("net0");
                Engine engine = engine()) {
            guest.send(frame(1));
            net.assertStaysAt(0);
            engine.hello(1);
            guest.send(frame(2));
            net.awaitExactly(List.of(frame(2)));
            assertThat(engine.status().path("mode").asText()).isEqualTo("off");
            engine.execute("seal", "{\"reason\": \"test\"}");
            guest.send(frame(3));
            net.assertStaysAt(1);
        }
    }

    @Test
    void shouldSendExemptedFramesAtOnceAndHoldTheRest() throws Exception {
        try (HoldfastProxy proxy = start("exempt: [{ethertype: 0x88cc}]");
                Wire guest = new Wire("guest0");
                Wire net = new Wire("net0");
                Engine engine = engine()) {
            byte[] lldp = ethernet("01:80:c2:00:00:0e", GUEST_MAC).payload(0x88cc, new byte[50]);
            engine.hello(1);
            guest.send(frame(1));
            guest.send(lldp);
            net.awaitExactly(List.of(lldp));
            net.assertStaysAt(1);
        }
    }

    @Test
    void shouldAnnounceTheGuestOnlyWhileItIsHere() throws Exception {
        String addresses = """
                , "addresses": {"version": 7, "nics": [{"name": "net0", "stations": [
                  {"mac": "%s", "tags": [], "router": false, "ipv4": ["10.7.0.10"], "ipv6": []}]}]}""".formatted(GUEST_MAC);
        try (HoldfastProxy proxy = start();
                Wire net = new Wire("net0");
                Engine engine = engine()) {
            String incarnation = engine.status().path("incarnation").asText();
            assertRefused(
                    "NotOwner",
                    () -> engine.execute("announce", "{\"incarnation\": \"%s\", \"term\": 0}".formatted(incarnation)));
            engine.hello(1);
            assertRefused("WrongState", () -> engine.wallCommand("announce", addresses));
            engine.wallCommand("open", ", \"reason\": \"test\"");
            engine.wallCommand("announce", addresses);
            await().atMost(LIMIT).until(() -> net.received().size() >= 6);
            assertThat(engine.execute("addresses", "{}").toString()).contains("10.7.0.10");
            assertThat(net.received()).allMatch(frame -> isArp(frame) || isRarp(frame));
            engine.execute("seal", "{\"reason\": \"test\"}");
            net.assertStaysAt(net.received().size());
            assertRefused("NotOwner", () -> engine.wallCommand("announce"));
        }
    }

    @Test
    void shouldShowWhatItWouldAnnounceInEveryStateAndSendNothing() throws Exception {
        String guestOnTwoVlans = """
                {"version": 7, "nics": [{"name": "net0", "stations": [
                  {"mac": "%1$s", "tags": ["0x8100:10"], "router": false, "ipv4": ["10.7.0.10"], "ipv6": []},
                  {"mac": "%1$s", "tags": [], "router": false, "ipv4": [], "ipv6": ["fd07::10"]}]}]}""".formatted(GUEST_MAC);
        try (HoldfastProxy proxy = start();
                Wire net = new Wire("net0");
                Engine engine = engine()) {
            String named = "\"incarnation\": \"%s\", \"term\": 0"
                    .formatted(engine.status().path("incarnation").asText());
            JsonNode nothing = engine.execute("announce", "{%s, \"dry_run\": true}".formatted(named));
            assertThat(nothing.path("frames").isArray()).isTrue();
            assertThat(nothing.path("frames")).as("CLOSED, and nothing known").isEmpty();
            assertThat(engine.execute(
                                    "announce",
                                    "{%s, \"dry_run\": true, \"addresses\": %s}".formatted(named, guestOnTwoVlans))
                            .path("frames"))
                    .hasSize(5);
            assertThat(engine.execute("addresses", "{}").path("nics"))
                    .as("nothing was learned by it")
                    .isEmpty();

            engine.hello(1);
            engine.wallCommand("addresses", ", \"known\": " + guestOnTwoVlans);
            JsonNode shown = engine.wallCommand("announce", ", \"dry_run\": true, \"nic\": \"net0\"");
            assertThat(shown.path("frames"))
                    .extracting(frame -> frame.path("form").asText()
                            + frame.path("vlan")
                            + frame.path("address").asText("-"))
                    .containsExactly(
                            "rarp[\"0x8100:10\"]-",
                            "rarp[]-",
                            "garp_request[\"0x8100:10\"]10.7.0.10",
                            "garp_reply[\"0x8100:10\"]10.7.0.10",
                            "na[]fd07::10");
            assertRefused("BadArgument", () -> engine.wallCommand("announce", ", \"dry_run\": true, \"stop\": true"));
            assertRefused(
                    "BadArgument", () -> engine.wallCommand("announce", ", \"dry_run\": true, \"nic\": \"net1\""));
            assertRefused("BadArgument", () -> engine.wallCommand("announce", ", \"nic\": \"net0\""));
            assertRefused("StaleTerm", () -> engine.execute("announce", "{%s, \"dry_run\": true}".formatted(named)));
            net.assertStaysAt(0);

            engine.wallCommand("open", ", \"reason\": \"test\"");
            engine.wallCommand("announce");
            await().atMost(LIMIT).until(() -> net.received().size() >= 5);
            assertThat(net.received().subList(0, 5))
                    .extracting(HexFormat.of()::formatHex)
                    .containsExactlyElementsOf(shown.path("frames")
                            .valueStream()
                            .map(frame -> frame.path("hex").asText())
                            .toList());
        }
    }

    /** A line of the protocol has 64 KiB. */
    @Test
    void shouldFitTheMostFramesThatANicCanHaveIntoOneAnswer() throws Exception {
        String stations = IntStream.range(0, 16)
                .mapToObj(station -> """
                        {"mac": "52:54:00:00:00:%02x", "tags": ["0x88a8:1000", "0x8100:%d"], "router": false,
                         "ipv4": [%s], "ipv6": []}""".formatted(
                                station,
                                1001 + station,
                                IntStream.range(100, 104)
                                        .mapToObj(address -> "\"100.100.1%02d.%d\"".formatted(station, address))
                                        .collect(Collectors.joining(", "))))
                .collect(Collectors.joining(", "));
        try (HoldfastProxy proxy = start();
                Engine engine = engine()) {
            engine.hello(1);
            engine.wallCommand(
                    "addresses",
                    ", \"known\": {\"version\": 1, \"nics\": [{\"name\": \"net0\", \"stations\": [%s]}]}"
                            .formatted(stations));
            assertThat(engine.wallCommand("announce", ", \"dry_run\": true, \"nic\": \"net0\"")
                            .path("frames"))
                    .hasSize(16 + 2 * 64);
        }
    }

    /** Not with the next refresh, a minute later. */
    @Test
    void shouldAnnounceAtOnceWhatTheGuestIsKnownByLater() throws Exception {
        byte[] untagged = ethernet(CLIENT_MAC, GUEST_MAC).arp(2, GUEST_MAC, "10.7.0.10", CLIENT_MAC, "10.7.0.1");
        byte[] tagged =
                ethernet(CLIENT_MAC, GUEST_MAC).tag(0x8100, 10).arp(2, GUEST_MAC, "10.7.0.11", CLIENT_MAC, "10.7.0.1");
        try (HoldfastProxy proxy = start("announce: {schedule: [0ms, 2s], refresh: 60m}");
                Wire guest = new Wire("guest0");
                Wire net = new Wire("net0");
                Engine engine = engine()) {
            engine.hello(1);
            engine.wallCommand("open", ", \"reason\": \"test\"");
            guest.send(untagged);
            await().atMost(LIMIT).until(() -> net.received().size() == 1);
            engine.wallCommand("announce");
            await().atMost(LIMIT).until(() -> net.received().size() == 1 + 2 * 3);
            guest.send(tagged);
            await().atMost(LIMIT).until(() -> net.received().size() >= 1 + 2 * 3 + 1 + 3);
            net.assertStaysAt(1 + 2 * 3 + 1 + 3);
        }
    }

    @Test
    void shouldRefusePortsThatFramesCanPassByUnlessForced() throws Exception {
        Cables.plugIn(0);
        Shell.run("ip", "link", "add", "leak0", "type", "bridge");
        Shell.run("ip", "link", "set", "tap0", "master", "leak0");
        Shell.run("ip", "addr", "add", "10.7.0.1/24", "dev", "up0");
        assertThatThrownBy(this::startPlugged)
                .isInstanceOfSatisfying(
                        UnsafePortsException.class,
                        e -> assertThat(e.problems()).hasSize(2));
        assertThat(Shell.run("nft", "list", "tables"))
                .as("an interface that the host lives on")
                .isEmpty();

        HoldfastConfig config = HoldfastConfig.read(Cables.writeConfig(directory));
        try (HoldfastProxy proxy = HoldfastProxy.start(config, true, "test");
                Engine engine = engine()) {
            assertThat(engine.status().path("unsafe")).hasSize(2);
            assertThat(scrape("/metrics")).contains("holdfast_unsafe{guest=\"redis\",host=\"a\",} 1.0");
        }
    }

    @Test
    void shouldLeaveTheIngressDropBehindUntilItIsReleased() throws Exception {
        start().close();
        assertThat(Shell.run("nft", "list", "tables")).contains("holdfast-tap0", "holdfast-up0");
        HoldfastConfig config = HoldfastConfig.read(directory.resolve("redis.yaml"));
        try (HoldfastProxy proxy = startPlugged()) {
            assertThatThrownBy(() -> HoldfastProxy.releasePorts(config, "test"))
                    .isInstanceOf(IOException.class)
                    .hasMessageContaining("runs");
        }
        assertThat(HoldfastProxy.releasePorts(config, "test")).containsExactly("tap0", "up0");
        assertThat(Shell.run("nft", "list", "tables")).isEmpty();
    }

    @Test
    void shouldEndWithAReasonWhenAPortVanishes() throws Exception {
        try (HoldfastProxy proxy = start();
                Engine engine = engine()) {
            engine.execute("subscribe", "{}");
            Shell.run("ip", "link", "del", "tap0");
            assertThat(proxy.awaitEnd()).contains("capture-tap0");
            await().atMost(LIMIT)
                    .until(() -> engine.events().stream()
                            .anyMatch(event -> event.name().equals("PORT_FAILED")));
            assertThatThrownBy(() -> scrape("/livez")).hasMessageContaining("503");
        }
    }

    @Test
    void shouldTellEverythingInItsStatusAndMetrics() throws Exception {
        try (HoldfastProxy proxy = start();
                Wire guest = new Wire("guest0");
                Wire net = new Wire("net0");
                Engine engine = engine()) {
            engine.hello(3, ", \"epoch\": 41");
            guest.send(frame(1));
            awaitHeld(engine, 1);
            engine.commit(engine.barrier());
            net.awaitExactly(List.of(frame(1)));
            guest.send(frame(2));
            awaitHeld(engine, 1);

            JsonNode status = engine.status();
            assertThat(status.path("state").asText()).isEqualTo("PROTECTED");
            assertThat(status.path("mode").asText()).isEqualTo("wall");
            assertThat(status.path("incarnation").asText()).isEqualTo(engine.incarnation());
            assertThat(status.path("term").asLong()).isEqualTo(3);
            assertThat(status.path("claim").asText()).isEqualTo("promotion");
            assertThat(status.path("owner").asText()).isEqualTo("a");
            assertThat(status.path("owned").asBoolean()).isTrue();
            assertThat(status.path("epoch").asLong()).isEqualTo(42);
            assertThat(status.path("frontier").asLong()).isEqualTo(41);
            assertThat(status.path("held_bytes").asLong()).isEqualTo(frame(2).length);
            assertThat(status.path("oldest_held_ms").asDouble()).isPositive();
            assertThat(status.path("limit_bytes").asLong()).isEqualTo(256L << 20);
            assertThat(status.path("unsafe")).isEmpty();
            assertThat(status.path("hold_p50_ms").asDouble()).isPositive();
            assertThat(status.path("commit_to_wire_p50_us").asDouble()).isPositive();
            assertThat(status.path("counters").path("held").asLong()).isEqualTo(2);
            assertThat(status.path("counters").path("released").asLong()).isEqualTo(1);
            assertThat(status.path("nics")
                            .path(0)
                            .path("guest_port")
                            .path("captured")
                            .asLong())
                    .isEqualTo(2);
            assertThat(engine.execute("held", "{}")
                            .path("nics")
                            .path(0)
                            .path("held_frames")
                            .asLong())
                    .isEqualTo(1);

            String metrics = scrape("/metrics");
            String labels = "guest=\"redis\",host=\"a\",nic=\"net0\",";
            assertThat(metrics)
                    .contains(
                            "holdfast_held_frames{" + labels + "} 1.0",
                            "holdfast_held_bytes{" + labels,
                            "holdfast_oldest_held_seconds{" + labels,
                            "holdfast_hold_seconds_count{" + labels + "} 1.0",
                            "holdfast_commit_to_wire_seconds_count{" + labels + "} 1.0",
                            "holdfast_epoch{guest=\"redis\",host=\"a\",} 42.0",
                            "holdfast_committed_epoch{guest=\"redis\",host=\"a\",} 41.0",
                            "holdfast_frames_total{direction=\"out\",fate=\"released\"," + labels + "} 1.0",
                            "holdfast_frames_total{direction=\"in\",fate=\"delivered\"," + labels + "} 0.0",
                            "holdfast_capture_dropped_frames_total{guest=\"redis\",host=\"a\",port=\"tap0\",} 0.0",
                            "holdfast_truncated_frames_total{",
                            "holdfast_send_error_frames_total{",
                            "holdfast_late_frames_total{" + labels,
                            "holdfast_wall_state{guest=\"redis\",host=\"a\",state=\"PROTECTED\",} 1.0",
                            "holdfast_wall_state{guest=\"redis\",host=\"a\",state=\"ALONE\",} 0.0",
                            "holdfast_term{guest=\"redis\",host=\"a\",} 3.0",
                            "holdfast_unsafe{guest=\"redis\",host=\"a\",} 0.0",
                            "holdfast_arp_known_addresses{");
            assertThat(scrape("/readyz")).contains("run");
        }
    }

    // ---- the stage

    private HoldfastProxy start(String... settings) throws Exception {
        Cables.plugIn(0);
        return startPlugged(settings);
    }

    private HoldfastProxy startPlugged(String... settings) throws Exception {
        return HoldfastProxy.start(HoldfastConfig.read(Cables.writeConfig(directory, settings)), false, "test");
    }

    private Path socket() {
        return directory.resolve("run/proxy.sock");
    }

    private Engine engine() throws IOException {
        return new Engine(socket());
    }

    private List<JsonNode> audited(String event) throws IOException {
        List<JsonNode> entries = new ArrayList<>();
        for (String line : Files.readAllLines(directory.resolve("state/audit.jsonl"))) {
            JsonNode entry = JSON.readTree(line);
            if (entry.path("event").asText().equals(event)) {
                entries.add(entry);
            }
        }
        return entries;
    }

    private static void awaitHeld(Engine engine, long frames) {
        await().atMost(LIMIT)
                .pollInterval(Duration.ofMillis(2))
                .until(() -> engine.status().path("held_frames").asLong() == frames);
    }

    private static long counter(Engine engine, String name) throws Exception {
        return engine.status().path("counters").path(name).asLong();
    }

    private static List<String> pressures(Engine engine) {
        return engine.events().stream()
                .filter(event -> event.name().equals("WALL_PRESSURE"))
                .map(ControlEvent::data)
                .map(data -> data.path("reason").asText())
                .toList();
    }

    private static String scrape(String path) throws IOException {
        try (var in = URI.create("http://127.0.0.1:9601" + path).toURL().openStream()) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        }
    }

    private static boolean isArp(byte[] frame) {
        return frame[12] == 0x08 && frame[13] == 0x06;
    }

    private static boolean isRarp(byte[] frame) {
        return frame[12] == (byte) 0x80 && frame[13] == 0x35;
    }

    private static String read(SocketChannel channel, int lines) throws IOException {
        StringBuilder text = new StringBuilder();
        ByteBuffer buffer = ByteBuffer.allocate(65_536);
        while (text.chars().filter(c -> c == '\n').count() < lines && channel.read(buffer.clear()) >= 0) {
            text.append(StandardCharsets.UTF_8.decode(buffer.flip()));
        }
        return text.toString();
    }

    private static byte[] frame(int number) {
        return ethernet(CLIENT_MAC, GUEST_MAC).ipv4("10.7.0.10", "10.7.0.1", 64, 17, udp(1, number, new byte[20]));
    }

    private static List<byte[]> framesOfEveryKind() {
        FrameBuilder[] to = new FrameBuilder[9];
        for (int i = 0; i < to.length; i++) {
            to[i] = ethernet(CLIENT_MAC, GUEST_MAC);
        }
        return List.of(
                to[0].ipv4("10.7.0.10", "10.7.0.1", 64, 6, tcp(6379, 40_000, 0x10, new byte[0])),
                to[1].ipv4("10.7.0.10", "10.7.0.1", 64, 6, 0x2000, new byte[800]),
                to[2].ipv4("10.7.0.10", "10.7.0.1", 64, 6, 100, new byte[300]),
                to[3].ipv6("fd07::10", "fd07::1", 64, 6, tcp(6379, 40_000, 0x18, new byte[100])),
                to[4].ipv6("fd07::10", "fd07::1", 255, 58, FrameBuilder.neighborSolicitation("fd07::1")),
                to[5].tag(0x8100, 10).ipv4("10.7.0.10", "10.7.0.1", 64, 17, udp(1, 2, new byte[20])),
                to[6].arp(1, GUEST_MAC, "10.7.0.10", "00:00:00:00:00:00", "10.7.0.1"),
                to[7].ipv4("10.7.0.10", "10.7.0.1", 64, 6, tcp(6379, 40_000, 0x18, new byte[8_900])),
                to[8].payload(0x88cc, hex("0202 0000")));
    }
}
