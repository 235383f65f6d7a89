package io.holdfast.metrics;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufOutputStream;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.handler.codec.http.DefaultFullHttpResponse;
import io.netty.handler.codec.http.FullHttpRequest;
import io.netty.handler.codec.http.FullHttpResponse;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpUtil;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.timeout.IdleStateEvent;
import java.io.BufferedWriter;
import java.io.IOException;
import java.io.OutputStreamWriter;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Answers the requests of one connection. */
// What becomes of a response shows as the end of the connection.
@SuppressWarnings("FutureReturnValueIgnored")
final class MetricsHandler extends SimpleChannelInboundHandler<FullHttpRequest> {

    private static final Logger LOG = LoggerFactory.getLogger(MetricsHandler.class);
    private static final String PLAIN_TEXT = "text/plain; charset=utf-8";

    private final MetricsRegistry registry;
    private final Supplier<Health> liveness;
    private final Supplier<Health> readiness;

    MetricsHandler(MetricsRegistry registry, Supplier<Health> liveness, Supplier<Health> readiness) {
        this.registry = registry;
        this.liveness = liveness;
        this.readiness = readiness;
    }

    @Override
    protected void channelRead0(ChannelHandlerContext context, FullHttpRequest request) {
        if (!context.channel().isWritable()) {
            LOG.debug("a client asks on without reading; closing its connection");
            context.close();
            return;
        }
        FullHttpResponse response = answer(context, request);
        // The codec leaves out the body of an answer to HEAD and lets the length stand.
        HttpUtil.setContentLength(response, response.content().readableBytes());
        boolean keepAlive = request.decoderResult().isSuccess() && HttpUtil.isKeepAlive(request);
        HttpUtil.setKeepAlive(response, keepAlive);
        var written = context.writeAndFlush(response);
        if (!keepAlive) {
            written.addListener(ChannelFutureListener.CLOSE);
        }
    }

    @Override
    public void userEventTriggered(ChannelHandlerContext context, Object event) {
        if (event instanceof IdleStateEvent) {
            context.close();
        }
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
        LOG.debug("connection failed: {}", cause.toString());
        context.close();
    }

    private FullHttpResponse answer(ChannelHandlerContext context, FullHttpRequest request) {
        if (!request.decoderResult().isSuccess()) {
            return text(
                    context, HttpResponseStatus.BAD_REQUEST, "this is not an HTTP request that can be answered here");
        }
        if (!request.method().equals(HttpMethod.GET) && !request.method().equals(HttpMethod.HEAD)) {
            FullHttpResponse response =
                    text(context, HttpResponseStatus.METHOD_NOT_ALLOWED, "only GET and HEAD are answered here");
            response.headers().set(HttpHeaderNames.ALLOW, "GET, HEAD");
            return response;
        }
        String path = request.uri().replaceFirst("[?#].*", "");
        return switch (path) {
            case "/metrics" -> metrics(context, request);
            case "/livez" -> probe(context, liveness);
            case "/readyz" -> probe(context, readiness);
            default -> text(context, HttpResponseStatus.NOT_FOUND, "there is only /metrics, /livez and /readyz");
        };
    }

    private FullHttpResponse metrics(ChannelHandlerContext context, FullHttpRequest request) {
        String contentType = MetricsRegistry.contentType(request.headers().get(HttpHeaderNames.ACCEPT));
        ByteBuf body = context.alloc().buffer();
        try (Writer out =
                new BufferedWriter(new OutputStreamWriter(new ByteBufOutputStream(body), StandardCharsets.UTF_8))) {
            registry.scrape(out, contentType);
        } catch (IOException | RuntimeException e) {
            LOG.error("the metrics cannot be written", e);
            body.release();
            return text(
                    context, HttpResponseStatus.INTERNAL_SERVER_ERROR, "the metrics cannot be written; see the log");
        }
        return response(HttpResponseStatus.OK, contentType, body);
    }

    private static FullHttpResponse probe(ChannelHandlerContext context, Supplier<Health> question) {
        Health health;
        try {
            health = question.get();
        } catch (RuntimeException e) {
            LOG.error("a probe failed", e);
            health = Health.failing("the probe itself failed: " + e);
        }
        return text(
                context, health.ok() ? HttpResponseStatus.OK : HttpResponseStatus.SERVICE_UNAVAILABLE, health.reason());
    }

    private static FullHttpResponse text(ChannelHandlerContext context, HttpResponseStatus status, String line) {
        ByteBuf body = context.alloc().buffer();
        body.writeCharSequence(line + "\n", StandardCharsets.UTF_8);
        return response(status, PLAIN_TEXT, body);
    }

    private static FullHttpResponse response(HttpResponseStatus status, String contentType, ByteBuf body) {
        FullHttpResponse response = new DefaultFullHttpResponse(HttpVersion.HTTP_1_1, status, body);
        response.headers().set(HttpHeaderNames.CONTENT_TYPE, contentType);
        return response;
    }
}
