package io.holdfast.agent.link;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;

/**
 * Cuts the byte stream of one connection into records: expects the greeting, then headers and bodies by turns.
 *
 * <p>Fires {@link Greeted} when the greeting was right, then each record as a {@link LinkMessage}, which the next
 * handler owns. The first thing that does not fit is fired as a {@link LinkException}, and everything after it is
 * thrown away.
 *
 * <p>Unlike Netty's frame decoders it collects a body in a buffer of exactly its length, allocated when the header has
 * been checked: a staged checkpoint holds on to these buffers, and none must pin more memory than it says.
 */
final class LinkDecoder extends ChannelInboundHandlerAdapter {

    /** The peer speaks our language. */
    enum Greeted {
        GREETED
    }

    private enum Expecting {
        GREETING,
        HEADER,
        BODY,
        /** The peer sent something wrong: what follows means nothing. */
        NOTHING
    }

    private static final int TLS_HANDSHAKE = 0x16;
    private static final int TLS_ALERT = 0x15;
    private static final int TLS_MAJOR_VERSION = 3;

    private final ByteBuf header = Unpooled.buffer(RecordLayout.HEADER_BYTES, RecordLayout.HEADER_BYTES);
    private Expecting expecting = Expecting.GREETING;
    private RecordType type = RecordType.RELINQUISH;
    private ByteBuf body = Unpooled.EMPTY_BUFFER;

    @Override
    public void channelRead(ChannelHandlerContext context, Object message) {
        ByteBuf in = (ByteBuf) message;
        try {
            while (in.isReadable() && expecting != Expecting.NOTHING) {
                read(context, in);
            }
        } catch (LinkException e) {
            expecting = Expecting.NOTHING;
            context.fireExceptionCaught(e);
        } finally {
            in.release();
        }
    }

    @Override
    public void handlerRemoved(ChannelHandlerContext context) {
        // Also called when the channel closes.
        dropBody();
    }

    private void read(ChannelHandlerContext context, ByteBuf in) throws LinkException {
        switch (expecting) {
            case GREETING -> {
                fill(header, in);
                refuseTls();
                if (!header.isWritable()) {
                    checkGreeting();
                    header.clear();
                    expecting = Expecting.HEADER;
                    context.fireUserEventTriggered(Greeted.GREETED);
                }
            }
            case HEADER -> {
                fill(header, in);
                if (!header.isWritable()) {
                    type = checkHeader();
                    int bodyBytes = header.getInt(RecordLayout.LENGTH_OFFSET);
                    header.clear();
                    body = context.alloc().directBuffer(bodyBytes, bodyBytes);
                    expecting = Expecting.BODY;
                    // No record has an empty body but one of length 0, which waits for no byte.
                    finishBodyIfFull(context);
                }
            }
            case BODY -> {
                fill(body, in);
                finishBodyIfFull(context);
            }
            case NOTHING -> throw new IllegalStateException();
        }
    }

    private static void fill(ByteBuf target, ByteBuf in) {
        in.readBytes(target, Math.min(target.writableBytes(), in.readableBytes()));
    }

    private void finishBodyIfFull(ChannelHandlerContext context) throws LinkException {
        if (body.isWritable()) {
            return;
        }
        expecting = Expecting.HEADER;
        LinkMessage record;
        try {
            record = LinkCodec.decode(type, body);
        } finally {
            dropBody();
        }
        context.fireChannelRead(record);
    }

    private void dropBody() {
        body.release();
        body = Unpooled.EMPTY_BUFFER;
    }

    private void refuseTls() throws LinkException {
        if (header.readableBytes() < 2) {
            return;
        }
        int first = header.getUnsignedByte(0);
        if ((first == TLS_HANDSHAKE || first == TLS_ALERT) && header.getUnsignedByte(1) == TLS_MAJOR_VERSION) {
            throw new LinkException("the peer speaks TLS, this side has `insecure: true`; set both alike");
        }
    }

    private void checkGreeting() throws LinkException {
        if (header.getInt(RecordLayout.GREETING_MAGIC_OFFSET) != RecordLayout.GREETING_MAGIC) {
            throw new LinkException(
                    "the peer did not greet as a Holdfast agent does; is `link.peer` the right address?");
        }
        int version = header.getUnsignedShort(RecordLayout.GREETING_VERSION_OFFSET);
        if (version != RecordLayout.FRAMING_VERSION) {
            throw new LinkException("the peer speaks version %d of the link, this side %d; install the same Holdfast"
                    .formatted(version, RecordLayout.FRAMING_VERSION));
        }
    }

    private RecordType checkHeader() throws LinkException {
        int magic = header.getUnsignedShort(RecordLayout.MAGIC_OFFSET);
        if (magic != RecordLayout.RECORD_MAGIC) {
            throw new LinkException(
                    "the stream from the peer is out of step: 0x%04x where a record should begin".formatted(magic));
        }
        int number = header.getUnsignedByte(RecordLayout.TYPE_OFFSET);
        RecordType found = RecordType.ofNumber(number);
        if (found == null || header.getByte(RecordLayout.RESERVED_OFFSET) != 0) {
            throw new LinkException("a record from the peer has the unknown type %d".formatted(number));
        }
        long length = header.getUnsignedInt(RecordLayout.LENGTH_OFFSET);
        if (length > found.maxBodyBytes()) {
            throw new LinkException("%s from the peer claims %d bytes, at most %d are allowed"
                    .formatted(found, length, found.maxBodyBytes()));
        }
        return found;
    }
}
