package io.holdfast.arp;

import static io.holdfast.arp.Announcements.GUEST_MAC;
import static io.holdfast.arp.Announcements.nic;
import static io.holdfast.arp.Announcements.station;
import static io.holdfast.testkit.FrameBuilder.ethernet;
import static io.holdfast.testkit.FrameBuilder.segment;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.awaitility.Awaitility.await;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class AnnouncerThreadTest {

    private static final AnnounceSchedule EVERY_MILLISECOND = new AnnounceSchedule(
            IntStream.range(0, 10_000).mapToObj(Duration::ofMillis).toList(), Duration.ofSeconds(1));

    private final AtomicInteger sent = new AtomicInteger();
    private final Announcer announcer = announcer(EVERY_MILLISECOND);

    private Announcer announcer(AnnounceSchedule schedule) {
        return new Announcer(
                schedule,
                100_000,
                nic -> Ownership.Standing.OWNER,
                Map.of("net0", (memory, offset, length) -> sent.incrementAndGet() > 0));
    }

    @Test
    void shouldGoOnByItselfOnceStarted() throws InterruptedException {
        try (AnnouncerThread thread = new AnnouncerThread(announcer)) {
            Thread.sleep(20);
            assertThat(sent).hasValue(0);
            thread.start(nic(station(false)));
            await().atMost(Duration.ofSeconds(5)).until(() -> sent.get() >= 50);
            assertThat(thread.update(nic())).isTrue();
            assertThat(thread.status().getFirst().state()).isEqualTo(SeriesState.RUNNING);
        }
    }

    @Test
    void shouldSendNothingAfterCancelHasReturned() throws InterruptedException {
        try (AnnouncerThread thread = new AnnouncerThread(announcer)) {
            for (int i = 0; i < 10; i++) {
                thread.start(nic(station(false)));
                int before = sent.get();
                await().atMost(Duration.ofSeconds(5)).until(() -> sent.get() > before);
                thread.cancel("net0");
                int atCancel = sent.get();
                Thread.sleep(5);
                assertThat(sent).hasValue(atCancel);
            }
        }
    }

    @Test
    void shouldSendNothingAfterItIsClosed() throws InterruptedException {
        AnnouncerThread thread = new AnnouncerThread(announcer);
        thread.start(nic(station(false)));
        thread.close();
        thread.close();
        int atClose = sent.get();
        Thread.sleep(20);
        assertThat(sent).hasValue(atClose);
    }

    /** Not only with the next refresh, which may be a minute away. */
    @Test
    void shouldAnnounceAtOnceWhatTheBookLearnsWhileASeriesRuns() {
        AddressBook book = new AddressBook(List.of("net0"));
        Announcer lazy = announcer(new AnnounceSchedule(List.of(Duration.ZERO), Duration.ofHours(1)));
        try (AnnouncerThread thread = new AnnouncerThread(lazy)) {
            thread.follow(book);
            learn(book, "10.0.0.5");
            learn(book, "10.0.0.6");
            assertThat(thread.status().getFirst().state()).isEqualTo(SeriesState.READY);
            assertThat(sent).as("INV-9").hasValue(0);
            thread.start(book.snapshot().nic("net0"));
            await().atMost(Duration.ofSeconds(5)).until(() -> sent.get() == 5);
            learn(book, "10.0.0.7");
            await().atMost(Duration.ofSeconds(5)).until(() -> sent.get() == 7);
            learn(book, "10.0.0.7");
            thread.cancelAll();
            learn(book, "10.0.0.8");
            assertThat(thread.status().getFirst().framesPerRound()).isEqualTo(7);
            assertThat(sent).hasValue(7);
        }
        learn(book, "10.0.0.9");
        assertThat(book.snapshot().nic("net0").stations().getFirst().ipv4()).hasSize(5);
    }

    private static void learn(AddressBook book, String address) {
        book.learner("net0")
                .onFrame(
                        segment(ethernet("ff:ff:ff:ff:ff:ff", GUEST_MAC)
                                .arp(1, GUEST_MAC, address, "00:00:00:00:00:00", "10.0.0.1")),
                        0,
                        42);
    }

    @Test
    void shouldTellTheCallerWhatIsWrong() {
        try (AnnouncerThread thread = new AnnouncerThread(announcer)) {
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> thread.start(new GuestAddresses.Nic("net7", List.of(station(false)))))
                    .withMessageContaining("net7");
        }
    }
}
