package io.holdfast.metrics;

import io.holdfast.http.Answer;
import io.holdfast.http.Resource;
import java.io.BufferedWriter;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStreamWriter;
import java.io.UncheckedIOException;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What machines ask a process for: {@code /metrics}, {@code /livez} and {@code /readyz}. */
public final class MetricsResources {

    private static final Logger LOG = LoggerFactory.getLogger(MetricsResources.class);

    private MetricsResources() {}

    /**
     * By their paths.
     *
     * @param liveness answers {@code /livez}: is there any use in letting this process go on?
     * @param readiness answers {@code /readyz}: does it do its work now? Both are asked on the server's thread and must not
     *     block.
     */
    public static Map<String, Resource> of(
            MetricsRegistry registry, Supplier<Health> liveness, Supplier<Health> readiness) {
        return Map.of(
                "/metrics", accept -> metrics(registry, accept),
                "/livez", accept -> probe(liveness),
                "/readyz", accept -> probe(readiness));
    }

    private static Answer metrics(MetricsRegistry registry, @Nullable String accept) {
        String contentType = MetricsRegistry.contentType(accept);
        ByteArrayOutputStream body = new ByteArrayOutputStream();
        try (Writer out = new BufferedWriter(new OutputStreamWriter(body, StandardCharsets.UTF_8))) {
            registry.scrape(out, contentType);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return Answer.current(contentType, body.toByteArray());
    }

    private static Answer probe(Supplier<Health> question) {
        Health health;
        try {
            health = question.get();
        } catch (RuntimeException e) {
            LOG.error("a probe failed", e);
            health = Health.failing("the probe itself failed: " + e);
        }
        return Answer.line(health.ok() ? 200 : 503, health.reason());
    }
}
