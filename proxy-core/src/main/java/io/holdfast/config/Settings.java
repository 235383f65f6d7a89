package io.holdfast.config;

import io.holdfast.frame.IpPrefix;
import io.holdfast.reverse.Admission;
import io.holdfast.reverse.DatagramRule;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * The table of all settings, in the order of the documentation. What is not in it cannot be written in the file.
 *
 * <p>Rules that tie several settings together are in {@link CrossChecks}.
 */
public final class Settings {

    static final String PROXY_SOCKET_NAME = "proxy.sock";
    static final String STANDBY_SOCKET_NAME = "standby.sock";
    static final String AGENT_SOCKET_NAME = "agent.sock";
    static final String FRAMES_SOCKET_NAME = "frames.sock";

    private static final long KIB = 1L << 10;
    private static final long MIB = 1L << 20;
    private static final long GIB = 1L << 30;

    private static final List<Setting<?>> TABLE = new ArrayList<>();

    private static final List<Section> SECTIONS = List.of(
            new Section("", Section.Kind.DEFAULTED, "One guest on one host; read by proxy and agent alike."),
            new Section("proxy", Section.Kind.OPTIONAL, "The packet path: `holdfast proxy`."),
            new Section("proxy.nics", Section.Kind.LIST, "The guest's network cards; all commit at one barrier."),
            new Section(
                    "proxy.exempt",
                    Section.Kind.LIST,
                    "Classes of frames that are never held; never TCP, never fragments."),
            new Section(
                    "proxy.reverse", Section.Kind.DEFAULTED, "What reverse mode may use, and whom it does not serve."),
            new Section(
                    "proxy.reverse.datagrams",
                    Section.Kind.LIST,
                    "Datagrams of the guest that leave at once all the same; never those of a protocol that numbers its"
                            + " packets, such as QUIC or WireGuard."),
            new Section(
                    "proxy.announce",
                    Section.Kind.DEFAULTED,
                    "How the network learns after a promotion where the guest is."),
            new Section("agent", Section.Kind.OPTIONAL, "Checkpoints and failover: `holdfast agent`."),
            new Section(
                    "agent.rehearsal",
                    Section.Kind.DEFAULTED,
                    "The proof that the backup works: its checkpoint, restored in isolation."),
            new Section("agent.link", Section.Kind.DEFAULTED, "The replication link to the other host."),
            new Section(
                    "agent.arbiter",
                    Section.Kind.DEFAULTED,
                    "A third party that says who may own the guest when the hosts do not hear each other."),
            new Section(
                    "agent.fence",
                    Section.Kind.DEFAULTED,
                    "Proof that the primary is gone, before a backup takes over."),
            new Section("agent.qemu", Section.Kind.DEFAULTED, "The guest's hypervisor."));

    static final Setting<String> GUEST = required("guest", ValueTypes.name(), "The guest's name.");
    static final Setting<String> HOST =
            required("host", ValueTypes.name(), "This host's name, the owner of the terms that it draws.");
    static final Setting<Path> RUNTIME_DIRECTORY = derived(
            "runtime-directory",
            ValueTypes.path(),
            "/run/holdfast/<guest>",
            top -> top.find(GUEST).map(guest -> Path.of("/run/holdfast", guest)),
            "Holds the control sockets.");
    static final Setting<Path> STATE_DIRECTORY = derived(
            "state-directory",
            ValueTypes.path(),
            "/var/lib/holdfast/<guest>",
            top -> top.find(GUEST).map(guest -> Path.of("/var/lib/holdfast", guest)),
            "Holds the term file, which must survive a reboot.");

    static final Setting<Placement> PLACEMENT = defaulted(
            "proxy.placement",
            ValueTypes.word(Placement.class),
            Placement.BESIDE,
            "Where the proxy stands: `beside` the guest on each host, or `inline` in front of both hosts.");
    static final Setting<ProxyMode> MODE = defaulted(
            "proxy.mode",
            ValueTypes.word(ProxyMode.class),
            ProxyMode.WALL,
            "What is held: `wall` everything, `reverse` only what cannot be reconciled after a failover (inline), `off`"
                    + " nothing (a bare bridge, for demonstration).");
    static final Setting<PortKind> PORT = defaulted(
            "proxy.port",
            ValueTypes.word(PortKind.class),
            PortKind.AUTO,
            "How frames are captured and sent: `packet-socket` fast and with offloads on, `pcap` through libpcap with"
                    + " offloads off, `auto` the first where it works.");
    static final Setting<String> NIC_GUEST_PORT = optional(
            "proxy.nics.guest-port",
            ValueTypes.interfaceName(),
            "The interface towards the guest, such as its tap; required beside it.");
    static final Setting<String> NIC_PRIMARY = optional(
            "proxy.nics.primary",
            ValueTypes.interfaceName(),
            "The interface towards the host that is primary first; required inline.");
    static final Setting<String> NIC_BACKUP = optional(
            "proxy.nics.backup", ValueTypes.interfaceName(), "The interface towards the other host; required inline.");
    static final Setting<String> NIC_UPLINK =
            required("proxy.nics.uplink", ValueTypes.interfaceName(), "The interface towards router and clients.");
    static final Setting<Long> WALL_LIMIT = defaulted(
            "proxy.wall-limit",
            ValueTypes.size(MIB, 16 * GIB),
            256 * MIB,
            "Room for held frames of all NICs together; the guest stays paused at the next barrier when it is used up.");
    static final Setting<Long> WALL_HIGH_WATER = derived(
            "proxy.wall-high-water",
            ValueTypes.size(64 * KIB, 16 * GIB),
            "<half of wall-limit>",
            proxy -> proxy.find(WALL_LIMIT).map(limit -> limit / 2),
            "Held bytes at which the wall asks for an early checkpoint; below the limit.");
    static final Setting<Integer> EXEMPT_ETHERTYPE =
            optional("proxy.exempt.ethertype", ValueTypes.etherType(), "All frames of this type; stands alone.");
    static final Setting<ExemptProtocol> EXEMPT_PROTOCOL =
            optional("proxy.exempt.protocol", ValueTypes.exemptProtocol(), "Unfragmented packets of this IP protocol.");
    static final Setting<Integer> EXEMPT_PORT = optional(
            "proxy.exempt.port", ValueTypes.integer(1, 65535), "Only this source or destination port; with `udp`.");
    static final Setting<IpPrefix> EXEMPT_PREFIX =
            optional("proxy.exempt.prefix", ValueTypes.ipPrefix(), "Only destinations in this range; with `protocol`.");
    static final Setting<Long> REVERSE_LOG_LIMIT = defaulted(
            "proxy.reverse.log-limit",
            ValueTypes.size(MIB, 16 * GIB),
            128 * MIB,
            "Room for what clients send between two confirmed checkpoints, rounded down to a power of two.");
    static final Setting<Long> REVERSE_DIGEST_LIMIT = defaulted(
            "proxy.reverse.digest-limit",
            ValueTypes.size(64 * KIB, 16 * GIB),
            64 * MIB,
            "Room for digests of what clients have been sent since the last one, 16 bytes for each 256; a connection that"
                    + " finds none is held from then on.");
    static final Setting<Integer> REVERSE_MAX_CONNECTIONS = defaulted(
            "proxy.reverse.max-connections",
            ValueTypes.integer(1, 1 << 20),
            100_000,
            "Connections that are released at once; those beyond are held.");
    static final Setting<List<Integer>> REVERSE_HELD_PORTS = optional(
            "proxy.reverse.held-ports",
            ValueTypes.listOf(ValueTypes.integer(1, 65535)),
            "Ports of the guest whose output cannot be reproduced, because it depends on chance or time; held like in wall"
                    + " mode.");
    static final Setting<Admission> REVERSE_ADMISSION = defaulted(
            "proxy.reverse.admission",
            ValueTypes.word(Admission.class),
            Admission.FREE,
            "When clients' requests reach the guest: `free` at once, right where connections do not depend on each other;"
                    + " `serial` one at a time, so that replies which depend on others' requests repeat after a failover;"
                    + " `batch` all that wait at once, which repeats if the guest serves them in the order of arrival.");
    static final Setting<List<Integer>> REVERSE_FREE_PORTS = optional(
            "proxy.reverse.free-ports",
            ValueTypes.listOf(ValueTypes.integer(1, 65535)),
            "Ports of the guest with admission `free`, whatever the others have.");
    static final Setting<List<Integer>> REVERSE_SERIAL_PORTS = optional(
            "proxy.reverse.serial-ports",
            ValueTypes.listOf(ValueTypes.integer(1, 65535)),
            "Ports of the guest with admission `serial`, whatever the others have; all that are serial share one order.");
    static final Setting<List<Integer>> REVERSE_BATCH_PORTS = optional(
            "proxy.reverse.batch-ports",
            ValueTypes.listOf(ValueTypes.integer(1, 65535)),
            "Ports of the guest with admission `batch`, whatever the others have; they share one order with those that are"
                    + " serial.");
    static final Setting<DatagramRule.Protocol> DATAGRAM_PROTOCOL = required(
            "proxy.reverse.datagrams.protocol",
            ValueTypes.word(DatagramRule.Protocol.class),
            "Of `icmp` and `icmpv6` only echo replies.");
    static final Setting<Integer> DATAGRAM_PORT = optional(
            "proxy.reverse.datagrams.port",
            ValueTypes.integer(1, 65535),
            "The guest's port; required with `udp`, and only there.");
    static final Setting<IpPrefix> DATAGRAM_PREFIX =
            optional("proxy.reverse.datagrams.prefix", ValueTypes.ipPrefix(), "Only clients in this range.");
    static final Setting<DatagramRule.Policy> DATAGRAM_POLICY = defaulted(
            "proxy.reverse.datagrams.policy",
            ValueTypes.word(DatagramRule.Policy.class),
            DatagramRule.Policy.REPLAY,
            "After a failover the restored guest gets the requests once more, and equal replies are swallowed (`replay`);"
                    + " or it does not, and what it says until it is where its clients have seen it is lost (`drop`).");
    static final Setting<Duration> REVERSE_CATCH_UP_LIMIT = defaulted(
            "proxy.reverse.catch-up-limit",
            ValueTypes.duration(Duration.ofMillis(100), Duration.ofMinutes(1)),
            Duration.ofSeconds(3),
            "How long a restored guest may take until it is where its clients have seen it; what is late is reset.");
    static final Setting<InetSocketAddress> PROXY_HTTP = defaulted(
            "proxy.http",
            ValueTypes.loopbackAddress(),
            loopback(9601),
            "Where the status page, /status.json, /metrics, /livez and /readyz are served.");
    static final Setting<List<Duration>> ANNOUNCE_SCHEDULE = defaulted(
            "proxy.announce.schedule",
            ValueTypes.listOf(ValueTypes.duration(Duration.ZERO, Duration.ofMinutes(10))),
            List.of(0, 50, 200, 450, 800, 1900, 3000, 4100, 5200).stream()
                    .map(Duration::ofMillis)
                    .toList(),
            "Times since the promotion, ascending; some more than 1s apart, because Linux neighbours ignore a change"
                    + " within 1s of the last one.");
    static final Setting<Duration> ANNOUNCE_REFRESH = defaulted(
            "proxy.announce.refresh",
            ValueTypes.duration(Duration.ofSeconds(1), Duration.ofHours(1)),
            Duration.ofSeconds(60),
            "Interval of the announcements after the schedule has ended.");
    static final Setting<Integer> ANNOUNCE_RATE = defaulted(
            "proxy.announce.rate",
            ValueTypes.integer(10, 100_000),
            500,
            "Frames per second for each NIC; as many as fit in 100 ms, but at least 32, may follow each other at once.");
    static final Setting<Duration> ANNOUNCE_PROBE = defaulted(
            "proxy.announce.probe",
            ValueTypes.duration(Duration.ZERO, Duration.ofSeconds(1)),
            AnnounceConfig.DEFAULT_PROBE,
            "Beside the guest: how long a promotion asks the network, while the guest is restored, whether the guest still speaks"
                    + " elsewhere; an answer stops it. 0 asks nobody.");

    static final Setting<InitialRole> ROLE = required(
            "agent.role",
            ValueTypes.word(InitialRole.class),
            "What this host is at the very first start; afterwards the term on disk decides.");
    static final Setting<WallPlace> AGENT_WALL = defaulted(
            "agent.wall",
            ValueTypes.word(WallPlace.class),
            WallPlace.LOCAL,
            "Where the proxy with the wall is: `local`, or `peer` if it stands inline beside the other agent; then commands go"
                    + " over the link, and a proxy of this host stands by for the other's death.");
    static final Setting<List<String>> AGENT_GUEST_PORTS = optional(
            "agent.guest-ports",
            ValueTypes.listOf(ValueTypes.interfaceName()),
            "The guest's taps on this host, whose only way leads to inline proxies; required with `wall: peer`. By default the"
                    + " proxy's own ports.");
    static final Setting<ArmingPolicy> ARMING = defaulted(
            "agent.arming",
            ValueTypes.word(ArmingPolicy.class),
            ArmingPolicy.HOLD,
            "What happens to frames until the first full checkpoint is confirmed: `hold`, or `pass` unprotected.");
    static final Setting<Duration> INTERVAL = defaulted(
            "agent.interval",
            ValueTypes.duration(Duration.ofMillis(5), Duration.ofSeconds(10)),
            Duration.ofMillis(200),
            "Between two checkpoints at most; output that waits brings the next one forward.");
    static final Setting<Duration> LATENCY_TARGET = defaulted(
            "agent.latency-target",
            ValueTypes.duration(Duration.ZERO, Duration.ofSeconds(10)),
            Duration.ZERO,
            "Output that has been held this long asks for a checkpoint; 0ms asks at once.");
    static final Setting<Integer> PAUSE_BUDGET = defaulted(
            "agent.pause-budget",
            ValueTypes.integer(1, 90),
            30,
            "Share of the guest's time that checkpoints may take from it, in percent.");
    static final Setting<Integer> EPOCHS_IN_FLIGHT = defaulted(
            "agent.epochs-in-flight",
            ValueTypes.integer(1, 16),
            2,
            "Checkpoints that may be sent and not yet confirmed.");
    static final Setting<MirrorInput> MIRROR_INPUT = defaulted(
            "agent.mirror-input",
            ValueTypes.word(MirrorInput.class),
            MirrorInput.TCP,
            "What of the clients' frames is copied to the backup, so that after a failover nobody waits until a client sends"
                    + " again: `tcp`, `all` (what is not TCP may then reach the guest twice), or `off`.");
    static final Setting<Duration> HEARTBEAT = defaulted(
            "agent.heartbeat",
            ValueTypes.duration(Duration.ofMillis(10), Duration.ofSeconds(10)),
            Duration.ofMillis(100),
            "Interval of the signs of life between the hosts.");
    static final Setting<Integer> MISSED_HEARTBEATS = defaulted(
            "agent.missed-heartbeats",
            ValueTypes.integer(2, 100),
            5,
            "Silent heartbeats after which the peer is suspected.");
    static final Setting<Duration> GRACE = defaulted(
            "agent.grace",
            ValueTypes.duration(Duration.ZERO, Duration.ofSeconds(30)),
            Duration.ofMillis(300),
            "Wait after end of file on the link without word of the guest's death, because an agent may restart.");
    static final Setting<Integer> RESTORE_ATTEMPTS = defaulted(
            "agent.restore-attempts",
            ValueTypes.integer(1, 8),
            4,
            "How often a checkpoint may be restored behind an inline proxy, with another order of input each time, before"
                    + " connections that differ are reset. With more than 1 the backup keeps a second copy of the guest's"
                    + " memory.");
    static final Setting<Integer> SPARES = defaulted(
            "agent.spares",
            ValueTypes.integer(0, 7),
            1,
            "Memories that are filled with the checkpoint while an attempt to restore it runs, for the attempts after it, which"
                    + " then begin some hundred milliseconds earlier. Each takes as much memory as the guest has, during a"
                    + " failover behind an inline proxy only.");
    static final Setting<InetSocketAddress> AGENT_HTTP = defaulted(
            "agent.http",
            ValueTypes.loopbackAddress(),
            loopback(9602),
            "Where /metrics, /livez and /readyz are served.");
    static final Setting<Duration> REHEARSAL_EVERY = defaulted(
            "agent.rehearsal.every",
            ValueTypes.duration(Duration.ZERO, Duration.ofDays(31)),
            Duration.ZERO,
            "Interval of rehearsals while this backup may promote; 0 for none but those of `holdfast rehearse`. Each takes as"
                    + " much memory again as the guest has, while it lasts.");
    static final Setting<Duration> REHEARSAL_TIME_LIMIT = defaulted(
            "agent.rehearsal.time-limit",
            ValueTypes.duration(Duration.ofSeconds(1), Duration.ofHours(1)),
            Duration.ofMinutes(2),
            "How long one may take; then it is ended, and has failed.");
    static final Setting<Duration> REHEARSAL_ANSWER_LIMIT = defaulted(
            "agent.rehearsal.answer-limit",
            ValueTypes.duration(Duration.ofMillis(100), Duration.ofMinutes(10)),
            Duration.ofSeconds(5),
            "How long the restored guest may take to answer, and then the `check` to end.");
    static final Setting<List<String>> REHEARSAL_CHECK = optional(
            "agent.rehearsal.check",
            ValueTypes.commandLine(),
            "A command that looks whether the restored guest does its work, run in the guest's isolated network with"
                    + " HOLDFAST_GUEST_ADDRESS set; exit code 0 says that it does.");
    static final Setting<InetSocketAddress> LINK_LISTEN =
            required("agent.link.listen", ValueTypes.address(), "Where this host accepts the other one.");
    static final Setting<InetSocketAddress> LINK_PEER =
            required("agent.link.peer", ValueTypes.address(), "Where the other host accepts this one.");
    static final Setting<Boolean> LINK_INSECURE = defaulted(
            "agent.link.insecure",
            ValueTypes.flag(),
            false,
            "Guest memory crosses the link in clear text and anybody may answer.");
    static final Setting<Path> LINK_CERTIFICATE = optional(
            "agent.link.certificate", ValueTypes.path(), "This host's certificate, PEM; required unless insecure.");
    static final Setting<Path> LINK_KEY =
            optional("agent.link.key", ValueTypes.path(), "The certificate's key, PEM; required unless insecure.");
    static final Setting<Path> LINK_AUTHORITY = optional(
            "agent.link.authority",
            ValueTypes.path(),
            "The authority that signed both hosts' certificates, PEM; required unless insecure.");
    static final Setting<ArbiterKind> ARBITER_KIND = defaulted(
            "agent.arbiter.kind",
            ValueTypes.word(ArbiterKind.class),
            ArbiterKind.NONE,
            "Who says it: `none` (the backup promotes when it loses the primary, the primary never goes on alone by itself),"
                    + " `etcd`, or `exec`, a command with the exit codes of DRBD's fence-peer handlers. The same on both hosts.");
    static final Setting<List<URI>> ARBITER_ENDPOINTS = optional(
            "agent.arbiter.endpoints",
            ValueTypes.listOf(ValueTypes.httpUrl()),
            "Client URLs of etcd's members, tried in this order; required with `etcd`, best on hosts of their own.");
    static final Setting<Duration> ARBITER_LEASE = defaulted(
            "agent.arbiter.lease",
            ValueTypes.duration(Duration.ofSeconds(2), Duration.ofMinutes(10)),
            Duration.ofSeconds(10),
            "With `etcd`: how long a guest serves alone after etcd was last heard; whole seconds, renewed at a third.");
    static final Setting<Duration> ARBITER_TIME_LIMIT = defaulted(
            "agent.arbiter.time-limit",
            ValueTypes.duration(Duration.ofMillis(100), Duration.ofMinutes(10)),
            Duration.ofSeconds(2),
            "For one question to one endpoint of etcd, or for the command; then it counts as unreachable, and is asked again.");
    static final Setting<List<String>> ARBITER_COMMAND = optional(
            "agent.arbiter.command",
            ValueTypes.commandLine(),
            "With `exec`: what is run; a list, or one line without quotes.");
    static final Setting<Path> ARBITER_AUTHORITY = optional(
            "agent.arbiter.authority",
            ValueTypes.path(),
            "The authority that signed the certificates of etcd's members, PEM; by default those that Java trusts.");
    static final Setting<Path> ARBITER_CERTIFICATE = optional(
            "agent.arbiter.certificate",
            ValueTypes.path(),
            "This host's certificate for etcd, PEM; with `key` and `authority`.");
    static final Setting<Path> ARBITER_KEY =
            optional("agent.arbiter.key", ValueTypes.path(), "The certificate's key, PEM.");
    static final Setting<String> ARBITER_USER =
            optional("agent.arbiter.user", ValueTypes.text(), "This host's user in etcd; with `password-file`.");
    static final Setting<Path> ARBITER_PASSWORD_FILE = optional(
            "agent.arbiter.password-file", ValueTypes.path(), "The file whose first line is that user's password.");
    static final Setting<List<String>> FENCE_COMMAND = optional(
            "agent.fence.command",
            ValueTypes.commandLine(),
            "Run before a promotion that the primary's death is only guessed for, such as one that switches its power off:"
                    + " exit code 0 is proof, and without proof nothing is promoted. By default nothing is run.");
    static final Setting<Duration> FENCE_TIME_LIMIT = defaulted(
            "agent.fence.time-limit",
            ValueTypes.duration(Duration.ofMillis(100), Duration.ofMinutes(10)),
            Duration.ofSeconds(60),
            "For one run of the command; then it has failed, and is run again.");
    static final Setting<Path> QEMU_QMP = derived(
            "agent.qemu.qmp",
            ValueTypes.socketPath(),
            "<runtime-directory>/qmp.sock",
            qemu -> inRuntimeDirectory(qemu, "qmp.sock"),
            "The QMP socket of the guest's QEMU.");
    static final Setting<Path> QEMU_MEMORY = derived(
            "agent.qemu.memory",
            ValueTypes.path(),
            "/dev/shm/<guest>.ram",
            qemu -> qemu.top().find(GUEST).map(guest -> Path.of("/dev/shm", guest + ".ram")),
            "The file of its memory-backend-file, share=on.");
    static final Setting<Path> QEMU_INCOMING = derived(
            "agent.qemu.incoming",
            ValueTypes.socketPath(),
            "<runtime-directory>/incoming.sock",
            qemu -> inRuntimeDirectory(qemu, "incoming.sock"),
            "The socket on which a waiting QEMU takes device state.");
    static final Setting<List<String>> QEMU_COMMAND = required(
            "agent.qemu.command",
            ValueTypes.commandLine(),
            "What starts the guest here, without -incoming: a list, or one line without quotes.");
    static final Setting<DirtyPagesMethod> QEMU_DIRTY_PAGES = defaulted(
            "agent.qemu.dirty-pages",
            ValueTypes.word(DirtyPagesMethod.class),
            DirtyPagesMethod.AUTO,
            "How changed memory is found: `pagemap-scan` (Linux 6.7, and holdfast-track.so in QEMU), `soft-dirty` bits,"
                    + " `comparison` of all memory, or `auto`, the fastest that works. Status shows which one runs.");

    private static final List<Setting<?>> ALL = List.copyOf(TABLE);

    private Settings() {}

    /** Every setting, in the order of the documentation. */
    public static List<Setting<?>> all() {
        return ALL;
    }

    /** Every section, outer before inner. */
    public static List<Section> sections() {
        return SECTIONS;
    }

    /** The settings that stand directly in a section. */
    static List<Setting<?>> in(String sectionPath) {
        return ALL.stream()
                .filter(setting -> setting.sectionPath().equals(sectionPath))
                .toList();
    }

    /** The sections that stand directly in a section. */
    static List<Section> sectionsIn(String sectionPath) {
        return SECTIONS.stream()
                .filter(section ->
                        !section.path().isEmpty() && section.parentPath().equals(sectionPath))
                .toList();
    }

    private static Optional<Path> inRuntimeDirectory(SectionValues section, String name) {
        return section.top().find(RUNTIME_DIRECTORY).map(directory -> directory.resolve(name));
    }

    private static InetSocketAddress loopback(int port) {
        return new InetSocketAddress(InetAddress.ofLiteral("127.0.0.1"), port);
    }

    private static <T> Setting<T> required(String path, ValueType<T> type, String text) {
        return add(path, type, true, null, section -> Optional.empty(), text);
    }

    private static <T> Setting<T> optional(String path, ValueType<T> type, String text) {
        return add(path, type, false, null, section -> Optional.empty(), text);
    }

    private static <T> Setting<T> defaulted(String path, ValueType<T> type, T value, String text) {
        List<String> scalars = type.print(value);
        String printed = type instanceof ValueType.ListOf ? scalars.toString() : scalars.getFirst();
        return add(path, type, false, printed, section -> Optional.of(value), text);
    }

    private static <T> Setting<T> derived(
            String path,
            ValueType<T> type,
            String defaultText,
            Function<SectionValues, Optional<T>> fallback,
            String text) {
        return add(path, type, false, defaultText, fallback, text);
    }

    private static <T> Setting<T> add(
            String path,
            ValueType<T> type,
            boolean required,
            @Nullable String defaultText,
            Function<SectionValues, Optional<T>> fallback,
            String text) {
        Setting<T> setting = new Setting<>(path, type, required, defaultText, fallback, text);
        TABLE.add(setting);
        return setting;
    }
}
