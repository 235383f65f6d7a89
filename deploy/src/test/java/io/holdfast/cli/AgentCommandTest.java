package io.holdfast.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.holdfast.testkit.InNetworkNamespace;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** How the process ends that drives the hypervisor. */
@InNetworkNamespace
class AgentCommandTest {

    private static final Duration LIMIT = Duration.ofSeconds(30);

    @TempDir
    Path directory;

    @Test
    void shouldEndWithItsOwnCodeWhenAThreadDiesOfAnError() throws Exception {
        Path config = Files.writeString(directory.resolve("agent.yaml"), """
                guest: redis
                host: a
                runtime-directory: %1$s
                state-directory: %1$s
                agent:
                  role: backup
                  http: 127.0.0.1:9602
                  link:
                    listen: 127.0.0.1:7700
                    peer: 127.0.0.1:7701
                    insecure: true
                  qemu:
                    memory: %1$s/guest.ram
                    command: /bin/false
                """.formatted(directory));
        CompletableFuture<Integer> exitCode = new CompletableFuture<>();
        Thread agent = new Thread(
                () -> exitCode.complete(Holdfast.commandLine().execute("--config", config.toString(), "agent")));
        agent.start();
        try {
            awaitHandlerOfErrors();
            Thread dying = new Thread(() -> {
                throw new AssertionError("expected by this test");
            });
            dying.start();
            assertThat(exitCode.get(LIMIT.toSeconds(), TimeUnit.SECONDS)).isEqualTo(ExitCode.DIED);
            assertThat(directory.resolve("agent.sock")).doesNotExist();
        } finally {
            Thread.setDefaultUncaughtExceptionHandler(null);
        }
    }

    /** Not with Awaitility, which puts back the handler of before it began. */
    private static void awaitHandlerOfErrors() throws InterruptedException {
        long deadlineNanos = System.nanoTime() + LIMIT.toNanos();
        while (Thread.getDefaultUncaughtExceptionHandler() == null) {
            assertThat(System.nanoTime()).isLessThan(deadlineNanos);
            Thread.sleep(10);
        }
    }
}
