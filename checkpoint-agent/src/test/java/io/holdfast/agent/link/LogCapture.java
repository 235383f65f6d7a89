package io.holdfast.agent.link;

import static org.awaitility.Awaitility.await;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.AppenderBase;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.slf4j.LoggerFactory;

/** What a class logs while this is open. */
final class LogCapture implements AutoCloseable {

    private final Logger logger;
    private final List<String> lines = new CopyOnWriteArrayList<>();
    private final AppenderBase<ILoggingEvent> appender = new AppenderBase<>() {
        @Override
        protected void append(ILoggingEvent event) {
            lines.add(event.getFormattedMessage());
        }
    };

    LogCapture(Class<?> subject) {
        logger = (Logger) LoggerFactory.getLogger(subject);
        appender.start();
        logger.addAppender(appender);
    }

    List<String> lines() {
        return lines;
    }

    void awaitLine(String part) {
        await().atMost(Duration.ofSeconds(10))
                .untilAsserted(
                        () -> org.assertj.core.api.Assertions.assertThat(lines).anyMatch(line -> line.contains(part)));
    }

    @Override
    public void close() {
        logger.detachAppender(appender);
        appender.stop();
    }
}
