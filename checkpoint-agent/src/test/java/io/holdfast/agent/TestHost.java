package io.holdfast.agent;

import io.holdfast.agent.link.LinkSecurity;
import io.holdfast.audit.AuditLog;
import io.holdfast.config.HoldfastConfig;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.nio.NioIoHandler;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/** What a role needs of an agent, in a directory, without the agent. Its wall stands beside the guest. */
final class TestHost implements AutoCloseable {

    private static final long LIMIT_SECONDS = 10;

    final AgentContext context;
    final Conductor conductor = new Conductor("test", error -> {});
    private final EventLoopGroup group = new MultiThreadIoEventLoopGroup(1, NioIoHandler.newFactory());

    /** @param role {@code primary} or {@code backup} */
    TestHost(Path directory, String role) throws Exception {
        Path file = Files.writeString(directory.resolve("config.yaml"), """
                guest: redis
                host: a
                runtime-directory: %s
                state-directory: %s
                agent:
                  role: %s
                  link: {listen: 127.0.0.1:1, peer: 127.0.0.1:2, insecure: true}
                  qemu: {command: qemu}
                """.formatted(
                        directory.resolve("run"), directory.resolve("state"), role));
        HoldfastConfig config = HoldfastConfig.read(file);
        AgentMeasures measures = new AgentMeasures();
        TermStore terms = TermStore.open(config.stateDirectory());
        AuditLog audit =
                new AuditLog(config.stateDirectory(), "agent", config.host(), config.guest(), InstantSource.system());
        WallTunnel tunnel = new WallTunnel(config, config.agent().wall(), false, group);
        context = new AgentContext(
                config,
                config.agent(),
                List.of(),
                conductor,
                group,
                LinkSecurity.insecure(),
                terms,
                measures,
                tunnel,
                new Uplink(config, config.agent().wall(), terms, tunnel, audit),
                new Arbitration(Optional.empty(), Optional.empty(), conductor, measures),
                audit,
                next -> {});
    }

    /** Returns when it has happened. */
    void onConductor(Runnable event) {
        CompletableFuture<Void> happened = new CompletableFuture<>();
        conductor.post(() -> {
            try {
                event.run();
                happened.complete(null);
            } catch (Throwable e) {
                happened.completeExceptionally(e);
            }
        });
        happened.orTimeout(LIMIT_SECONDS, TimeUnit.SECONDS).join();
    }

    @Override
    public void close() throws IOException {
        conductor.close();
        context.tunnel().close();
        context.audit().close();
        group.shutdownGracefully(0, 1, TimeUnit.SECONDS).awaitUninterruptibly();
    }
}
