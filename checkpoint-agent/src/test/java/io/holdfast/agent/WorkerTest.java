package io.holdfast.agent;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class WorkerTest {

    @Test
    void shouldGoOnAfterATaskThatFailed() throws Exception {
        CountDownLatch next = new CountDownLatch(1);
        try (Worker worker = new Worker("test")) {
            worker.run(() -> {
                throw new IllegalStateException("expected by this test");
            });
            worker.run(next::countDown);
            assertThat(next.await(5, TimeUnit.SECONDS)).isTrue();
        }
    }

    @Test
    void shouldHandAnErrorToTheThreadsHandler() throws Exception {
        CompletableFuture<Throwable> uncaught = new CompletableFuture<>();
        try (Worker worker = new Worker("test")) {
            worker.run(() -> {
                Thread.currentThread().setUncaughtExceptionHandler((thread, thrown) -> uncaught.complete(thrown));
                throw new AssertionError("expected by this test");
            });
            assertThat(uncaught.get(5, TimeUnit.SECONDS)).isInstanceOf(AssertionError.class);
        }
    }
}
