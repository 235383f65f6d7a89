package io.holdfast.reverse.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.holdfast.frame.NetworkOrder;
import io.holdfast.frame.UnfinishedChecksum;
import io.holdfast.reverse.model.Exchange.Faults;
import java.lang.foreign.MemorySegment;
import java.util.SplittableRandom;
import java.util.function.UnaryOperator;
import java.util.random.RandomGenerator;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class SegmentCodecTest {

    private static final Endpoints OVER_IPV4 =
            Endpoints.ipv4(0x5254_0000_0001L, 0x5254_0000_0002L, 0x0a07_0001, 0xc0a8_fffe, 40_000, 80);
    private static final Endpoints OVER_IPV6 =
            Endpoints.ipv6(0x5254_0000_0001L, 0x5254_0000_0002L, 0xfd00L << 48, 1, 0xfe80L << 48, -2, 40_000, 80);
    private static final int FRAME = 10;
    private static final int SEGMENTS = 1_000;
    private static final int EXCHANGES = 20;
    private static final long MILLI = 1_000_000;

    private final long seed = Long.getLong("holdfast.seed", System.nanoTime());
    private final RandomGenerator random = new SplittableRandom(seed);
    private final MemorySegment memory = MemorySegment.ofArray(new byte[2_000]);
    private final SegmentCodec codec = new SegmentCodec();

    static Stream<Arguments> forms() {
        return Stream.of(OVER_IPV4, OVER_IPV4.inVlan(7), OVER_IPV6, OVER_IPV6.inVlan(4094))
                .flatMap(from -> Stream.of(Arguments.of(from, true), Arguments.of(from, false)));
    }

    @ParameterizedTest
    @MethodSource("forms")
    void shouldReadWhatItWrites(Endpoints from, boolean unfinished) {
        for (int i = 0; i < SEGMENTS; i++) {
            Segment segment = randomSegment();
            int length = codec.write(from, segment, memory, FRAME, unfinished);
            assertThat(codec.endpointsOf(memory, FRAME, length)).isEqualTo(from);
            Segment read = codec.read(memory, FRAME, length);
            assertThat(read.toString()).as("seed %d", seed).isEqualTo(segment.toString());
            assertThat(read.flags()).as("seed %d", seed).isEqualTo(segment.flags());
            assertThat(read.payload()).as("seed %d", seed).isEqualTo(segment.payload());
        }
    }

    @ParameterizedTest
    @MethodSource("forms")
    void shouldLeaveWhatTheDeviceCanFinish(Endpoints from, boolean unfinished) {
        for (int i = 0; i < SEGMENTS; i++) {
            int length = codec.write(from, randomSegment(), memory, FRAME, unfinished);
            assertThat(UnfinishedChecksum.complete(memory, FRAME, length)).isEqualTo(unfinished);
            memory.asSlice(0, FRAME).fill((byte) 0);
            codec.read(memory, FRAME, length);
        }
    }

    @ParameterizedTest
    @MethodSource("forms")
    void shouldNotTakeADamagedFrame(Endpoints from, boolean unfinished) {
        int addresses = from.vlanId() == Endpoints.NO_VLAN ? 14 : 18;
        for (int i = 0; i < SEGMENTS; i++) {
            int length = codec.write(from, randomSegment(), memory, FRAME, unfinished);
            // The device covers up what happens to a segment before it; only the packet's header still tells.
            int header = from.ipv6() ? 8 : 0;
            int bytes = unfinished ? (from.ipv6() ? 32 : 20) : length - addresses - header;
            int at = FRAME + addresses + header + random.nextInt(bytes);
            int good = NetworkOrder.getByte(memory, at);
            NetworkOrder.putByte(memory, at, good ^ (1 << random.nextInt(8)));
            assertThatThrownBy(() -> codec.read(memory, FRAME, length))
                    .as("seed %d", seed)
                    .isInstanceOf(AssertionError.class);
        }
    }

    @ParameterizedTest
    @MethodSource("forms")
    void shouldNotTakeACutFrame(Endpoints from, boolean unfinished) {
        int length = codec.write(from, randomSegment(), memory, FRAME, unfinished);
        for (int cut = 1; cut < length; cut++) {
            int shorter = length - cut;
            assertThatThrownBy(() -> codec.read(memory, FRAME, shorter)).isInstanceOf(AssertionError.class);
        }
    }

    @ParameterizedTest
    @MethodSource("forms")
    void shouldNotTakeBytesAfterThePacket(Endpoints from, boolean unfinished) {
        Segment segment = Segment.withFlags(Segment.ACK).payload(new byte[60]).build();
        int length = codec.write(from, segment, memory, FRAME, unfinished);
        assertThatThrownBy(() -> codec.read(memory, FRAME, length + 1)).isInstanceOf(AssertionError.class);
    }

    @ParameterizedTest
    @MethodSource("forms")
    void shouldCarryAConnection(Endpoints from, boolean unfinished) {
        for (int i = 0; i < EXCHANGES; i++) {
            byte[] request = new byte[random.nextInt(10_000)];
            byte[] reply = new byte[random.nextInt(30_000)];
            random.nextBytes(request);
            random.nextBytes(reply);
            TcpConfig.Builder config =
                    TcpConfig.linux().initialSequence(-random.nextInt(9_000)).cutPercent(20);
            Faults faults = new Faults(5, 5, 2 * MILLI);
            Exchange exchange = new Exchange(random, faults, config.build(), request, config.build(), reply)
                    .through(wire(from, unfinished), wire(from.reversed(), unfinished));
            assertThat(exchange.run()).as("seed %d ends", seed).isTrue();
            assertThat(exchange.client().isComplete()).as("seed %d", seed).isTrue();
            assertThat(exchange.server().isComplete()).as("seed %d", seed).isTrue();
        }
    }

    private UnaryOperator<Segment> wire(Endpoints from, boolean unfinished) {
        return segment -> codec.read(memory, FRAME, codec.write(from, segment, memory, FRAME, unfinished));
    }

    private Segment randomSegment() {
        byte[] payload = new byte[random.nextInt(100)];
        random.nextBytes(payload);
        Segment.Builder segment = Segment.withFlags(random.nextInt(256))
                .sequence(random.nextInt())
                .acknowledgment(random.nextInt())
                .window(random.nextInt(1 << 16))
                .payload(payload);
        if (random.nextBoolean()) {
            segment.timestamps(random.nextInt(), random.nextInt());
        }
        if (random.nextBoolean()) {
            return segment.mss(random.nextInt(1 << 16))
                    .sackPermitted(random.nextBoolean())
                    .windowScale(random.nextInt(-1, 15))
                    .build();
        }
        return segment.sack(random.ints(2L * random.nextInt(4)).toArray()).build();
    }
}
