package io.holdfast.demo;

import io.holdfast.demo.Violation.Kind;
import java.util.Optional;
import java.util.function.Consumer;

/**
 * What one subscriber has received of one publisher's stream: every message, once, in order, as it was sent.
 *
 * <p>Thread-safe: the publisher and the subscriber report from threads of their own.
 */
final class StreamHistory {

    private final String channel;
    private final Consumer<Violation> violations;
    private long acknowledged;
    private long received;

    StreamHistory(String channel, Consumer<Violation> violations) {
        this.channel = channel;
        this.violations = violations;
    }

    String channel() {
        return channel;
    }

    /** The guest has told the publisher that it passed this message on. */
    synchronized void published(StreamMessage message) {
        acknowledged = Math.max(acknowledged, message.sequence());
    }

    synchronized void received(String text) {
        Optional<StreamMessage> message = StreamMessage.decode(text);
        if (message.isEmpty()) {
            violations.accept(new Violation(
                    Kind.GARBLED, channel, "after message " + received + " came what nobody sent: " + text));
            return;
        }
        long sequence = message.get().sequence();
        if (sequence <= received) {
            violations.accept(
                    new Violation(Kind.DUPLICATE, channel, "message " + sequence + " came after " + received));
        } else if (sequence > received + 1) {
            violations.accept(new Violation(Kind.GAP, channel, "message " + sequence + " came after " + received));
        }
        received = sequence;
    }

    /** What the publisher was told no longer binds the guest. */
    synchronized void disavow() {
        acknowledged = 0;
    }

    /** To be asked when a subscriber whose connection lived to the end has received all that it will receive. */
    synchronized void compareWithEnd() {
        if (received < acknowledged) {
            violations.accept(new Violation(
                    Kind.GAP,
                    channel,
                    "the stream ended with " + received + ", but " + acknowledged + " was passed on"));
        }
    }
}
