package io.holdfast.frame;

import static io.holdfast.testkit.FrameBuilder.ethernet;
import static io.holdfast.testkit.FrameBuilder.tcp;
import static io.holdfast.testkit.FrameBuilder.udp;
import static org.assertj.core.api.Assertions.assertThat;

import io.holdfast.testkit.FrameBuilder;
import java.lang.foreign.MemorySegment;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class ClientFrameFilterTest {

    private static final byte[] DATA = {1, 2, 3};
    private static final byte[] TCP = tcp(40_000, 6379, 0x18, DATA);
    private static final byte[] UDP = udp(40_000, 53, DATA);
    private static final int FRAGMENT_AT_EIGHT = 1;

    private final ClientFrameFilter tcp = ClientFrameFilter.tcp();
    private final ClientFrameFilter all = ClientFrameFilter.allButArp();

    @Test
    void shouldTakeTcpInWhateverItIsWrapped() {
        assertThat(takes(tcp, frame().ipv4("10.0.0.2", "10.0.0.1", 64, 6, TCP))).isTrue();
        assertThat(takes(tcp, frame().tag(0x8100, 5).ipv4("10.0.0.2", "10.0.0.1", 64, 6, TCP)))
                .isTrue();
        assertThat(takes(tcp, frame().ipv4("10.0.0.2", "10.0.0.1", 64, 6, FRAGMENT_AT_EIGHT, DATA)))
                .isTrue();
        assertThat(takes(tcp, frame().ipv6("fd00::2", "fd00::1", 64, 6, TCP))).isTrue();
    }

    @Test
    void shouldLeaveOutWhatMayDoHarmTwice() {
        assertThat(takes(tcp, frame().ipv4("10.0.0.2", "10.0.0.1", 64, 17, UDP)))
                .isFalse();
        assertThat(takes(tcp, frame().ipv4("10.0.0.2", "10.0.0.1", 64, 1, DATA)))
                .isFalse();
        assertThat(takes(tcp, frame().ipv6("fd00::2", "fd00::1", 64, 17, UDP))).isFalse();
        assertThat(takes(tcp, arp())).isFalse();
        assertThat(takes(tcp, frame().payload(0x88cc, DATA))).isFalse();
    }

    @Test
    void shouldTakeAllButArpIfTheOperatorWantsIt() {
        assertThat(takes(all, frame().ipv4("10.0.0.2", "10.0.0.1", 64, 17, UDP)))
                .isTrue();
        assertThat(takes(all, frame().payload(0x88cc, DATA))).isTrue();
        assertThat(takes(all, arp())).isFalse();
    }

    @Test
    void shouldThrowForNoFrameWhateverIsInIt() {
        long seed = System.nanoTime();
        SplittableRandom random = new SplittableRandom(seed);
        byte[] whole = frame().ipv6("fd00::2", "fd00::1", 64, 6, TCP);
        for (int i = 0; i < 100_000; i++) {
            byte[] broken = new byte[random.nextInt(80)];
            System.arraycopy(whole, 0, broken, 0, Math.min(broken.length, random.nextInt(whole.length + 1)));
            if (broken.length > 0) {
                broken[random.nextInt(broken.length)] = (byte) random.nextInt();
            }
            try {
                takes(tcp, broken);
                takes(all, broken);
            } catch (RuntimeException e) {
                throw new AssertionError("seed " + seed + ", frame " + i, e);
            }
        }
    }

    private static byte[] arp() {
        return frame().arp(2, "52:54:00:00:00:02", "10.0.0.2", "52:54:00:00:00:01", "10.0.0.1");
    }

    private static FrameBuilder frame() {
        return ethernet("52:54:00:00:00:01", "52:54:00:00:00:02");
    }

    private static boolean takes(ClientFrameFilter filter, byte[] frame) {
        return filter.takes(MemorySegment.ofArray(frame), 0, frame.length);
    }
}
