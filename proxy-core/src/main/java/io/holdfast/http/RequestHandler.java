package io.holdfast.http;

import io.netty.buffer.Unpooled;
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
import java.util.Map;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Answers the requests of one connection. */
// What becomes of a response shows as the end of the connection.
@SuppressWarnings("FutureReturnValueIgnored")
final class RequestHandler extends SimpleChannelInboundHandler<FullHttpRequest> {

    private static final Logger LOG = LoggerFactory.getLogger(RequestHandler.class);

    /** A page has what this server gives it, asks nobody else, and is shown in no other page. */
    private static final Map<String, String> FOR_BROWSERS = Map.of(
            "Content-Security-Policy",
            "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
            "X-Content-Type-Options",
            "nosniff",
            "Cross-Origin-Resource-Policy",
            "same-origin",
            "Referrer-Policy",
            "no-referrer");

    private final Map<String, Resource> resources;

    RequestHandler(Map<String, Resource> resources) {
        this.resources = resources;
    }

    @Override
    protected void channelRead0(ChannelHandlerContext context, FullHttpRequest request) {
        if (!context.channel().isWritable()) {
            LOG.debug("a client asks on without reading; closing its connection");
            context.close();
            return;
        }
        FullHttpResponse response = response(answer(request));
        if (response.status().equals(HttpResponseStatus.METHOD_NOT_ALLOWED)) {
            response.headers().set(HttpHeaderNames.ALLOW, "GET, HEAD");
        }
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

    private Answer answer(FullHttpRequest request) {
        if (!request.decoderResult().isSuccess()) {
            return Answer.line(400, "this is not an HTTP request that can be answered here");
        }
        String host = request.headers().get(HttpHeaderNames.HOST);
        if (!HostHeader.cannotMislead(host)) {
            return Answer.line(
                    421,
                    "this is not " + host + "; the `Host` header must be localhost or an address, such as 127.0.0.1");
        }
        if (!request.method().equals(HttpMethod.GET) && !request.method().equals(HttpMethod.HEAD)) {
            return Answer.line(405, "only GET and HEAD are answered here");
        }
        String path = request.uri().replaceFirst("[?#].*", "");
        Resource resource = resources.get(path);
        if (resource == null) {
            return Answer.line(404, "there is only " + whatThereIs());
        }
        try {
            return resource.answer(request.headers().get(HttpHeaderNames.ACCEPT));
        } catch (RuntimeException e) {
            LOG.error("{} has failed", path, e);
            return Answer.line(500, path + " has failed; see the log");
        }
    }

    /** For people: not the parts of pages. */
    private String whatThereIs() {
        return resources.keySet().stream()
                .filter(path -> path.lastIndexOf('/') == 0)
                .sorted()
                .collect(Collectors.joining(", "));
    }

    private static FullHttpResponse response(Answer answer) {
        FullHttpResponse response = new DefaultFullHttpResponse(
                HttpVersion.HTTP_1_1,
                HttpResponseStatus.valueOf(answer.status()),
                Unpooled.wrappedBuffer(answer.body()));
        response.headers()
                .set(HttpHeaderNames.CONTENT_TYPE, answer.contentType())
                .set(HttpHeaderNames.CACHE_CONTROL, answer.caching());
        FOR_BROWSERS.forEach(response.headers()::set);
        // The codec leaves out the body of an answer to HEAD and lets the length stand.
        HttpUtil.setContentLength(response, answer.body().length);
        return response;
    }
}
