package io.holdfast.agent.link;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.holdfast.agent.engine.PageSink;
import io.holdfast.agent.link.LinkMessage.Confirm;
import io.holdfast.agent.link.LinkMessage.Pages;
import io.holdfast.agent.link.LinkMessage.Relinquish;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import io.netty.buffer.UnpooledByteBufAllocator;
import io.netty.channel.embedded.EmbeddedChannel;
import io.netty.util.ReferenceCountUtil;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

@ExtendWith(LeakCheck.class)
class LinkCodecTest {

    @Test
    void shouldReadEveryMessageThatItWrote() {
        for (LinkMessage message : SampleMessages.all()) {
            roundTrip(message);
        }
    }

    @Test
    void shouldReadTheLargestMessagesThatCanBeMade() {
        for (LinkMessage message : SampleMessages.largest()) {
            roundTrip(message);
        }
    }

    @Test
    void shouldHaveASampleOfEveryType() {
        List<Integer> numbers = new ArrayList<>();
        for (LinkMessage message : SampleMessages.all()) {
            ByteBuf record = encode(message);
            numbers.add((int) record.getUnsignedByte(RecordLayout.TYPE_OFFSET));
            record.release();
        }
        for (RecordType type : RecordType.values()) {
            assertThat(numbers).contains(type.number());
        }
    }

    @Test
    void shouldNotCareHowTheStreamIsCutIntoPieces() {
        for (LinkMessage message : SampleMessages.all()) {
            byte[] stream = conversation(List.of(message));
            List<String> whole = decode(stream, stream.length);
            for (int cut = 1; cut < stream.length; cut++) {
                assertThat(decode(stream, cut, stream.length - cut)).isEqualTo(whole);
            }
        }
        byte[] stream = conversation(SampleMessages.all());
        int[] single = new int[stream.length];
        Arrays.fill(single, 1);
        assertThat(decode(stream, single)).isEqualTo(decode(stream, stream.length));
    }

    @Test
    void shouldPinNoMoreMemoryThanAPayloadHas() {
        UnpooledByteBufAllocator allocator = new UnpooledByteBufAllocator(true);
        EmbeddedChannel channel = greeted();
        channel.config().setAllocator(allocator);
        Pages pages = new Pages(0, 64, false, Unpooled.directBuffer().writeZero(64 * 4096));
        channel.writeInbound(encode(pages));

        Pages received = channel.readInbound();
        assertThat(allocator.metric().usedDirectMemory()).isEqualTo(64 * 4096 + RecordLayout.PAGES_FIXED_BYTES);
        received.release();
        assertThat(allocator.metric().usedDirectMemory()).isZero();
        channel.finishAndReleaseAll();
    }

    @Test
    void shouldGiveBackAHalfReceivedBodyWhenTheConnectionEnds() {
        EmbeddedChannel channel = greeted();
        ByteBuf record = encode(new Relinquish("half of this is lost"));
        channel.writeInbound(record.readRetainedSlice(record.readableBytes() / 2));
        record.release();
        channel.finishAndReleaseAll();
        // LeakCheck looks after the rest.
    }

    @Test
    void shouldRefuseAnOverlongRecordBeforeItTakesMemoryForIt() {
        UnpooledByteBufAllocator allocator = new UnpooledByteBufAllocator(true);
        for (long length : new long[] {0xffff_ffffL, 0x8000_0000L, Integer.MAX_VALUE, (1 << 20) + 1}) {
            EmbeddedChannel channel = greeted();
            channel.config().setAllocator(allocator);
            assertThat(refusal(channel, header(0x4846, RecordType.HELLO.number(), 0, length)))
                    .contains("HELLO", "claims " + length);
            assertThat(allocator.metric().usedDirectMemory()).isZero();
            channel.finishAndReleaseAll();
        }
    }

    @Test
    void shouldHoldEachTypeToItsOwnLimit() {
        for (RecordType type : RecordType.values()) {
            assertThat(type.maxBodyBytes()).isLessThanOrEqualTo(RecordLayout.MAX_BODY_BYTES);
            assertThat(refusalOf(header(0x4846, type.number(), 0, type.maxBodyBytes() + 1)))
                    .contains("at most");
        }
    }

    @Test
    void shouldRefuseHeadersThatAreNone() {
        assertThat(refusalOf(header(0x4847, 1, 0, 4))).contains("out of step", "0x4847");
        assertThat(refusalOf(header(0x4846, 0, 0, 4))).contains("unknown type 0");
        int next = RecordType.values().length + 1;
        assertThat(refusalOf(header(0x4846, next, 0, 4))).contains("unknown type " + next);
        assertThat(refusalOf(header(0x4846, 255, 0, 4))).contains("unknown type 255");
        assertThat(refusalOf(header(0x4846, 8, 1, 8))).contains("unknown type 8");
    }

    @Test
    void shouldRefuseBodiesThatAreTooShortOrTooLong() {
        for (LinkMessage message : SampleMessages.all()) {
            ByteBuf record = encode(message);
            byte[] body = ByteBufUtil.getBytes(record, 8, record.readableBytes() - 8);
            RecordType type = RecordType.ofNumber(record.getUnsignedByte(RecordLayout.TYPE_OFFSET));
            record.release();
            if (type == null) {
                throw new AssertionError(message);
            }
            boolean anyLengthWillDo = type == RecordType.DEVICE_STATE || type == RecordType.MIRRORED;
            for (int length = 0; length < body.length && !anyLengthWillDo; length++) {
                assertRefused(type, Arrays.copyOf(body, length));
            }
            if (!anyLengthWillDo) {
                assertRefused(type, Arrays.copyOf(body, body.length + 1));
            }
        }
        assertRefused(RecordType.DEVICE_STATE, new byte[0]);
    }

    @Test
    void shouldRefuseWhatNoAgentMeans() {
        assertThat(refusalOfBody(RecordType.CONFIRM, body().writeLong(-1))).contains("epoch is not positive: -1");
        assertThat(refusalOfBody(RecordType.CONFIRM, body().writeLong(0))).contains("not positive");
        assertThat(refusalOfBody(
                        RecordType.HEARTBEAT, body().writeLong(1).writeLong(0).writeLong(-1)))
                .contains("age");
        assertThat(refusalOfBody(
                        RecordType.CHECKPOINT_BEGIN, body().writeByte(2).writeLong(0)))
                .contains("neither 0 nor 1");
        assertThat(refusalOfBody(
                        RecordType.CHECKPOINT_BEGIN, body().writeByte(1).writeLong(3)))
                .contains("full checkpoint names a base");
        assertThat(refusalOfBody(
                        RecordType.CHECKPOINT_BEGIN, body().writeByte(0).writeLong(0)))
                .contains("delta names no base");
        assertThat(refusalOfBody(
                        RecordType.PAGES, body().writeLong(-1).writeInt(1).writeByte(1)))
                .contains("first page");
        assertThat(refusalOfBody(
                        RecordType.PAGES,
                        body().writeLong(Long.MAX_VALUE).writeInt(1).writeByte(1)))
                .contains("no such page");
        assertThat(refusalOfBody(
                        RecordType.PAGES, body().writeLong(0).writeInt(0).writeByte(1)))
                .contains("number of pages");
        assertThat(refusalOfBody(
                        RecordType.PAGES, body().writeLong(0).writeInt(-1).writeByte(1)))
                .contains("number of pages");
        assertThat(refusalOfBody(
                        RecordType.PAGES,
                        body().writeLong(0).writeInt(1).writeByte(0).writeZero(4095)))
                .contains("wrong length: 4095");
        assertThat(refusalOfBody(
                        RecordType.PAGES,
                        body().writeLong(0).writeInt(1).writeByte(1).writeZero(4096)))
                .contains("wrong length: 4096");
        assertThat(refusalOfBody(
                        RecordType.PAGES,
                        body().writeLong(0).writeInt(65).writeByte(0).writeZero(4096)))
                .contains("too many pages");
        assertThat(refusalOfBody(
                        RecordType.MIRRORED,
                        body().writeInt(64).writeInt(0).writeLong(1).writeByte(0)))
                .contains("NIC number out of range: 64");
        assertThat(refusalOfBody(
                        RecordType.MIRRORED,
                        body().writeInt(0).writeInt(17).writeLong(1).writeZero(60)))
                .contains("prefix of 17");
        assertThat(refusalOfBody(
                        RecordType.MIRRORED,
                        body().writeInt(0).writeInt(10).writeLong(1).writeZero(10)))
                .contains("not a frame: 10 bytes");
        assertThat(refusalOfBody(RecordType.RELINQUISH, body().writeInt(-5))).contains("claims -5 bytes");
        assertThat(refusalOfBody(RecordType.RELINQUISH, body().writeInt(Integer.MAX_VALUE)))
                .contains("claims 2147483647");
        assertThat(refusalOfBody(RecordType.RELINQUISH, body().writeInt(2).writeShort(0xc328)))
                .contains("not UTF-8");
        assertThat(refusalOfBody(RecordType.RELINQUISH, body().writeInt(3).writeMedium(0xeda080)))
                .as("a lone surrogate")
                .contains("not UTF-8");
    }

    @Test
    void shouldRefuseAPropertyThatComesTwice() {
        ByteBuf hello = body().writeInt(LinkMessage.PROTOCOL);
        writeText(hello, "redis");
        writeText(hello, "a");
        hello.writeLong(1);
        writeText(hello, "alone");
        writeText(hello, "a");
        hello.writeLong(4096).writeInt(2);
        writeText(hello, "cpu");
        writeText(hello, "x");
        writeText(hello, "cpu");
        writeText(hello, "y");
        assertThat(refusalOfBody(RecordType.HELLO, hello)).contains("comes twice");
    }

    /** It is to be told that it is older or newer, however it introduces itself otherwise. */
    @Test
    void shouldKnowWhoSpeaksAnotherProtocolWhateverFollows() {
        for (int protocol : new int[] {LinkMessage.PROTOCOL - 1, LinkMessage.PROTOCOL + 1}) {
            for (byte[] rest : new byte[][] {{}, {-1, -1, -1}, new byte[100]}) {
                ByteBuf hello = body().writeInt(protocol);
                writeText(hello, "redis");
                writeText(hello, "a");
                hello.writeLong(7);
                writeText(hello, "promotion");
                writeText(hello, "b");
                hello.writeBytes(rest);
                assertThat(received(RecordType.HELLO, hello))
                        .isEqualTo(new LinkMessage.Hello(
                                protocol,
                                "redis",
                                "a",
                                SampleMessages.TERM,
                                PageSink.PAGE_BYTES,
                                new TreeMap<>(),
                                WallHolder.EACH));
            }
        }
    }

    @Test
    void shouldRefuseAListThatClaimsMoreThanIsAllowed() {
        ByteBuf refusal = body();
        writeText(refusal, "StaleTerm");
        refusal.writeInt(Integer.MAX_VALUE);
        assertThat(refusalOfBody(RecordType.REFUSAL, refusal)).contains("2147483647 entries");
    }

    @Test
    void shouldSayWhatIsWrongWithTheGreeting() {
        assertThat(refusal(new EmbeddedChannel(new LinkDecoder()), Unpooled.copiedBuffer("GET / HTTP/1.1", UTF_8)))
                .contains("did not greet", "link.peer");
        assertThat(refusal(
                        new EmbeddedChannel(new LinkDecoder()),
                        Unpooled.buffer().writeInt(0x48464c4b).writeInt(0x0002_0000)))
                .contains("version 2", "this side 1");
        for (int tlsType : new int[] {0x15, 0x16}) {
            assertThat(refusal(
                            new EmbeddedChannel(new LinkDecoder()),
                            Unpooled.buffer().writeByte(tlsType).writeByte(3)))
                    .contains("speaks TLS");
        }
    }

    @Test
    void shouldReadNothingAfterTheFirstThingThatWasWrong() {
        EmbeddedChannel channel = greeted();
        refusal(channel, header(0x4847, 1, 0, 4));
        channel.writeInbound(encode(new Confirm(1)));
        assertThat(channel.<Object>readInbound()).isNull();
        channel.finishAndReleaseAll();
    }

    @Test
    void shouldCutTextsForPeople() {
        Relinquish relinquish = new Relinquish("x".repeat(LinkMessage.MAX_TEXT_CHARS + 1));
        assertThat(relinquish.reason()).hasSize(LinkMessage.MAX_TEXT_CHARS);
    }

    @Test
    void shouldRefuseToMakeWhatCannotBeSent() {
        assertThatThrownBy(() -> new TermClaim(1, "Alone", "a")).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> new TermClaim(-1, "alone", "a")).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> new TermClaim(1, "alone", "A")).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> new LinkMessage.Welcome(SampleMessages.TERM, -1, false, ""))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> new LinkMessage.CheckpointEnd(5, 5, 0, 0, 0, "", SampleMessages.SHA256))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> new LinkMessage.CheckpointEnd(5, 4, 0, 0, 0, "", "beef"))
                .isInstanceOf(IllegalArgumentException.class);
    }

    /** Damaged streams may give other messages, but never anything else than messages or one LinkException. */
    @Test
    void shouldSurviveDamagedStreams() {
        long seed = Long.getLong("holdfast.seed", System.nanoTime());
        System.out.println("LinkCodecTest.shouldSurviveDamagedStreams: seed " + seed);
        SplittableRandom random = new SplittableRandom(seed);
        byte[] whole = conversation(SampleMessages.all());
        int refused = 0;
        for (int round = 0; round < 3_000; round++) {
            byte[] stream = whole.clone();
            for (int damage = 0; damage <= random.nextInt(4); damage++) {
                damage(stream, random);
            }
            int cut = random.nextInt(stream.length + 1);
            EmbeddedChannel channel = new EmbeddedChannel(new LinkDecoder());
            @Nullable Throwable failure = feed(channel, stream, cut, stream.length - cut);
            assertThat(failure).as("round %d", round).matches(e -> e == null || e instanceof LinkException);
            refused += failure == null ? 0 : 1;
            channel.finishAndReleaseAll();
        }
        assertThat(refused).isGreaterThan(300);
    }

    private static void damage(byte[] stream, SplittableRandom random) {
        int at = random.nextInt(stream.length);
        switch (random.nextInt(4)) {
            case 0 -> stream[at] ^= (byte) (1 << random.nextInt(8));
            case 1 -> stream[at] = (byte) random.nextInt(256);
            case 2 -> stream[at] = (byte) (random.nextBoolean() ? 0xff : 0);
            default -> {
                int length = Math.min(random.nextInt(16), stream.length - at);
                System.arraycopy(stream, random.nextInt(stream.length - length + 1), stream, at, length);
            }
        }
    }

    private static ByteBuf body() {
        return Unpooled.buffer();
    }

    private static void writeText(ByteBuf out, String text) {
        byte[] bytes = text.getBytes(UTF_8);
        out.writeInt(bytes.length).writeBytes(bytes);
    }

    private static ByteBuf encode(LinkMessage message) {
        return LinkCodec.encode(message, UnpooledByteBufAllocator.DEFAULT);
    }

    private static ByteBuf header(int magic, int type, int reserved, long length) {
        return Unpooled.buffer()
                .writeShort(magic)
                .writeByte(type)
                .writeByte(reserved)
                .writeInt((int) length);
    }

    private static EmbeddedChannel greeted() {
        EmbeddedChannel channel = new EmbeddedChannel(new LinkDecoder());
        channel.writeInbound(LinkCodec.greeting(UnpooledByteBufAllocator.DEFAULT));
        return channel;
    }

    private static void roundTrip(LinkMessage message) {
        ReferenceCountUtil.retain(message);
        ByteBuf record = encode(message);
        EmbeddedChannel channel = greeted();
        channel.writeInbound(record);
        Object received = channel.readInbound();
        assertThat(received).isEqualTo(message);
        ReferenceCountUtil.release(received);
        ReferenceCountUtil.release(message);
        assertThat(channel.<Object>readInbound()).isNull();
        channel.finishAndReleaseAll();
    }

    /** Greeting and messages. */
    private static byte[] conversation(List<LinkMessage> messages) {
        ByteBuf stream = LinkCodec.greeting(UnpooledByteBufAllocator.DEFAULT);
        for (LinkMessage message : messages) {
            ByteBuf record = encode(message);
            stream.writeBytes(record);
            record.release();
        }
        byte[] bytes = ByteBufUtil.getBytes(stream);
        stream.release();
        return bytes;
    }

    /** What the messages say, with the stream in pieces of the given lengths. */
    private static List<String> decode(byte[] stream, int... pieces) {
        EmbeddedChannel channel = new EmbeddedChannel(new LinkDecoder());
        Throwable failure = feed(channel, stream, pieces);
        assertThat(failure).isNull();
        List<String> messages = new ArrayList<>();
        for (Object message = channel.readInbound(); message != null; message = channel.readInbound()) {
            messages.add(
                    message instanceof LinkMessage.Payload payload
                            ? "payload " + payload.data().hashCode()
                            : message.toString());
            ReferenceCountUtil.release(message);
        }
        channel.finishAndReleaseAll();
        return messages;
    }

    private static @Nullable Throwable feed(EmbeddedChannel channel, byte[] stream, int... pieces) {
        int from = 0;
        try {
            for (int length : pieces) {
                channel.writeInbound(Unpooled.copiedBuffer(stream, from, length));
                from += length;
            }
            return null;
        } catch (Throwable e) {
            return e;
        }
    }

    private static String refusal(EmbeddedChannel channel, ByteBuf bytes) {
        try {
            channel.writeInbound(bytes);
        } catch (Throwable e) {
            assertThat(e).isInstanceOf(LinkException.class);
            return String.valueOf(e.getMessage());
        } finally {
            channel.releaseInbound();
        }
        throw new AssertionError("was accepted");
    }

    private static String refusalOf(ByteBuf bytes) {
        EmbeddedChannel channel = greeted();
        String refusal = refusal(channel, bytes);
        channel.finishAndReleaseAll();
        return refusal;
    }

    private static LinkMessage received(RecordType type, ByteBuf body) {
        EmbeddedChannel channel = greeted();
        channel.writeInbound(
                header(0x4846, type.number(), 0, body.readableBytes()).writeBytes(body));
        body.release();
        LinkMessage received = channel.readInbound();
        channel.finishAndReleaseAll();
        return received;
    }

    private static String refusalOfBody(RecordType type, ByteBuf body) {
        ByteBuf record = header(0x4846, type.number(), 0, body.readableBytes()).writeBytes(body);
        body.release();
        return refusalOf(record);
    }

    private static void assertRefused(RecordType type, byte[] body) {
        assertThat(refusalOfBody(type, Unpooled.wrappedBuffer(body))).contains(body.length == 0 ? "" : "from the peer");
    }
}
