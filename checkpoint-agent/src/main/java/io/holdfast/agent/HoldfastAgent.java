package io.holdfast.agent;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.holdfast.agent.arbiter.Arbiters;
import io.holdfast.agent.arbiter.Fence;
import io.holdfast.agent.arbiter.Pair;
import io.holdfast.agent.link.LinkConnection;
import io.holdfast.agent.link.LinkException;
import io.holdfast.agent.link.LinkListener;
import io.holdfast.agent.link.LinkMessage;
import io.holdfast.agent.link.LinkSecurity;
import io.holdfast.agent.link.LinkServer;
import io.holdfast.audit.AuditEvent;
import io.holdfast.audit.AuditLog;
import io.holdfast.config.AgentConfig;
import io.holdfast.config.ConfigException;
import io.holdfast.config.HoldfastConfig;
import io.holdfast.config.InitialRole;
import io.holdfast.config.TlsConfig;
import io.holdfast.control.Arguments;
import io.holdfast.control.CommandException;
import io.holdfast.control.ControlServer;
import io.holdfast.control.StaleTermException;
import io.holdfast.control.TermFileException;
import io.holdfast.http.LoopbackServer;
import io.holdfast.measure.Counter;
import io.holdfast.measure.Echo;
import io.holdfast.measure.NanoHistogram;
import io.holdfast.measure.Pulse;
import io.holdfast.metrics.Health;
import io.holdfast.metrics.MetricsRegistry;
import io.holdfast.metrics.MetricsResources;
import io.holdfast.wall.Term;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.nio.NioIoHandler;
import java.io.IOException;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One host's agent: drives the guest's hypervisor, ships checkpoints or receives them, and decides on failover. Runs in
 * one of two roles at a time; which one, the term on disk says: its owner is the primary.
 */
public final class HoldfastAgent implements AutoCloseable {

    private static final Logger log = LoggerFactory.getLogger(HoldfastAgent.class);
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final long CLOSE_LIMIT_MILLIS = 10_000;
    /** Less than the 5 s for which `holdfast` waits, so that it says what is known. */
    private static final long COMMAND_LIMIT_MILLIS = 4_000;

    private final HoldfastConfig config;
    private final AgentMeasures measures = new AgentMeasures();
    private final Conductor conductor = new Conductor("conductor", this::onError);
    private final EventLoopGroup eventLoop = new MultiThreadIoEventLoopGroup(1, NioIoHandler.newFactory());
    private final WallTunnel tunnel;
    private final AgentContext context;
    private final Arbitration arbitration;
    private final LinkServer linkServer;
    private final AuditLog audit;
    private final ControlServer controlServer;
    private final MetricsRegistry registry;
    private final LoopbackServer httpServer;
    private final AtomicBoolean closed = new AtomicBoolean();
    private final CountDownLatch ended = new CountDownLatch(1);
    private final AtomicReference<@Nullable String> failure = new AtomicReference<>();
    private long heartbeats;
    private final Counter ticks = new Counter();
    private final Echo linkPulse;
    private final Echo commandPulse;

    /** Conductor; read by the link's event loop for messages that must not wait. */
    private volatile Shell shell;

    /** Renewed by the conductor with every tick. */
    private volatile AgentView view;

    public HoldfastAgent(HoldfastConfig config)
            throws ConfigException, IOException, LinkException, TermFileException, StaleTermException {
        this.config = config;
        AgentConfig agent = config.agent();
        this.audit =
                new AuditLog(config.stateDirectory(), "agent", config.host(), config.guest(), InstantSource.system());
        TermStore terms = TermStore.open(config.stateDirectory());
        if (terms.term().number() == 0 && agent.role() == InitialRole.PRIMARY) {
            terms.storeFirst(new Term(1, Term.Claim.PROMOTION, config.host()));
        }
        if (terms.isOnlyClaimed() && terms.term().owner().equals(config.host())) {
            // The promotion died with the agent. Its guest never ran, and what waits of it is killed before anybody is
            // told.
            terms.storeForgone();
            audit.note(
                    AuditEvent.TERM_FORGONE, terms.term(), "the agent ended before a guest ran here under this term");
        }
        List<String> guestPorts = agent.guestPorts().isEmpty()
                ? config.proxySection().stream()
                        .flatMap(proxy -> proxy.nics().stream())
                        .flatMap(nic -> nic.guestPorts().stream())
                        .toList()
                : agent.guestPorts();
        boolean taken = config.standsBy() && terms.isUplinkTaken();
        this.tunnel = new WallTunnel(config, agent.wall(), taken, eventLoop);
        this.arbitration = arbitration(agent);
        this.context = new AgentContext(
                config,
                agent,
                guestPorts,
                conductor,
                eventLoop,
                security(agent),
                terms,
                measures,
                tunnel,
                new Uplink(config, agent.wall(), terms, tunnel, audit),
                arbitration,
                audit,
                this::changeRole);
        boolean primary = terms.term().owner().equals(config.host()) && !terms.isForgone();
        this.shell = primary ? new PrimaryShell(context) : new BackupShell(context);
        this.linkServer = LinkServer.bind(eventLoop, agent.link().listen(), context.security(), new Switchboard());
        this.controlServer = startControlServer();
        this.linkPulse = new Echo("link", eventLoop.next());
        this.commandPulse = new Echo("commands", controlServer.commandThread());
        this.view = shell.view();
        this.registry = new MetricsRegistry(config.guest(), config.host());
        new AgentMetrics(measures, () -> view).bindTo(registry);
        this.httpServer =
                LoopbackServer.start(agent.http(), MetricsResources.of(registry, this::liveness, this::readiness));
    }

    private Arbitration arbitration(AgentConfig agent) throws LinkException {
        Pair pair = new Pair(config.guest(), config.host(), agent.link().peer());
        Optional<Fence> fence = agent.fence().isRequired()
                ? Optional.of(new Fence(agent.fence().command(), agent.fence().timeLimit(), pair))
                : Optional.empty();
        return new Arbitration(Arbiters.of(agent.arbiter(), pair), fence, conductor, measures);
    }

    private Health liveness() {
        String reason = failure.get();
        return reason == null ? Health.ok(view.role()) : Health.failing(reason);
    }

    private Health readiness() {
        AgentView now = view;
        String reason = now.role() + ": " + now.because();
        return now.ready() ? Health.ok(reason) : Health.failing(reason);
    }

    private static LinkSecurity security(AgentConfig agent) throws LinkException {
        if (agent.link().tls().isEmpty()) {
            return LinkSecurity.insecure();
        }
        TlsConfig tls = agent.link().tls().get();
        return LinkSecurity.mutualTls(tls.certificate(), tls.key(), tls.authority(), Instant.now());
    }

    /** Begins to work. */
    public void start() {
        conductor.post(() -> shell.start());
        conductor.postEvery(AgentContext.TICK_NANOS, () -> {
            shell.onTick(System.nanoTime());
            view = shell.view();
            ticks.increment();
        });
        conductor.postEvery(context.agent().heartbeat().toNanos(), () -> shell.onHeartbeat(++heartbeats));
    }

    /**
     * Of every thread without which the agent is no use; for a service manager. One thread looks. What hangs shows it within a
     * second.
     */
    public List<Pulse> pulses() {
        return List.of(new Pulse("conductor", ticks.value()), linkPulse.pulse(), commandPulse.pulse());
    }

    /** What it does, in one line. */
    public String summary() {
        AgentView now = view;
        return "%s, term %d, epoch %d: %s".formatted(now.role(), now.term(), now.epoch(), now.because());
    }

    /**
     * Waits until the agent has been closed, or cannot go on.
     *
     * @return why it cannot; null if it was closed
     */
    public @Nullable String awaitEnd() throws InterruptedException {
        ended.await();
        return failure.get();
    }

    /**
     * Takes note of an error that some thread of the agent's did not survive. Any thread; does not block. Whoever waits for
     * the end closes the agent: the guest goes on, and its output stays where it is, because without an engine the wall
     * opens for nobody (INV-6).
     */
    public void onError(Error error) {
        failure.compareAndSet(null, error.toString());
        ended.countDown();
    }

    private void changeRole(Shell next) {
        Shell before = shell;
        shell = next;
        before.close();
        next.start();
    }

    /** Hands what peers send to whichever role is running. */
    private final class Switchboard implements LinkListener {

        @Override
        public void onUp(LinkConnection connection) {
            log.debug("{} is up", connection);
            tunnel.onUp(connection);
        }

        @Override
        public void onMessage(LinkConnection connection, LinkMessage message) {
            if (!tunnel.take(connection, message)) {
                shell.onMessage(connection, message);
            }
        }

        @Override
        public void onBytes(LinkConnection connection) {
            shell.onBytes(connection);
        }

        @Override
        public void onDown(LinkConnection connection, String reason, boolean endOfFile) {
            tunnel.onDown(connection);
            conductor.post(() -> shell.onDown(connection, reason, endOfFile));
        }
    }

    // ---- control socket ----

    private ControlServer startControlServer() throws IOException {
        return ControlServer.builder(config.agentSocket(), "agent", version())
                .command("status", "what this agent does", (arguments, session) -> {
                    Arguments.of(arguments);
                    return status();
                })
                .command("checkpoint", "take a checkpoint now", (arguments, session) -> {
                    Arguments.of(arguments);
                    onConductor(() -> shell.checkpoint());
                    return JSON.createObjectNode();
                })
                .command("switchover", "let the backup take over where the guest is now", (arguments, session) -> {
                    String reason = Arguments.of(arguments, "reason").requireString("reason");
                    onConductor(() -> shell.switchOver(reason));
                    return JSON.createObjectNode();
                })
                .command("promote", "let this backup take over", (arguments, session) -> {
                    Arguments given = Arguments.of(arguments, "force", "reason");
                    String reason = given.requireString("reason");
                    boolean force = given.optionalFlag("force", false);
                    onConductor(() -> shell.promote(reason, force));
                    return JSON.createObjectNode()
                            .put("waits_for", status().path("waits_for").asText());
                })
                .command("rehearse", "restore the newest checkpoint in isolation", (arguments, session) -> {
                    Arguments.of(arguments);
                    ObjectNode begun = JSON.createObjectNode();
                    onConductor(() -> begun.put("number", shell.rehearse()));
                    return begun;
                })
                .command("rejoin", "make this host the backup", (arguments, session) -> {
                    Arguments given = Arguments.of(arguments, "force", "reason");
                    String reason = given.optionalString("reason").orElse("by the operator");
                    boolean force = given.optionalFlag("force", false);
                    onConductor(() -> shell.rejoin(reason, force));
                    return JSON.createObjectNode();
                })
                .command("alone", "let this primary go on without a backup", (arguments, session) -> {
                    Arguments given = Arguments.of(arguments, "force", "reason");
                    if (!given.optionalFlag("force", false)) {
                        throw new CommandException(
                                "NotForced",
                                "a backup that lives may have taken over: make sure that it is dead, then use force");
                    }
                    String reason = given.requireString("reason");
                    onConductor(() -> shell.alone(reason));
                    return JSON.createObjectNode();
                })
                .start();
    }

    private static String version() {
        String version = HoldfastAgent.class.getPackage().getImplementationVersion();
        return version == null ? "development" : version;
    }

    private void onConductor(Conductor.Command command) throws CommandException {
        conductor.carryOut(command, COMMAND_LIMIT_MILLIS);
    }

    private JsonNode status() throws CommandException {
        ObjectNode status = JSON.createObjectNode();
        onConductor(() -> {
            Term term = context.terms().term();
            status.put("host", config.host())
                    .put("term", term.number())
                    .put("claim", WallLink.claim(term))
                    .put("owner", term.owner())
                    .put("wall", context.uplink().describe());
            shell.describe(status);
        });
        measures.rehearsals.describeIn(status.putObject("rehearsal"), System.nanoTime());
        measures.peerContact.ageNanos(System.nanoTime()).ifPresent(age -> status.put("last_contact_ms", age / 1e6));
        NanoHistogram pause = measures.pauseNanos;
        return status.put("checkpoints", measures.checkpoints.value())
                .put("failed_checkpoints", measures.failedCheckpoints.value())
                .put("confirmed_checkpoints", measures.confirmedCheckpoints.value())
                .put("dirty_pages", measures.dirtyPages.value())
                .put("shipped_bytes", measures.shippedBytes.value())
                .put("mirrored_frames", measures.mirroredFrames.value())
                .put("injected_frames", measures.injectedFrames.value())
                .put("refused_injections", measures.refusedInjections.value())
                .put("dirty_pages_by", measures.changeTracking)
                .put("paused_ms", measures.pausedNanos.value() / 1e6)
                .put("pause_p50_ms", pause.quantileNanos(0.5) / 1e6)
                .put("pause_p99_ms", pause.quantileNanos(0.99) / 1e6)
                .put("confirm_p50_ms", measures.confirmNanos.quantileNanos(0.5) / 1e6)
                .put("failovers", measures.failovers.value())
                .put("detected_by", measures.detectedBy)
                .put("switchovers", measures.switchovers.value())
                .put("switchover_ms", measures.switchoverNanos / 1e6)
                .put("promotion_ms", measures.promotionNanos / 1e6);
    }

    /** Stops; the guest goes on, its output held or not as the wall was left. Idempotent. */
    @Override
    public void close() {
        if (closed.getAndSet(true)) {
            return;
        }
        controlServer.close();
        httpServer.close();
        conductor.post(() -> {
            shell.close();
            conductor.close();
        });
        try {
            if (!conductor.awaitEnd(CLOSE_LIMIT_MILLIS)) {
                log.error("the agent did not end in time");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        arbitration.close();
        registry.close();
        linkServer.close();
        try {
            tunnel.close();
        } catch (IOException e) {
            log.warn("cannot remove {}", config.proxySocket(), e);
        }
        eventLoop.shutdownGracefully(0, 1, TimeUnit.SECONDS).awaitUninterruptibly();
        audit.close();
        ended.countDown();
    }
}
