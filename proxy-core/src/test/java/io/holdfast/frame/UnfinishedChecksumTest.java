package io.holdfast.frame;

import static io.holdfast.testkit.FrameBuilder.ethernet;
import static org.assertj.core.api.Assertions.assertThat;

import io.holdfast.testkit.Allocation;
import io.holdfast.testkit.FrameBuilder;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;

class UnfinishedChecksumTest {

    private static final int RANDOM_FRAMES = 3_000;
    private static final int LARGEST_SEGMENT_BYTES = 65_535 - 20;
    private static final int TCP_FIELD = 16;
    private static final int UDP_FIELD = 6;
    private static final int SCTP_FIELD = 8;

    private final long seed = Long.getLong("holdfast.seed", System.nanoTime());
    private final Random random = new Random(seed);

    /** A frame as a kernel hands it over, with its prefix, and the checksum that it lacks. */
    private static final class Unfinished {

        private final byte[] withPrefix;
        private final int fieldOffset;
        private final int checksum;

        Unfinished(byte[] withPrefix, int fieldOffset, int checksum) {
            this.withPrefix = withPrefix;
            this.fieldOffset = fieldOffset;
            this.checksum = checksum;
        }
    }

    @Test
    void shouldCompleteWhatAnIndependentComputationSays() {
        System.out.println("UnfinishedChecksumTest seed " + seed);
        for (int i = 0; i < RANDOM_FRAMES; i++) {
            Unfinished frame = randomFrame();
            byte[] expected = frame.withPrefix.clone();
            expected[frame.fieldOffset] = (byte) (frame.checksum >>> 8);
            expected[frame.fieldOffset + 1] = (byte) frame.checksum;
            assertThat(complete(frame.withPrefix)).isTrue();
            assertThat(frame.withPrefix).as("frame %d of seed %d", i, seed).isEqualTo(expected);
        }
    }

    @Test
    void shouldWriteAllOnesWhereTheSumIsZero() {
        // UDP says "no checksum" with 0. The payload makes up for all the rest.
        byte[] first = udpFrame(new byte[2]);
        complete(first);
        int field = first.length - 4;
        byte[] payload = {first[field], first[field + 1]};
        byte[] frame = udpFrame(payload);
        complete(frame);
        assertThat(new byte[] {frame[field], frame[field + 1]}).containsExactly(0xff, 0xff);
    }

    @Test
    void shouldLeaveAFinishedFrameAlone() {
        byte[] frame = randomFrame().withPrefix;
        frame[0] = 2; // VIRTIO_NET_HDR_F_DATA_VALID
        assertThatIsLeftAlone(frame);
    }

    @Test
    void shouldLeaveSumsOfAnotherKindAlone() {
        byte[] segment = new byte[40];
        byte[] frame =
                ethernet("52:54:00:00:00:02", "52:54:00:00:00:01").ipv4("10.7.0.1", "10.7.0.2", 64, 132, segment);
        assertThatIsLeftAlone(withPrefix(frame, frame.length - segment.length, SCTP_FIELD));
    }

    @Test
    void shouldLeaveAFrameAloneWhosePrefixPointsOutsideIt() {
        byte[] frame = udpFrame(new byte[0]);
        int end = frame.length - UnfinishedChecksum.PREFIX_BYTES;
        for (int start : new int[] {end - UDP_FIELD - 1, end, 0xffff}) {
            ByteBuffer.wrap(frame).order(ByteOrder.nativeOrder()).putShort(6, (short) start);
            assertThatIsLeftAlone(frame);
        }
    }

    @Test
    void shouldTellByThePrefixWhatIsUnfinished() {
        byte[] frame = udpFrame(new byte[3]);
        assertThat(isIn(frame)).isTrue();
        frame[0] = 2; // VIRTIO_NET_HDR_F_DATA_VALID
        assertThat(isIn(frame)).isFalse();
        frame[0] = 3;
        assertThat(isIn(frame)).isTrue();
    }

    @Test
    void shouldNotTakeTheFrameForItsPrefix() {
        byte[] frame = new byte[UnfinishedChecksum.PREFIX_BYTES + 60];
        Arrays.fill(frame, UnfinishedChecksum.PREFIX_BYTES, frame.length, (byte) 0xff);
        assertThat(isIn(frame)).isFalse();
    }

    @Test
    void shouldAllocateNothing() {
        MemorySegment frame = MemorySegment.ofArray(udpFrame(new byte[1_400]));
        int length = (int) frame.byteSize() - UnfinishedChecksum.PREFIX_BYTES;
        assertThat(Allocation.bytesPerCall(
                        () -> UnfinishedChecksum.complete(frame, UnfinishedChecksum.PREFIX_BYTES, length)))
                .isLessThan(1);
    }

    private static boolean complete(byte[] withPrefix) {
        return UnfinishedChecksum.complete(
                MemorySegment.ofArray(withPrefix),
                UnfinishedChecksum.PREFIX_BYTES,
                withPrefix.length - UnfinishedChecksum.PREFIX_BYTES);
    }

    private static boolean isIn(byte[] withPrefix) {
        return UnfinishedChecksum.isIn(MemorySegment.ofArray(withPrefix), UnfinishedChecksum.PREFIX_BYTES);
    }

    private static void assertThatIsLeftAlone(byte[] frame) {
        byte[] before = frame.clone();
        assertThat(complete(frame)).isFalse();
        assertThat(frame).isEqualTo(before);
    }

    private static byte[] udpFrame(byte[] payload) {
        byte[] segment = FrameBuilder.udp(53, 40_000, payload);
        byte[] frame = ethernet("52:54:00:00:00:02", "52:54:00:00:00:01").ipv4("10.7.0.1", "10.7.0.2", 64, 17, segment);
        int start = frame.length - segment.length;
        int pseudo = fold(pseudoHeader(address(10, 7, 0, 1), address(10, 7, 0, 2), 17, segment.length));
        frame[start + UDP_FIELD] = (byte) (pseudo >>> 8);
        frame[start + UDP_FIELD + 1] = (byte) pseudo;
        return withPrefix(frame, start, UDP_FIELD);
    }

    private Unfinished randomFrame() {
        boolean tcp = random.nextBoolean();
        boolean ipv6 = random.nextBoolean();
        int protocol = tcp ? 6 : 17;
        byte[] payload = new byte[randomLength()];
        random.nextBytes(payload);
        byte[] segment = tcp
                ? FrameBuilder.tcp(random.nextInt(65_536), random.nextInt(65_536), 0x18, payload)
                : FrameBuilder.udp(random.nextInt(65_536), random.nextInt(65_536), payload);
        byte[] source = new byte[ipv6 ? 16 : 4];
        byte[] destination = new byte[source.length];
        random.nextBytes(source);
        random.nextBytes(destination);
        FrameBuilder builder = ethernet("52:54:00:00:00:02", "52:54:00:00:00:01");
        for (int tags = random.nextInt(3); tags > 0; tags--) {
            builder.tag(tags == 2 ? 0x88a8 : 0x8100, random.nextInt(65_536));
        }
        byte[] frame = ipv6
                ? builder.ipv6(literal(source), literal(destination), 64, protocol, segment)
                : builder.ipv4(literal(source), literal(destination), 64, protocol, segment);

        long pseudo = pseudoHeader(source, destination, protocol, segment.length);
        int checksum = ~fold(pseudo + sum(segment)) & 0xffff;
        int start = frame.length - segment.length;
        int field = tcp ? TCP_FIELD : UDP_FIELD;
        int unfinished = fold(pseudo);
        frame[start + field] = (byte) (unfinished >>> 8);
        frame[start + field + 1] = (byte) unfinished;
        return new Unfinished(
                withPrefix(frame, start, field),
                UnfinishedChecksum.PREFIX_BYTES + start + field,
                checksum == 0 ? 0xffff : checksum);
    }

    /** Mostly as on a wire, now and then as large as merged frames may be. */
    private int randomLength() {
        int header = 20;
        return random.nextInt(10) == 0 ? random.nextInt(LARGEST_SEGMENT_BYTES - header + 1) : random.nextInt(1_460);
    }

    private static byte[] withPrefix(byte[] frame, int start, int field) {
        return ByteBuffer.allocate(UnfinishedChecksum.PREFIX_BYTES + frame.length)
                .order(ByteOrder.nativeOrder())
                .put((byte) 1) // VIRTIO_NET_HDR_F_NEEDS_CSUM
                .put((byte) 0)
                .putShort((short) 0)
                .putShort((short) 0)
                .putShort((short) start)
                .putShort((short) field)
                .put(frame)
                .array();
    }

    // ---- word by word, without the code under test

    private static long pseudoHeader(byte[] source, byte[] destination, int protocol, int segmentBytes) {
        return sum(source) + sum(destination) + protocol + segmentBytes;
    }

    private static long sum(byte[] bytes) {
        long sum = 0;
        for (int i = 0; i < bytes.length; i++) {
            sum += (i & 1) == 0 ? (bytes[i] & 0xff) << 8 : bytes[i] & 0xff;
        }
        return sum;
    }

    private static int fold(long sum) {
        long folded = sum;
        while (folded > 0xffff) {
            folded = (folded >>> 16) + (folded & 0xffff);
        }
        return (int) folded;
    }

    private static byte[] address(int... bytes) {
        byte[] address = new byte[bytes.length];
        for (int i = 0; i < bytes.length; i++) {
            address[i] = (byte) bytes[i];
        }
        return address;
    }

    private static String literal(byte[] address) {
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < address.length; i++) {
            if (address.length == 4) {
                text.append(i == 0 ? "" : ".").append(address[i] & 0xff);
            } else {
                text.append(i > 0 && i % 2 == 0 ? ":" : "").append("%02x".formatted(address[i]));
            }
        }
        return text.toString();
    }
}
