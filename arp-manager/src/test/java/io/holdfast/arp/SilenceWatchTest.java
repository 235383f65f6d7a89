package io.holdfast.arp;

import static io.holdfast.arp.Announcements.GUEST_MAC;
import static io.holdfast.testkit.FrameBuilder.ethernet;
import static io.holdfast.testkit.FrameBuilder.segment;
import static org.assertj.core.api.Assertions.assertThat;

import io.holdfast.frame.MacAddress;
import io.holdfast.testkit.Allocation;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/** INV-9. */
class SilenceWatchTest {

    private static final byte[] FRAME = ethernet("ff:ff:ff:ff:ff:ff", GUEST_MAC).payload(0x88b5, new byte[46]);

    private final AtomicBoolean shut = new AtomicBoolean(true);
    private final AtomicInteger told = new AtomicInteger();
    private final SilenceWatch watch =
            new SilenceWatch(List.of("net0", "net1"), shut::get, () -> 77, told::incrementAndGet);

    @Test
    void shouldTellWhoSpeaksBehindAShutWall() {
        hear(FRAME);
        hear(FRAME);
        assertThat(watch.breaches())
                .containsExactly(new SilenceWatch.Breach("net0", 2, MacAddress.parse(GUEST_MAC), 77));
        assertThat(told).hasValue(2);
    }

    @Test
    void shouldNotMindWhatIsSaidBehindAnOpenWall() {
        shut.set(false);
        hear(FRAME);
        assertThat(watch.breaches()).isEmpty();
        assertThat(told).hasValue(0);
    }

    @Test
    void shouldNotTakeRubbishForSpeech() {
        hear(new byte[13]);
        assertThat(watch.count("net0")).isZero();
    }

    @Test
    void shouldMakeNoGarbage() {
        MemorySegment frame = segment(FRAME);
        SilenceWatch.Ear ear = watch.ear("net0");
        assertThat(Allocation.bytesPerCall(() -> ear.onFrame(frame, 0, FRAME.length)))
                .isLessThan(1);
    }

    private void hear(byte[] frame) {
        watch.ear("net0").onFrame(segment(frame), 0, frame.length);
    }
}
