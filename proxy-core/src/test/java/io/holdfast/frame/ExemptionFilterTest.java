package io.holdfast.frame;

import static io.holdfast.testkit.FrameBuilder.ethernet;
import static io.holdfast.testkit.FrameBuilder.hex;
import static io.holdfast.testkit.FrameBuilder.join;
import static io.holdfast.testkit.FrameBuilder.segment;
import static io.holdfast.testkit.FrameBuilder.tcp;
import static io.holdfast.testkit.FrameBuilder.udp;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.holdfast.testkit.Allocation;
import io.holdfast.testkit.FrameBuilder;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** INV-3. */
class ExemptionFilterTest {

    private static final String HERE = "52:54:00:00:00:01";
    private static final String THERE = "52:54:00:00:00:02";
    private static final byte[] NOTHING = {};

    @Test
    void shouldExemptNothingWithoutRules() {
        ExemptionFilter filter = filter();
        assertThat(isExempt(filter, lldp())).isFalse();
        assertThat(isExempt(filter, frame().ipv4("10.0.0.1", "10.0.0.2", 64, 17, udp(53, 53, NOTHING))))
                .isFalse();
    }

    @Test
    void shouldExemptByEtherType() {
        ExemptionFilter filter = filter(ExemptionRule.of(0x88cc, null, null, null));
        assertThat(isExempt(filter, lldp())).isTrue();
        assertThat(isExempt(filter, frame().tag(0x8100, 7).payload(0x88cc, new byte[46])))
                .isTrue();
        assertThat(isExempt(filter, frame().arp(1, HERE, "10.0.0.1", THERE, "10.0.0.2")))
                .isFalse();
        assertThat(isExempt(filter, frame().ipv4("10.0.0.1", "10.0.0.2", 64, 17, udp(53, 53, NOTHING))))
                .isFalse();
    }

    @Test
    void shouldExemptByProtocolPortAndPrefixTogether() {
        ExemptionFilter filter = filter(ExemptionRule.of(null, "udp", 53, "10.0.0.0/8"));
        assertThat(isExempt(filter, frame().ipv4("1.1.1.1", "10.0.0.2", 64, 17, udp(4000, 53, NOTHING))))
                .isTrue();
        assertThat(isExempt(filter, frame().ipv4("1.1.1.1", "10.0.0.2", 64, 17, udp(53, 4000, NOTHING))))
                .isTrue();
        assertThat(isExempt(filter, frame().tag(0x8100, 7).ipv4("1.1.1.1", "10.0.0.2", 64, 17, udp(1, 53, NOTHING))))
                .isTrue();
        assertThat(isExempt(filter, frame().ipv4("1.1.1.1", "10.0.0.2", 64, 17, udp(4000, 54, NOTHING))))
                .as("other port")
                .isFalse();
        assertThat(isExempt(filter, frame().ipv4("10.0.0.1", "11.0.0.2", 64, 17, udp(4000, 53, NOTHING))))
                .as("other destination")
                .isFalse();
        assertThat(isExempt(filter, frame().ipv4("1.1.1.1", "10.0.0.2", 64, 132, udp(4000, 53, NOTHING))))
                .as("other protocol")
                .isFalse();
        assertThat(isExempt(filter, frame().ipv6("fe80::1", "fe80::2", 64, 17, udp(4000, 53, NOTHING))))
                .as("other family")
                .isFalse();
    }

    @Test
    void shouldExemptIpv6BehindExtensionHeaders() {
        ExemptionFilter filter = filter(ExemptionRule.of(null, "udp", null, "2001:db8::/32"));
        byte[] behindOptions = join(hex("1100 010400000000"), udp(1, 2, NOTHING));
        assertThat(isExempt(filter, frame().ipv6("fe80::1", "2001:db8::2", 64, 60, behindOptions)))
                .isTrue();
        assertThat(isExempt(filter, frame().ipv6("fe80::1", "2001:db9::2", 64, 60, behindOptions)))
                .isFalse();
    }

    @Test
    void shouldNeverExemptTcp() {
        byte[] segment = tcp(53, 53, 0x10, NOTHING);
        ExemptionFilter filter = widest();
        assertThat(isExempt(filter, frame().ipv4("10.0.0.1", "10.0.0.2", 64, 6, segment)))
                .isFalse();
        assertThat(isExempt(filter, frame().tag(0x88a8, 1).tag(0x8100, 2).ipv4("10.0.0.1", "10.0.0.2", 64, 6, segment)))
                .isFalse();
        assertThat(isExempt(filter, frame().ipv6("fe80::1", "fe80::2", 64, 6, segment)))
                .isFalse();
        assertThat(isExempt(
                        filter, frame().ipv6("fe80::1", "fe80::2", 64, 60, join(hex("0600 010400000000"), segment))))
                .isFalse();
    }

    @Test
    void shouldNeverExemptAFragment() {
        byte[] datagram = udp(53, 53, new byte[8]);
        ExemptionFilter filter = widest();
        assertThat(isExempt(filter, frame().ipv4("10.0.0.1", "10.0.0.2", 64, 17, 0x2000, datagram)))
                .isFalse();
        assertThat(isExempt(filter, frame().ipv4("10.0.0.1", "10.0.0.2", 64, 17, 0x0001, datagram)))
                .isFalse();
        for (String fragment : new String[] {"1100 0001 00000007", "1100 0009 00000007", "1100 0000 00000007"}) {
            byte[] payload = join(hex(fragment), datagram);
            assertThat(isExempt(filter, frame().ipv6("fe80::1", "fe80::2", 64, 44, payload)))
                    .as(fragment)
                    .isFalse();
        }
        assertThat(isExempt(filter, frame().ipv4("10.0.0.1", "10.0.0.2", 64, 17, datagram)))
                .as("the same, whole")
                .isTrue();
    }

    @Test
    void shouldNotExemptWhatItCannotUnderstand() {
        ExemptionFilter filter = widest();
        byte[] whole = frame().ipv4("10.0.0.1", "10.0.0.2", 64, 17, udp(53, 53, NOTHING));
        assertThat(isExempt(filter, Arrays.copyOf(whole, whole.length - 1))).isFalse();
        assertThat(isExempt(filter, new byte[13])).isFalse();
        assertThat(isExempt(filter, frame().payload(46, new byte[46])))
                .as("IEEE 802.3 with a length")
                .isFalse();
        assertThat(isExempt(
                        filter,
                        frame().tag(0x8100, 1).tag(0x8100, 2).tag(0x8100, 3).payload(0x88cc, new byte[46])))
                .as("three tags")
                .isFalse();
    }

    @Test
    void shouldNeverExemptTcpOrFragmentsWhateverTheRulesAndTheFrame() {
        long seed = Long.getLong("holdfast.seed", System.nanoTime());
        System.out.println("ExemptionFilterTest seed " + seed);
        Random random = new Random(seed);
        int exempted = 0;
        for (int round = 0; round < 20_000; round++) {
            List<ExemptionRule> rules = new ArrayList<>();
            while (rules.size() < 3) {
                try {
                    rules.add(randomRule(random));
                } catch (IllegalArgumentException refused) {
                    // Try another: most of the dangerous ones are refused here.
                }
            }
            int protocol = random.nextInt(3) == 0 ? 6 : random.nextInt(256);
            boolean fragment = random.nextInt(3) == 0;
            boolean exempt = isExempt(ExemptionFilter.compile(rules), randomFrame(random, protocol, fragment));
            assertThat(exempt && (protocol == 6 || fragment))
                    .as("%s, protocol %d, fragment %s", rules, protocol, fragment)
                    .isFalse();
            exempted += exempt ? 1 : 0;
        }
        assertThat(exempted).as("exempted at all").isPositive();
    }

    @ParameterizedTest
    @ValueSource(ints = {0x0800, 0x86dd, 0x8100, 0x88a8, 0x9100, 0x8847, 0x8864, 0x88e5, 0x05ff, 0x10000, -1})
    void shouldRefuseAnEtherTypeThatCarriesTcp(int etherType) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> ExemptionRule.of(etherType, null, null, null))
                .withMessageContaining("ethertype 0x");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"tcp", "TCP", "6", "44", "0", "4", "41", "43", "47", "50", "51", "60", "256", "-1", "quic", ""})
    void shouldRefuseAProtocolThatIsOrCarriesTcpOrFragments(String protocol) {
        assertThatIllegalArgumentException().isThrownBy(() -> ExemptionRule.of(null, protocol, null, null));
    }

    @Test
    void shouldSayWhyARuleIsRefused() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> ExemptionRule.of(null, "tcp", 53, null))
                .withMessageContaining("TCP must always be held");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> ExemptionRule.of(null, "44", null, null))
                .withMessageContaining("fragments must always be held");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> ExemptionRule.of(0x0800, null, null, null))
                .withMessageContaining("name a protocol");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> ExemptionRule.of(null, null, 53, null))
                .withMessageContaining("would exempt TCP");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> ExemptionRule.of(null, null, null, "10.0.0.0/8"))
                .withMessageContaining("would exempt TCP");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> ExemptionRule.of(null, null, null, null))
                .withMessageContaining("needs an ethertype or a protocol");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> ExemptionRule.of(0x88cc, "udp", null, null))
                .withMessageContaining("takes no protocol");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> ExemptionRule.of(null, "icmp", 53, null))
                .withMessageContaining("only with protocol udp");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> ExemptionRule.of(null, "udp", 0, null))
                .withMessageContaining("1..65535");
    }

    @Test
    void shouldAllocateNothing() {
        ExemptionFilter filter = widest();
        MemorySegment exempt = segment(
                frame().ipv6("fe80::1", "fe80::2", 64, 60, join(hex("1100 010400000000"), udp(1, 53, NOTHING))));
        MemorySegment held = segment(frame().ipv4("10.0.0.1", "10.0.0.2", 64, 6, tcp(1, 2, 0x10, NOTHING)));
        assertThat(Allocation.bytesPerCall(() -> {
                    if (!filter.isExempt(exempt, 0, (int) exempt.byteSize())
                            || filter.isExempt(held, 0, (int) held.byteSize())) {
                        throw new AssertionError();
                    }
                }))
                .isLessThan(0.5);
    }

    private static FrameBuilder frame() {
        return ethernet(THERE, HERE);
    }

    private static byte[] lldp() {
        return ethernet("01:80:c2:00:00:0e", HERE).payload(0x88cc, new byte[46]);
    }

    private static ExemptionFilter filter(ExemptionRule... rules) {
        return ExemptionFilter.compile(List.of(rules));
    }

    /** All that can be exempted by protocol, and a few by type. */
    private static ExemptionFilter widest() {
        List<ExemptionRule> rules = new ArrayList<>();
        for (int number = 0; number < 256; number++) {
            try {
                rules.add(ExemptionRule.of(null, Integer.toString(number), null, null));
            } catch (IllegalArgumentException refused) {
                // Not exemptible.
            }
        }
        rules.add(ExemptionRule.of(0x88cc, null, null, null));
        rules.add(ExemptionRule.of(0x0806, null, null, null));
        return ExemptionFilter.compile(rules);
    }

    private static boolean isExempt(ExemptionFilter filter, byte[] frame) {
        return filter.isExempt(segment(frame), 0, frame.length);
    }

    private static ExemptionRule randomRule(Random random) {
        return random.nextInt(4) == 0
                ? ExemptionRule.of(random.nextInt(0x10000), null, null, null)
                : ExemptionRule.of(
                        null,
                        random.nextBoolean() ? "udp" : Integer.toString(random.nextInt(256)),
                        random.nextInt(3) == 0 ? 53 : null,
                        random.nextInt(3) == 0 ? "10.0.0.0/8" : null);
    }

    private static byte[] randomFrame(Random random, int protocol, boolean fragment) {
        FrameBuilder frame = frame();
        for (int tags = random.nextInt(3); tags > 0; tags--) {
            frame.tag(0x8100, random.nextInt(4096));
        }
        int port = random.nextBoolean() ? 53 : 4000;
        byte[] transport = protocol == 6 ? tcp(port, port, 0x10, new byte[8]) : udp(port, port, new byte[8]);
        if (random.nextBoolean()) {
            int fragmentation = fragment ? random.nextBoolean() ? 0x2000 : 1 + random.nextInt(0x1fff) : 0;
            return frame.ipv4("1.1.1.1", "10.0.0.2", 64, protocol, fragmentation, transport);
        }
        byte[] payload = transport;
        int next = protocol;
        if (fragment) {
            payload = join(new byte[] {(byte) next, 0, 0, (byte) random.nextInt(256), 0, 0, 0, 7}, payload);
            next = 44;
        }
        for (int headers = random.nextInt(3); headers > 0; headers--) {
            payload = join(new byte[] {(byte) next, 0, 1, 4, 0, 0, 0, 0}, payload);
            next = 60;
        }
        return frame.ipv6("fe80::1", "fe80::2", 64, next, payload);
    }
}
