package io.holdfast.agent.link;

import io.holdfast.agent.link.LinkMessage.Armed;
import io.holdfast.agent.link.LinkMessage.CheckpointBegin;
import io.holdfast.agent.link.LinkMessage.CheckpointEnd;
import io.holdfast.agent.link.LinkMessage.Confirm;
import io.holdfast.agent.link.LinkMessage.DeviceState;
import io.holdfast.agent.link.LinkMessage.GuestDeath;
import io.holdfast.agent.link.LinkMessage.HandOver;
import io.holdfast.agent.link.LinkMessage.Heartbeat;
import io.holdfast.agent.link.LinkMessage.Hello;
import io.holdfast.agent.link.LinkMessage.Mirrored;
import io.holdfast.agent.link.LinkMessage.Pages;
import io.holdfast.agent.link.LinkMessage.Payload;
import io.holdfast.agent.link.LinkMessage.Refusal;
import io.holdfast.agent.link.LinkMessage.Relinquish;
import io.holdfast.agent.link.LinkMessage.Revoke;
import io.holdfast.agent.link.LinkMessage.WallLine;
import io.holdfast.agent.link.LinkMessage.WallStream;
import io.holdfast.agent.link.LinkMessage.Welcome;
import io.holdfast.control.ClientFrame;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * Records to bytes and back. Pure: the framing of a stream is in {@link LinkDecoder}.
 *
 * <p>In bodies a string is its length in bytes (4) and UTF-8; a list or map is its number of entries (4) and these; a
 * flag is one byte, 0 or 1; all else is as wide as its Java type. The fields come in the order of the record's
 * components, a {@link Payload}'s data last and without a length.
 */
final class LinkCodec {

    /** The longest single text that any record allows. */
    private static final int MAX_STRING_BYTES = LinkMessage.MAX_ADDRESSES_BYTES;

    private static final int SHA256_BYTES = 32;
    private static final HexFormat HEX = HexFormat.of();

    private LinkCodec() {}

    /**
     * The record with its header. Takes a {@link Payload}'s buffer over without copying it; the caller owns what is
     * returned.
     */
    static ByteBuf encode(LinkMessage message, ByteBufAllocator allocator) {
        RecordType type = typeOf(message);
        ByteBuf record = allocator.directBuffer(64);
        record.writeShort(RecordLayout.RECORD_MAGIC);
        record.writeByte(type.number());
        record.writeByte(0);
        record.writeInt(0);
        writeBody(message, record);

        ByteBuf data = message instanceof Payload payload ? payload.data() : Unpooled.EMPTY_BUFFER;
        int bodyBytes = record.readableBytes() - RecordLayout.HEADER_BYTES + data.readableBytes();
        record.setInt(RecordLayout.LENGTH_OFFSET, bodyBytes);
        return data.isReadable() ? Unpooled.wrappedUnmodifiableBuffer(record, data) : record;
    }

    /**
     * @param body exactly the record's body. A {@link Payload} gets a retained slice of it; the caller still owns it.
     * @throws LinkException if it is not what {@link #encode} makes of a record of this type
     */
    static LinkMessage decode(RecordType type, ByteBuf body) throws LinkException {
        try {
            LinkMessage message = readBody(type, body);
            if (body.isReadable()) {
                throw new LinkException("%s from the peer has %d bytes too many".formatted(type, body.readableBytes()));
            }
            return message;
        } catch (IndexOutOfBoundsException e) {
            throw new LinkException("%s from the peer is cut short".formatted(type), e);
        } catch (IllegalArgumentException e) {
            throw new LinkException("%s from the peer is malformed: %s".formatted(type, e.getMessage()), e);
        }
    }

    static ByteBuf greeting(ByteBufAllocator allocator) {
        return allocator
                .directBuffer(RecordLayout.GREETING_BYTES)
                .writeInt(RecordLayout.GREETING_MAGIC)
                .writeShort(RecordLayout.FRAMING_VERSION)
                .writeShort(0);
    }

    private static RecordType typeOf(LinkMessage message) {
        return switch (message) {
            case Hello ignored -> RecordType.HELLO;
            case Welcome ignored -> RecordType.WELCOME;
            case Refusal ignored -> RecordType.REFUSAL;
            case CheckpointBegin ignored -> RecordType.CHECKPOINT_BEGIN;
            case Pages ignored -> RecordType.PAGES;
            case DeviceState ignored -> RecordType.DEVICE_STATE;
            case CheckpointEnd ignored -> RecordType.CHECKPOINT_END;
            case Confirm ignored -> RecordType.CONFIRM;
            case Armed ignored -> RecordType.ARMED;
            case Heartbeat ignored -> RecordType.HEARTBEAT;
            case GuestDeath ignored -> RecordType.GUEST_DEATH;
            case Relinquish ignored -> RecordType.RELINQUISH;
            case HandOver ignored -> RecordType.HAND_OVER;
            case Mirrored ignored -> RecordType.MIRRORED;
            case Revoke ignored -> RecordType.REVOKE;
            case WallLine ignored -> RecordType.WALL_LINE;
            case WallStream ignored -> RecordType.WALL_STREAM;
        };
    }

    private static void writeBody(LinkMessage message, ByteBuf out) {
        switch (message) {
            case Hello hello -> {
                out.writeInt(hello.protocol());
                writeString(hello.guest(), out);
                writeString(hello.host(), out);
                writeTerm(hello.term(), out);
                out.writeLong(hello.memoryBytes());
                out.writeInt(hello.machine().size());
                for (Map.Entry<String, String> property : hello.machine().entrySet()) {
                    writeString(property.getKey(), out);
                    writeString(property.getValue(), out);
                }
                writeString(hello.wall().name(), out);
            }
            case Welcome welcome -> {
                writeTerm(welcome.term(), out);
                out.writeLong(welcome.confirmedEpoch());
                out.writeBoolean(welcome.armed());
                writeString(welcome.identity(), out);
            }
            case Refusal refusal -> {
                writeString(refusal.errorClass(), out);
                out.writeInt(refusal.reasons().size());
                for (String reason : refusal.reasons()) {
                    writeString(reason, out);
                }
                writeTerm(refusal.term(), out);
            }
            case CheckpointBegin begin -> {
                out.writeBoolean(begin.full());
                out.writeLong(begin.baseEpoch());
            }
            case Pages pages -> {
                out.writeLong(pages.firstPage());
                out.writeInt(pages.pages());
                out.writeBoolean(pages.zero());
            }
            case DeviceState ignored -> {}
            case CheckpointEnd end -> {
                out.writeLong(end.epoch());
                out.writeLong(end.baseEpoch());
                out.writeLong(end.pageCount());
                out.writeLong(end.byteCount());
                out.writeLong(end.deviceStateBytes());
                writeString(end.guestAddressesJson(), out);
                out.writeBytes(HEX.parseHex(end.sha256()));
            }
            case Confirm confirm -> out.writeLong(confirm.epoch());
            case Armed armed -> out.writeLong(armed.epoch());
            case Heartbeat heartbeat -> {
                out.writeLong(heartbeat.sequence());
                out.writeLong(heartbeat.echoedSequence());
                out.writeLong(heartbeat.echoedAgeNanos());
            }
            case GuestDeath death -> {
                out.writeBoolean(death.policy() == GuestDeath.Policy.PROMOTE);
                writeString(death.reason(), out);
            }
            case Relinquish relinquish -> writeString(relinquish.reason(), out);
            case HandOver handOver -> writeString(handOver.reason(), out);
            case Revoke revoke -> writeString(revoke.reason(), out);
            case WallLine line -> {
                out.writeInt(line.stream());
                writeString(line.line(), out);
            }
            case WallStream stream -> {
                out.writeInt(stream.stream());
                out.writeBoolean(stream.open());
            }
            case Mirrored mirrored -> {
                out.writeInt(mirrored.frame().nic());
                out.writeInt(mirrored.frame().prefixBytes());
                out.writeLong(mirrored.frame().stamp());
                out.writeBytes(mirrored.frame().bytes());
            }
        }
    }

    private static LinkMessage readBody(RecordType type, ByteBuf in) throws LinkException {
        return switch (type) {
            case HELLO -> readHello(in);
            case WELCOME -> new Welcome(readTerm(in), in.readLong(), readFlag(in), readString(in));
            case REFUSAL -> new Refusal(readString(in), readReasons(in), readTerm(in));
            case CHECKPOINT_BEGIN -> new CheckpointBegin(readFlag(in), in.readLong());
            case PAGES -> {
                long firstPage = in.readLong();
                int pages = in.readInt();
                boolean zero = readFlag(in);
                yield zero && !in.isReadable()
                        ? Pages.zero(firstPage, pages)
                        : new Pages(firstPage, pages, zero, in.readSlice(in.readableBytes())).retain();
            }
            case DEVICE_STATE -> new DeviceState(in.readSlice(in.readableBytes())).retain();
            case CHECKPOINT_END ->
                new CheckpointEnd(
                        in.readLong(),
                        in.readLong(),
                        in.readLong(),
                        in.readLong(),
                        in.readLong(),
                        readString(in),
                        readSha256(in));
            case CONFIRM -> new Confirm(in.readLong());
            case ARMED -> new Armed(in.readLong());
            case HEARTBEAT -> new Heartbeat(in.readLong(), in.readLong(), in.readLong());
            case GUEST_DEATH ->
                new GuestDeath(readFlag(in) ? GuestDeath.Policy.PROMOTE : GuestDeath.Policy.STAY, readString(in));
            case RELINQUISH -> new Relinquish(readString(in));
            case HAND_OVER -> new HandOver(readString(in));
            case REVOKE -> new Revoke(readString(in));
            case WALL_LINE -> new WallLine(in.readInt(), readString(in));
            case WALL_STREAM -> new WallStream(in.readInt(), readFlag(in));
            case MIRRORED -> {
                int nic = in.readInt();
                int prefixBytes = in.readInt();
                long stamp = in.readLong();
                byte[] bytes = new byte[in.readableBytes()];
                in.readBytes(bytes);
                yield new Mirrored(new ClientFrame(nic, stamp, prefixBytes, bytes));
            }
        };
    }

    private static Hello readHello(ByteBuf in) throws LinkException {
        int protocol = in.readInt();
        String guest = readString(in);
        String host = readString(in);
        TermClaim term = readTerm(in);
        if (protocol != LinkMessage.PROTOCOL) {
            in.skipBytes(in.readableBytes());
            return Hello.ofOtherProtocol(protocol, guest, host, term);
        }
        return new Hello(
                protocol, guest, host, term, in.readLong(), readProperties(in), WallHolder.valueOf(readString(in)));
    }

    private static void writeTerm(TermClaim term, ByteBuf out) {
        out.writeLong(term.number());
        writeString(term.claim(), out);
        writeString(term.owner(), out);
    }

    private static TermClaim readTerm(ByteBuf in) throws LinkException {
        return new TermClaim(in.readLong(), readString(in), readString(in));
    }

    private static void writeString(String text, ByteBuf out) {
        out.writeInt(ByteBufUtil.utf8Bytes(text));
        ByteBufUtil.writeUtf8(out, text);
    }

    /** Strict: text that is not UTF-8 would differ from what the peer meant, so it is refused rather than repaired. */
    private static String readString(ByteBuf in) throws LinkException {
        int bytes = in.readInt();
        if (bytes < 0 || bytes > Math.min(MAX_STRING_BYTES, in.readableBytes())) {
            throw new LinkException("a text from the peer claims %d bytes, the record has %d left"
                    .formatted(bytes, in.readableBytes()));
        }
        try {
            return StandardCharsets.UTF_8
                    .newDecoder()
                    .onMalformedInput(CodingErrorAction.REPORT)
                    .onUnmappableCharacter(CodingErrorAction.REPORT)
                    .decode(in.readSlice(bytes).nioBuffer())
                    .toString();
        } catch (CharacterCodingException e) {
            throw new LinkException("a text from the peer is not UTF-8", e);
        }
    }

    private static boolean readFlag(ByteBuf in) throws LinkException {
        byte flag = in.readByte();
        if (flag != 0 && flag != 1) {
            throw new LinkException("a flag from the peer is neither 0 nor 1: " + flag);
        }
        return flag == 1;
    }

    private static int readCount(ByteBuf in, int limit) throws LinkException {
        int count = in.readInt();
        if (count < 0 || count > limit) {
            throw new LinkException(
                    "a list from the peer claims %d entries, at most %d are allowed".formatted(count, limit));
        }
        return count;
    }

    private static List<String> readReasons(ByteBuf in) throws LinkException {
        int count = readCount(in, LinkMessage.MAX_REASONS);
        List<String> reasons = new ArrayList<>(count);
        for (int i = 0; i < count; i++) {
            reasons.add(readString(in));
        }
        return reasons;
    }

    private static SortedMap<String, String> readProperties(ByteBuf in) throws LinkException {
        int count = readCount(in, LinkMessage.MAX_MACHINE_PROPERTIES);
        SortedMap<String, String> properties = new TreeMap<>();
        for (int i = 0; i < count; i++) {
            if (properties.put(readString(in), readString(in)) != null) {
                throw new LinkException("a machine property comes twice");
            }
        }
        return properties;
    }

    private static String readSha256(ByteBuf in) {
        byte[] digest = new byte[SHA256_BYTES];
        in.readBytes(digest);
        return HEX.formatHex(digest);
    }
}
