package io.holdfast.control;

import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelDuplexHandler;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelPromise;

/**
 * Reads nothing from a client between its command and the answer to it, as the server does: the end of the connection would
 * be noticed before the answer is here, which may have a long way, and a client that has said all it had to say would never
 * get it. (Netty cannot half close a Unix domain socket of the JDK.)
 */
final class HearsWhenAnswered extends ChannelDuplexHandler {

    private int unanswered;

    @Override
    public void channelRead(ChannelHandlerContext context, Object line) {
        if (((ByteBuf) line).isReadable()) { // The server does not answer an empty one.
            unanswered++;
            context.channel().config().setAutoRead(false);
        }
        context.fireChannelRead(line);
    }

    @Override
    @SuppressWarnings("FutureReturnValueIgnored") // The promise tells the writer.
    public void write(ChannelHandlerContext context, Object line, ChannelPromise promise) {
        if (unanswered > 0 && isAnswer((ByteBuf) line) && --unanswered == 0) {
            context.channel().config().setAutoRead(true);
        }
        context.write(line, promise);
    }

    private static boolean isAnswer(ByteBuf line) {
        try {
            return Messages.isAnswer(Messages.parse(line.nioBuffer()));
        } catch (BadRequestException e) {
            return true; // Whatever it was meant to be: the client must not remain unheard.
        }
    }
}
