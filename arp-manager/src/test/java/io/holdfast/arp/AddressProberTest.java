package io.holdfast.arp;

import static io.holdfast.arp.Announcements.GUEST_MAC;
import static io.holdfast.arp.Announcements.IPV4;
import static io.holdfast.arp.Announcements.nic;
import static io.holdfast.arp.Announcements.station;
import static io.holdfast.testkit.FrameBuilder.ethernet;
import static io.holdfast.testkit.FrameBuilder.segment;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.holdfast.frame.MacAddress;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class AddressProberTest {

    private static final String HOST_MAC = "02:00:00:00:00:0b";
    private static final GuestAddresses ASKED = new GuestAddresses(1, List.of(nic(station(false))));
    private static final Map<String, MacAddress> HOST = Map.of("net0", MacAddress.parse(HOST_MAC));
    private static final long FOR_EVER = TimeUnit.HOURS.toNanos(1);
    private static final long SHORT = TimeUnit.MILLISECONDS.toNanos(20);
    private static final Duration LIMIT = Duration.ofSeconds(10);

    private final AtomicInteger sent = new AtomicInteger();
    private final List<AddressProber.Ended> ended = new CopyOnWriteArrayList<>();
    private final AddressProber prober = new AddressProber(
            Map.of("net0", (memory, offsetBytes, lengthBytes) -> sent.incrementAndGet() > 0), ended::add);

    @AfterEach
    void close() {
        prober.close();
    }

    @Test
    void shouldAskTwiceAndEndWithoutAnAnswerWhenItsTimeIsOver() {
        long beginNanos = System.nanoTime();
        AddressProber.Begun begun = prober.begin(ASKED, HOST, SHORT);
        await().atMost(LIMIT).until(() -> ended.size() == 1);
        assertThat(System.nanoTime() - beginNanos).isGreaterThanOrEqualTo(SHORT);
        assertThat(ended.getFirst().number()).isEqualTo(begun.number());
        assertThat(ended.getFirst().oldOwner()).isEmpty();
        assertThat(sent).hasValue(2 * begun.frames());
        assertThat(prober.unansweredProbes()).isOne();
    }

    @Test
    void shouldEndAtOnceWhenAnOldOwnerAnswers() {
        prober.begin(ASKED, HOST, FOR_EVER);
        await().atMost(LIMIT).until(() -> sent.get() > 0);
        answer();
        await().atMost(LIMIT).until(() -> ended.size() == 1);
        assertThat(ended.getFirst().oldOwner()).map(ProbeAnswer::address).hasValue(IPV4);
        assertThat(prober.answeredProbes()).isOne();
    }

    @Test
    void shouldEndOneThatIsUnderWayWhenTheNextBegins() {
        long first = prober.begin(ASKED, HOST, FOR_EVER).number();
        prober.begin(ASKED, HOST, FOR_EVER);
        await().atMost(LIMIT).until(() -> ended.size() == 1);
        assertThat(ended.getFirst().number()).isEqualTo(first);
    }

    @Test
    void shouldHearNothingAtRest() {
        prober.begin(ASKED, HOST, SHORT);
        await().atMost(LIMIT).until(() -> ended.size() == 1);
        answer();
        assertThat(prober.answeredProbes()).isZero();
    }

    @Test
    void shouldEndThoughAPortBreaksWhileItAsks() {
        try (AddressProber onBrokenPort = new AddressProber(
                Map.of("net0", (memory, offsetBytes, lengthBytes) -> {
                    throw new IllegalStateException("closed");
                }),
                ended::add)) {
            onBrokenPort.begin(ASKED, HOST, SHORT);
            await().atMost(LIMIT).until(() -> ended.size() == 1);
        }
    }

    private void answer() {
        byte[] reply = ethernet(HOST_MAC, GUEST_MAC).arp(2, GUEST_MAC, IPV4, HOST_MAC, "0.0.0.0");
        prober.onInboundFrame("net0", segment(reply), 0, reply.length);
    }
}
