package io.holdfast.metrics;

import static org.assertj.core.api.Assertions.assertThat;

import io.holdfast.http.Answer;
import io.holdfast.http.Resource;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class MetricsResourcesTest {

    private final AtomicReference<Health> readiness = new AtomicReference<>(Health.failing("wall is CLOSED"));
    private final MetricsRegistry registry = new MetricsRegistry("redis", "a");
    private final Map<String, Resource> resources =
            MetricsResources.of(registry, () -> Health.ok("alive"), readiness::get);

    @AfterEach
    void close() {
        registry.close();
    }

    private Answer ask(String path) {
        return ask(resources, path, null);
    }

    private static Answer ask(Map<String, Resource> of, String path, @Nullable String accept) {
        return Objects.requireNonNull(of.get(path)).answer(accept);
    }

    private static String text(Answer answer) {
        return new String(answer.body(), StandardCharsets.UTF_8);
    }

    @Test
    void shouldServeMetricsInBothFormats() {
        Answer plain = ask("/metrics");
        assertThat(plain.status()).isEqualTo(200);
        assertThat(plain.contentType()).isEqualTo("text/plain; version=0.0.4; charset=utf-8");
        assertThat(Exposition.parse(text(plain)).types).containsKey("process_uptime_seconds");

        Answer open = ask(resources, "/metrics", "application/openmetrics-text");
        assertThat(open.contentType()).startsWith("application/openmetrics-text");
        assertThat(text(open)).endsWith("# EOF\n");
    }

    @Test
    void shouldAnswerProbesWithTheReason() {
        assertThat(ask("/livez").status()).isEqualTo(200);
        assertThat(ask("/readyz").status()).isEqualTo(503);
        assertThat(text(ask("/readyz"))).isEqualTo("wall is CLOSED\n");

        readiness.set(Health.ok("wall is PROTECTED"));
        assertThat(ask("/readyz").status()).isEqualTo(200);
        assertThat(text(ask("/readyz"))).isEqualTo("wall is PROTECTED\n");
    }

    @Test
    void shouldCountAProbeThatFailsAsNotReady() {
        Map<String, Resource> broken = MetricsResources.of(registry, () -> Health.ok("alive"), () -> {
            throw new IllegalStateException("no wall");
        });
        Answer answer = ask(broken, "/readyz", null);
        assertThat(answer.status()).isEqualTo(503);
        assertThat(text(answer)).contains("no wall");
    }
}
