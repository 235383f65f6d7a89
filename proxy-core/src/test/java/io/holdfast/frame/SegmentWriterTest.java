package io.holdfast.frame;

import static org.assertj.core.api.Assertions.assertThat;

import io.holdfast.reverse.model.Endpoints;
import io.holdfast.reverse.model.Segment;
import io.holdfast.reverse.model.SegmentCodec;
import io.holdfast.testkit.Allocation;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class SegmentWriterTest {

    private static final int FRAME = UnfinishedChecksum.PREFIX_BYTES;
    private static final int ADDRESSES = 12;
    private static final int SEGMENTS = 1_000;
    private static final int MAX_PAYLOAD_BYTES = 300;
    private static final int INNER_TAG = 0x8100_0007;
    private static final TcpPath OVER_IPV4 = path(false, 0, 0xffff_0a07_0001L, 0, 0xffff_c0a8_fffeL);
    private static final TcpPath OVER_IPV6 = path(true, 0xfd00L << 48, 1, 0xfe80L << 48, -2);

    private final long seed = Long.getLong("holdfast.seed", System.nanoTime());
    private final SplittableRandom random = new SplittableRandom(seed);
    private final MemorySegment memory = MemorySegment.ofArray(
                    new byte[FRAME + SegmentWriter.MAX_BYTES + MAX_PAYLOAD_BYTES])
            .fill((byte) 0xff);
    private final SegmentCodec codec = new SegmentCodec();

    static Stream<TcpPath> paths() {
        return Stream.of(OVER_IPV4, OVER_IPV6)
                .flatMap(path ->
                        Stream.of(path, tagged(path, 1, INNER_TAG, 0), tagged(path, 2, 0x88a8_0064, INNER_TAG)));
    }

    @ParameterizedTest
    @MethodSource("paths")
    void shouldWriteWhatAReceiverTakes(TcpPath path) {
        for (int i = 0; i < SEGMENTS; i++) {
            assertThatItArrives(path, randomSegment().build());
        }
    }

    @ParameterizedTest
    @MethodSource("paths")
    void shouldWriteTimestampsThatAReceiverTakes(TcpPath path) {
        for (int i = 0; i < SEGMENTS; i++) {
            assertThatItArrives(
                    path,
                    randomSegment()
                            .timestamps(random.nextInt(), random.nextInt())
                            .build());
        }
    }

    @ParameterizedTest
    @MethodSource("paths")
    void shouldWritePayloadThatAReceiverTakes(TcpPath path) {
        for (int i = 0; i < SEGMENTS; i++) {
            byte[] payload = new byte[random.nextInt(1, MAX_PAYLOAD_BYTES)];
            random.nextBytes(payload);
            Segment.Builder segment = randomSegment().payload(payload);
            boolean timestamps = random.nextBoolean();
            Segment sent = (timestamps ? segment.timestamps(random.nextInt(), random.nextInt()) : segment).build();
            assertThat(read(path, write(path, sent)).payload())
                    .as("seed %d", seed)
                    .isEqualTo(payload);
            assertThatItArrives(path, sent);
        }
    }

    @ParameterizedTest
    @MethodSource("paths")
    void shouldSendItOnItsPath(TcpPath path) {
        TcpFrame frame = new TcpFrame();
        assertThat(frame.wrap(memory, FRAME, write(path, randomSegment().build())))
                .isTrue();
        assertThat(TcpPath.of(frame)).isEqualTo(path);
    }

    @Test
    void shouldFillUpAShortFrameWithZeroes() {
        Segment bare = randomSegment().build();
        assertThat(write(OVER_IPV4, bare)).isEqualTo(EthernetFrame.MIN_BYTES);
        assertThat(memory.asSlice(FRAME + 54, 6).toArray(ValueLayout.JAVA_BYTE)).containsOnly(0);
    }

    @ParameterizedTest
    @MethodSource("paths")
    void shouldWriteNothingOutsideTheFrame(TcpPath path) {
        int length = write(path, randomSegment().build());
        assertThat(memory.asSlice(0, FRAME).toArray(ValueLayout.JAVA_BYTE)).containsOnly(0xff);
        assertThat(memory.asSlice(FRAME + length).toArray(ValueLayout.JAVA_BYTE))
                .containsOnly(0xff);
    }

    @Test
    void shouldAllocateNothing() {
        assertThat(Allocation.bytesPerCall(
                        () -> SegmentWriter.writeTimestamped(memory, FRAME, OVER_IPV6, 1, 2, TcpSegment.ACK, 3, 4, 5)))
                .isLessThan(1);
    }

    private void assertThatItArrives(TcpPath path, Segment segment) {
        Segment read = read(path, write(path, segment));
        assertThat(read).as("seed %d", seed).hasToString(segment.toString());
        assertThat(read.flags()).as("seed %d", seed).isEqualTo(segment.flags());
    }

    private int write(TcpPath path, Segment segment) {
        byte[] payload = segment.payload();
        long payloadOffset = SegmentWriter.payloadOffset(FRAME, path, segment.hasTimestamps());
        MemorySegment.copy(payload, 0, memory, ValueLayout.JAVA_BYTE, payloadOffset, payload.length);
        return segment.hasTimestamps()
                ? SegmentWriter.writeTimestampedPayload(
                        memory,
                        FRAME,
                        path,
                        segment.sequence(),
                        segment.acknowledgment(),
                        segment.flags(),
                        segment.window(),
                        segment.tsval(),
                        segment.tsecr(),
                        payload.length)
                : SegmentWriter.writePayload(
                        memory,
                        FRAME,
                        path,
                        segment.sequence(),
                        segment.acknowledgment(),
                        segment.flags(),
                        segment.window(),
                        payload.length);
    }

    /** As a receiver behind the bridge that takes the outer tag away. */
    private Segment read(TcpPath path, int lengthBytes) {
        int outer = path.tagCount() == 2 ? VlanTag.BYTES : 0;
        MemorySegment behind = MemorySegment.ofArray(new byte[FRAME + lengthBytes - outer]);
        MemorySegment.copy(memory, FRAME, behind, FRAME, ADDRESSES);
        MemorySegment.copy(
                memory, FRAME + ADDRESSES + outer, behind, FRAME + ADDRESSES, lengthBytes - outer - ADDRESSES);
        int length = (int) behind.byteSize() - FRAME;
        assertThat(codec.endpointsOf(behind, FRAME, length).vlanId())
                .isEqualTo(path.tagCount() == 0 ? Endpoints.NO_VLAN : INNER_TAG & 0xfff);
        return codec.read(behind, FRAME, length);
    }

    private Segment.Builder randomSegment() {
        return Segment.withFlags(random.nextInt(256))
                .sequence(random.nextInt())
                .acknowledgment(random.nextInt())
                .window(random.nextInt(1 << 16));
    }

    private static TcpPath path(
            boolean ipv6, long sourceHigh, long sourceLow, long destinationHigh, long destinationLow) {
        return new TcpPath(
                0x5254_0000_0001L,
                0x5254_0000_0002L,
                0,
                0,
                0,
                ipv6,
                sourceHigh,
                sourceLow,
                destinationHigh,
                destinationLow,
                40_000,
                80);
    }

    private static TcpPath tagged(TcpPath path, int tagCount, int outerTag, int innerTag) {
        return new TcpPath(
                path.sourceMac(),
                path.destinationMac(),
                tagCount,
                outerTag,
                innerTag,
                path.ipv6(),
                path.sourceHigh(),
                path.sourceLow(),
                path.destinationHigh(),
                path.destinationLow(),
                path.sourcePort(),
                path.destinationPort());
    }
}
