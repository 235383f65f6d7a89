package io.holdfast.agent.link;

import static org.awaitility.Awaitility.await;

import io.netty.util.ReferenceCountUtil;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicLong;
import org.awaitility.core.ConditionFactory;

/** A listener that remembers what it was told, in words and in order. */
final class Witness implements LinkListener, AutoCloseable {

    private final List<String> events = new CopyOnWriteArrayList<>();
    private final List<LinkMessage> messages = new CopyOnWriteArrayList<>();
    private final List<LinkConnection> connections = new CopyOnWriteArrayList<>();
    private final AtomicLong bytesCalls = new AtomicLong();

    @Override
    public void onUp(LinkConnection connection) {
        connections.add(connection);
        events.add("up");
    }

    @Override
    public void onMessage(LinkConnection connection, LinkMessage message) {
        messages.add(ReferenceCountUtil.retain(message));
        events.add(message.getClass().getSimpleName());
    }

    @Override
    public void onBytes(LinkConnection connection) {
        bytesCalls.incrementAndGet();
    }

    @Override
    public void onDown(LinkConnection connection, String reason, boolean endOfFile) {
        events.add("down%s: %s".formatted(endOfFile ? " by end of file" : "", reason));
    }

    /** All that happened, such as {@code up}, {@code Hello}, {@code down by end of file: ...}. */
    List<String> events() {
        return List.copyOf(events);
    }

    List<LinkMessage> messages() {
        return messages;
    }

    long bytesCalls() {
        return bytesCalls.get();
    }

    /** The first, second, ... connection that came up; waits for it. */
    LinkConnection connection(int index) {
        patiently().until(() -> connections.size() > index);
        return connections.get(index);
    }

    int connectionCount() {
        return connections.size();
    }

    void awaitMessages(int count) {
        patiently().until(() -> messages.size() >= count);
    }

    /** Waits for the end of a connection; what was said about it. */
    String awaitDown() {
        patiently().until(() -> events.stream().anyMatch(event -> event.startsWith("down")));
        return events.stream()
                .filter(event -> event.startsWith("down"))
                .findFirst()
                .orElseThrow();
    }

    private static ConditionFactory patiently() {
        return await().atMost(Duration.ofSeconds(10)).pollInterval(Duration.ofMillis(5));
    }

    /** Releases what it kept. */
    @Override
    public void close() {
        messages.forEach(ReferenceCountUtil::release);
        messages.clear();
    }
}
