package io.holdfast.agent;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.holdfast.control.CommandException;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class ConductorTest {

    private final List<Error> errors = new CopyOnWriteArrayList<>();
    private final Conductor conductor = new Conductor("test", errors::add);

    @AfterEach
    void close() {
        conductor.close();
    }

    @Test
    void shouldGoOnAfterAnEventThatFailed() throws Exception {
        CountDownLatch next = new CountDownLatch(1);
        conductor.post(() -> {
            throw new IllegalStateException("expected by this test");
        });
        conductor.post(next::countDown);
        assertThat(next.await(5, TimeUnit.SECONDS)).isTrue();
        assertThat(errors).isEmpty();
    }

    @Test
    void shouldSayWhyACommandWasRefused() {
        CommandException refusal = new CommandException("WrongRole", "expected by this test");
        assertThatThrownBy(() -> conductor.carryOut(
                        () -> {
                            throw refusal;
                        },
                        5_000))
                .isSameAs(refusal);
        assertThatThrownBy(() -> conductor.carryOut(
                        () -> {
                            throw new IllegalStateException("expected by this test");
                        },
                        5_000))
                .hasRootCauseInstanceOf(IllegalStateException.class);
    }

    @Test
    void shouldNotCallACommandFailedThatMayBeDone() throws Exception {
        CountDownLatch hangs = new CountDownLatch(1);
        CountDownLatch ended = new CountDownLatch(1);
        assertThatThrownBy(() -> conductor.carryOut(
                        () -> {
                            awaitQuietly(hangs);
                            ended.countDown();
                        },
                        50))
                .isInstanceOf(CommandException.class)
                .hasMessageContaining("it may be done, or come yet");
        hangs.countDown();
        assertThat(ended.await(5, TimeUnit.SECONDS)).isTrue();
    }

    private static void awaitQuietly(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    @Test
    void shouldTellOfAnErrorHoweverTheEventWasPosted() {
        Runnable event = () -> {
            throw new AssertionError("expected by this test");
        };
        conductor.post(event);
        conductor.postAfter(1, event);
        conductor.postEvery(TimeUnit.HOURS.toNanos(1), () -> {});
        await().until(() -> errors.size() == 2);
        conductor.postEvery(TimeUnit.MILLISECONDS.toNanos(50), event);
        await().until(() -> errors.size() > 2);
    }
}
