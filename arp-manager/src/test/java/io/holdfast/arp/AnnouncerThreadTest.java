package io.holdfast.arp;

import static io.holdfast.arp.Announcements.nic;
import static io.holdfast.arp.Announcements.station;
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
    private final Announcer announcer = new Announcer(
            EVERY_MILLISECOND,
            100_000,
            () -> Ownership.Standing.OWNER,
            Map.of("net0", (memory, offset, length) -> sent.incrementAndGet() > 0));

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

    @Test
    void shouldTellTheCallerWhatIsWrong() {
        try (AnnouncerThread thread = new AnnouncerThread(announcer)) {
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> thread.start(new GuestAddresses.Nic("net7", List.of(station(false)))))
                    .withMessageContaining("net7");
        }
    }
}
