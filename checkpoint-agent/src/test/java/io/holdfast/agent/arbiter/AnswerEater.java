package io.holdfast.agent.arbiter;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Hands every question on; of those to one path it keeps the answers to itself, or lets something else happen before it hands
 * them on.
 */
final class AnswerEater implements AutoCloseable {

    private final URI server;
    private final String path;
    private final Runnable before;
    private final boolean eats;
    private final HttpServer front;
    private final HttpClient client = HttpClient.newHttpClient();
    private final ExecutorService threads = Executors.newCachedThreadPool();
    private final AtomicInteger eaten = new AtomicInteger();
    private final CountDownLatch closed = new CountDownLatch(1);

    AnswerEater(URI server, String eatenPath) throws IOException {
        this(server, eatenPath, () -> {}, true);
    }

    private AnswerEater(URI server, String path, Runnable before, boolean eats) throws IOException {
        this.server = server;
        this.path = path;
        this.before = before;
        this.eats = eats;
        this.front = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        front.setExecutor(threads);
        front.createContext("/", this::handOn);
        front.start();
    }

    /** Keeps nothing to itself, but is late. */
    static AnswerEater lateWith(URI server, String path, Runnable before) throws IOException {
        return new AnswerEater(server, path, before, false);
    }

    URI endpoint() {
        return URI.create("http://127.0.0.1:" + front.getAddress().getPort());
    }

    int eaten() {
        return eaten.get();
    }

    private void handOn(HttpExchange exchange) throws IOException {
        byte[] question = exchange.getRequestBody().readAllBytes();
        boolean isThatPath = exchange.getRequestURI().getPath().equals(path);
        try {
            if (isThatPath) {
                before.run();
            }
            byte[] answer = client.send(
                            HttpRequest.newBuilder(server.resolve(exchange.getRequestURI()))
                                    .POST(HttpRequest.BodyPublishers.ofByteArray(question))
                                    .build(),
                            HttpResponse.BodyHandlers.ofByteArray())
                    .body();
            if (isThatPath && eats) {
                eaten.incrementAndGet();
                closed.await();
            }
            exchange.sendResponseHeaders(200, answer.length);
            exchange.getResponseBody().write(answer);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } finally {
            exchange.close();
        }
    }

    @Override
    public void close() {
        closed.countDown();
        front.stop(0);
        threads.shutdownNow();
        client.close();
    }
}
