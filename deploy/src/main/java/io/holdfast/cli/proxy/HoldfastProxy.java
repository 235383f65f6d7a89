package io.holdfast.cli.proxy;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.holdfast.arp.AddressBook;
import io.holdfast.arp.AddressProber;
import io.holdfast.arp.AnnounceSchedule;
import io.holdfast.arp.Announcer;
import io.holdfast.arp.AnnouncerThread;
import io.holdfast.arp.ArpMetrics;
import io.holdfast.arp.ConflictWatch;
import io.holdfast.arp.FrameSender;
import io.holdfast.arp.Ownership;
import io.holdfast.arp.SilenceWatch;
import io.holdfast.audit.AuditEvent;
import io.holdfast.audit.AuditLog;
import io.holdfast.bridge.Bridge;
import io.holdfast.bridge.Exemption;
import io.holdfast.bridge.NicCounters;
import io.holdfast.cli.page.StatusPage;
import io.holdfast.config.ConfigException;
import io.holdfast.config.HoldfastConfig;
import io.holdfast.config.Placement;
import io.holdfast.config.ProxyConfig;
import io.holdfast.config.ProxyMode;
import io.holdfast.config.ReverseConfig;
import io.holdfast.control.ControlClient;
import io.holdfast.control.ControlServer;
import io.holdfast.control.ControlUnavailableException;
import io.holdfast.control.FrameServer;
import io.holdfast.control.TermFileException;
import io.holdfast.frame.ExemptionFilter;
import io.holdfast.frame.MacAddress;
import io.holdfast.http.LoopbackServer;
import io.holdfast.http.Resource;
import io.holdfast.metrics.BridgeMetrics;
import io.holdfast.metrics.Health;
import io.holdfast.metrics.MetricsRegistry;
import io.holdfast.metrics.MetricsResources;
import io.holdfast.metrics.ReverseMetrics;
import io.holdfast.port.HardwareAddress;
import io.holdfast.port.PortException;
import io.holdfast.port.PortGuard;
import io.holdfast.reverse.Reconciler;
import io.holdfast.wall.BufferWall;
import io.holdfast.wall.Term;
import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import java.io.IOException;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The packet path of one guest on one host, running.
 *
 * <p>It fails closed (INV-6): whatever ends it, by order, by a failed lane or by SIGKILL, what it holds never leaves, and
 * the ports' ingress drop stays, so that nothing finds another way.
 */
public final class HoldfastProxy implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(HoldfastProxy.class);

    /** How long a barrier waits for frames that the kernel has already: the guest is paused meanwhile. */
    private static final long DRAIN_NANOS = 2_000_000;

    private static final Duration PATIENCE = Duration.ofSeconds(2);

    /** Closed from the last to the first. */
    private final Deque<AutoCloseable> parts = new ArrayDeque<>();

    private final AtomicBoolean closed = new AtomicBoolean();
    private final CountDownLatch ended = new CountDownLatch(1);
    private final AtomicReference<@Nullable String> failure = new AtomicReference<>();
    private volatile @Nullable ControlServer server;
    private @Nullable Vitals vitals;

    private HoldfastProxy() {}

    /**
     * Starts the packet path. Nothing leaves and nothing enters before an engine says hello (INV-9).
     *
     * @param forceUnsafe start although frames have a way around the proxy; shown in every status
     * @throws UnsafePortsException if they have, and this is not forced
     */
    public static HoldfastProxy start(HoldfastConfig config, boolean forceUnsafe, String version)
            throws ConfigException, UnsafePortsException, PortException, TermFileException, IOException {
        HoldfastProxy proxy = new HoldfastProxy();
        try {
            proxy.wire(config, config.proxy(), forceUnsafe, version);
            return proxy;
        } catch (Throwable e) {
            proxy.close();
            throw e;
        }
    }

    /**
     * Lets the host's own stack receive from a guest's ports again, which a proxy keeps away beyond its own end.
     *
     * @param reason of whoever wants that, for the audit
     * @return the interfaces
     * @throws IOException if the proxy still runs
     */
    public static List<String> releasePorts(HoldfastConfig config, String reason)
            throws ConfigException, PortException, TermFileException, IOException {
        try (ControlClient running = ControlClient.connect(config.ownProxySocket(), PATIENCE)) {
            throw new IOException("the proxy of guest " + config.guest() + " runs; stop it, and the guest, first");
        } catch (ControlUnavailableException e) {
            LOG.debug("the proxy does not run: {}", e.getMessage());
        }
        List<String> interfaceNames = GuardedPorts.interfaceNames(config.proxy().nics());
        for (String interfaceName : interfaceNames) {
            new PortGuard(interfaceName).removeIngressDrop();
        }
        Term term = WallTerms.open(config.stateDirectory()).wall("").term();
        try (AuditLog audit = new AuditLog(
                config.stateDirectory(), "doctor", config.host(), config.guest(), InstantSource.system())) {
            audit.note(AuditEvent.PORTS_RELEASED, term, "the host's stack may receive from the ports again: " + reason);
        }
        return interfaceNames;
    }

    private void wire(HoldfastConfig config, ProxyConfig settings, boolean forceUnsafe, String version)
            throws UnsafePortsException, PortException, TermFileException, IOException {
        PortChoice port = PortChoice.of(settings.port());
        if (!port.because().isEmpty()) {
            LOG.warn("frames go through pcap, which is slower: {}", port.because());
        }
        List<String> unsafe = GuardedPorts.guard(settings.nics(), port.kind(), forceUnsafe);
        unsafe.forEach(problem -> LOG.warn("UNSAFE, by --force-unsafe: {}", problem));
        if (settings.mode() == ProxyMode.OFF) {
            LOG.warn("MODE OFF: nothing is held. Clients see what no backup has, and a failover contradicts it.");
        }
        AuditLog audit = closing(
                new AuditLog(config.stateDirectory(), "proxy", config.host(), config.guest(), InstantSource.system()));
        WallTerms terms = WallTerms.open(config.stateDirectory());
        BufferWall wall = terms.wall(newIncarnation());
        LifeRecord life = closing(LifeRecord.begin(config.stateDirectory(), wall, audit, this::reasonOfEnd));
        GuardedPorts ports = closing(GuardedPorts.open(settings.nics(), port.kind()));

        AddressBook book = new AddressBook(nicNames(settings));
        Ownership ownership = nic -> WallOwnership.standing(wall, System.nanoTime());
        ConflictNews conflictNews = closing(new ConflictNews(wall, this::emit, audit));
        ConflictWatch conflicts = new ConflictWatch(book, ownership, System::nanoTime, conflictNews::wake);
        SilenceNews silenceNews = closing(new SilenceNews(wall, this::emit));
        SilenceWatch silence =
                new SilenceWatch(book.nics(), () -> !wall.state().admitsInput(), System::nanoTime, silenceNews::wake);
        UplinkListener uplinks = closing(new UplinkListener(wall, uplinks(settings), book, silenceNews::wake));
        Map<String, FrameSender> senders = senders(ports);
        AddressProber prober = closing(new AddressProber(senders, this::onProbeEnded));
        PressureWatch pressure = closing(new PressureWatch(this::emit));
        Bridge bridge = closing(new Bridge(
                wall,
                ports.nics(),
                bridgeSettings(settings, ports),
                () -> exemption(settings),
                new AddressObserver(book, conflicts, prober, silence),
                pressure,
                this::onLaneFailure));
        life.holdIn(bridge);
        Announcer announcements = announcer(settings, conflicts.ownership(), senders);
        AnnouncerThread announcer = closing(new AnnouncerThread(announcements));
        announcer.follow(book);
        DumpCommands dumps = closing(new DumpCommands(config, wall, bridge, version, this::emit, audit));

        ClientFrames clientFrames = new ClientFrames(bridge);
        WallNews news = new WallNews(wall, bridge, this::emit, audit, uplinks::onWallChange);
        ControlServer.Builder builder = ControlServer.builder(config.ownProxySocket(), "proxy", version);
        @Nullable
        TranslationKeeper keeper = bridge.translationBook()
                .map(translations -> closing(new TranslationKeeper(config.stateDirectory(), translations)))
                .orElse(null);
        WallCommands wallCommands = new WallCommands(bridge, terms, book, announcer, conflicts, pressure, news, keeper);
        wallCommands.register(builder);
        ModeChoice mode = new ModeChoice(settings, bridge, wall, audit);
        mode.enter();
        mode.register(builder);
        new AnnounceCommands(wall, book, announcer, conflicts, audit).register(builder);
        if (settings.placement() == Placement.BESIDE) { // Inline there is no other uplink that an old owner could use.
            new ProbeCommand(wall, book, prober, hostMacs(settings)).register(builder);
        }
        dumps.register(builder);
        ProxyStatus status = new ProxyStatus(
                config, settings, port, unsafe, bridge, mode, announcer, conflicts, silence, uplinks.watch());
        status.register(builder);
        new ReverseCommands(bridge, wallCommands).register(builder);
        new FlowsCommand(bridge).register(builder);

        MetricsRegistry registry = metrics(
                config,
                bridge,
                clientFrames,
                new ArpMetrics(announcements.counters(), book, conflicts, prober, silence, uplinks.watch()),
                unsafe);
        StatusPage page = closing(new StatusPage(
                status::snapshot,
                bridge.counters().stream().map(NicCounters::holdNanos).toList(),
                config.agentSection().map(agent -> config.agentSocket()),
                config.stateDirectory(),
                InstantSource.system()));
        Map<String, Resource> resources = new HashMap<>(page.resources());
        resources.putAll(MetricsResources.of(registry, this::health, this::health));
        closing(LoopbackServer.start(settings.http(), resources));
        if (keeper != null) {
            keeper.start();
        }
        bridge.start();
        page.start();
        conflictNews.start(conflicts);
        silenceNews.start(silence, uplinks.watch());
        uplinks.start();
        pressure.start(wall::openEpoch, bridge::longestWaitForBarrierNanos);
        closing(FrameServer.start(config.framesSocket(), clientFrames));
        ControlServer started = closing(builder.start());
        server = started;
        vitals = new Vitals(bridge, started.commandThread());
        closing(LeaseWatch.start(wall, started.commandThread(), wallCommands::endLease));
        LOG.info(
                "guest {} on host {}: wall {} with incarnation {}, term {}",
                config.guest(),
                config.host(),
                wall.state(),
                wall.incarnation(),
                wall.term());
    }

    /** How it is, for a service manager. */
    public Vitals vitals() {
        return Objects.requireNonNull(vitals, "there are none before the proxy has started");
    }

    /**
     * Waits until the proxy has been closed, or a part of it has failed.
     *
     * @return what failed; null if it was closed
     */
    public @Nullable String awaitEnd() throws InterruptedException {
        ended.await();
        return failure.get();
    }

    /** Ends the packet path; nothing that is held is released, and the ingress drop stays. Idempotent. */
    @Override
    public void close() {
        if (closed.getAndSet(true)) {
            return;
        }
        while (!parts.isEmpty()) {
            try {
                parts.pop().close();
            } catch (Exception e) {
                LOG.warn("a part did not end well", e);
            }
        }
        ended.countDown();
    }

    private <T extends AutoCloseable> T closing(T part) {
        parts.push(part);
        return part;
    }

    private void onLaneFailure(String lane, Throwable cause) {
        LOG.error("{} has failed; what is held stays held", lane, cause);
        emit(ProxyEvent.PORT_FAILED, Json.object().put("lane", lane).put("reason", String.valueOf(cause.getMessage())));
        failure.compareAndSet(null, lane + " has failed: " + cause.getMessage());
        ended.countDown();
    }

    private String reasonOfEnd() {
        String reason = failure.get();
        return reason == null ? "it was told to" : reason;
    }

    private void onProbeEnded(AddressProber.Ended ended) {
        ended.oldOwner()
                .ifPresent(answer -> LOG.warn("the guest still speaks elsewhere, on {}: {}", answer.nic(), answer));
        ended.others().forEach(answer -> LOG.warn("somebody else uses an address of the guest's: {}", answer));
        emit(ProxyEvent.PROBE_ENDED, ProbeCommand.toJson(ended));
    }

    private void emit(ProxyEvent event, ObjectNode data) {
        ControlServer to = server;
        if (to != null) {
            to.broadcast(event.name(), data);
        }
    }

    private Health health() {
        String reason = failure.get();
        return reason == null ? Health.ok("the lanes run") : Health.failing(reason);
    }

    private MetricsRegistry metrics(
            HoldfastConfig config,
            Bridge bridge,
            ClientFrames clientFrames,
            ArpMetrics arpMetrics,
            List<String> unsafe) {
        MetricsRegistry registry = closing(new MetricsRegistry(config.guest(), config.host()));
        new BridgeMetrics(bridge).bindTo(registry);
        new ReverseMetrics(bridge).bindTo(registry);
        arpMetrics.bindTo(registry.meters());
        FunctionCounter.builder("holdfast.refused.injections", clientFrames, ClientFrames::refusedFrames)
                .description("Clients' frames for a restored guest that it did not get")
                .register(registry.meters());
        Gauge.builder("holdfast.unsafe", unsafe, problems -> problems.isEmpty() ? 0 : 1)
                .description("1 if frames may have a way around the proxy, by --force-unsafe")
                .strongReference(true)
                .register(registry.meters());
        return registry;
    }

    private static String newIncarnation() {
        return "%016x".formatted(new SecureRandom().nextLong());
    }

    private static List<String> nicNames(ProxyConfig settings) {
        return IntStream.range(0, settings.nics().size())
                .mapToObj(Bridge::nicName)
                .toList();
    }

    private static Map<String, String> uplinks(ProxyConfig settings) {
        Map<String, String> uplinks = new LinkedHashMap<>();
        for (int nic = 0; nic < settings.nics().size(); nic++) {
            uplinks.put(Bridge.nicName(nic), settings.nics().get(nic).uplink());
        }
        return uplinks;
    }

    private static Bridge.Settings bridgeSettings(ProxyConfig settings, GuardedPorts ports) {
        return new Bridge.Settings(
                settings.wallLimitBytes(),
                settings.wallHighWaterBytes(),
                DRAIN_NANOS,
                settings.mode() != ProxyMode.OFF,
                settings.placement() == Placement.INLINE
                        ? Optional.of(reconcilerSettings(settings, ports))
                        : Optional.empty());
    }

    private static Reconciler.Settings reconcilerSettings(ProxyConfig settings, GuardedPorts ports) {
        ReverseConfig reverse = settings.reverse();
        Set<Integer> heldPorts = Set.copyOf(reverse.heldPorts());
        return new Reconciler.Settings(
                Long.highestOneBit(reverse.logLimitBytes()),
                reverse.digestLimitBytes(),
                reverse.maxConnections(),
                heldPorts::contains,
                reverse::admissionTo,
                settings.mode() == ProxyMode.REVERSE ? reverse.datagrams() : List.of(),
                ports.nics().getFirst().uplink().prefixBytes(),
                new SecureRandom().nextLong());
    }

    private static Exemption exemption(ProxyConfig settings) {
        return ExemptionFilter.compile(settings.exempt())::isExempt;
    }

    private static Map<String, FrameSender> senders(GuardedPorts ports) {
        Map<String, FrameSender> senders = new LinkedHashMap<>();
        for (int nic = 0; nic < ports.nics().size(); nic++) {
            senders.put(Bridge.nicName(nic), ports.nics().get(nic).uplink()::sendPlain);
        }
        return senders;
    }

    /** As they are now; should a bond take another one, the answers to this one still come in. */
    private static Map<String, MacAddress> hostMacs(ProxyConfig settings) throws PortException {
        Map<String, MacAddress> macs = new LinkedHashMap<>();
        for (Map.Entry<String, String> uplink : uplinks(settings).entrySet()) {
            macs.put(uplink.getKey(), HardwareAddress.of(uplink.getValue()));
        }
        return macs;
    }

    private static Announcer announcer(ProxyConfig settings, Ownership ownership, Map<String, FrameSender> senders) {
        AnnounceSchedule schedule = new AnnounceSchedule(
                settings.announce().schedule(), settings.announce().refresh());
        return new Announcer(schedule, settings.announce().framesPerSecond(), ownership, senders);
    }
}
