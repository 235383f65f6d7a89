package io.holdfast.cli.doctor;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.MissingNode;
import io.holdfast.config.AgentConfig;
import io.holdfast.config.HoldfastConfig;
import io.holdfast.config.NicConfig;
import io.holdfast.config.PortKind;
import io.holdfast.config.ProxyConfig;
import io.holdfast.control.CommandException;
import io.holdfast.control.ControlClient;
import io.holdfast.port.PacketSocketPort;
import io.holdfast.port.PcapPort;
import io.holdfast.port.PortException;
import io.holdfast.port.PortGuard;
import io.holdfast.port.PortPair;
import java.io.IOException;
import java.net.InetAddress;
import java.net.NetworkInterface;
import java.net.SocketException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** Looks at one host for one guest. */
public final class Doctor {

    private static final int NET_ADMIN = 12;
    private static final int NET_RAW = 13;
    private static final Duration PATIENCE = Duration.ofSeconds(2);

    private final HoldfastConfig config;
    private final List<Finding> findings = new ArrayList<>();

    private Doctor(HoldfastConfig config) {
        this.config = config;
    }

    /** Everything that was looked at, in an order that puts causes before what they cause. */
    public static List<Finding> examine(HoldfastConfig config) {
        Doctor doctor = new Doctor(config);
        doctor.examineJava();
        doctor.examinePrivileges();
        config.proxySection().ifPresent(doctor::examineProxy);
        config.agentSection().ifPresent(doctor::examineAgent);
        doctor.examineHostStack();
        doctor.examineSockets();
        return doctor.findings;
    }

    private void examineJava() {
        Runtime.Version version = Runtime.version();
        add(
                version.feature() >= 25
                        ? Finding.ok("java", version.toString())
                        : Finding.failed("java", version + "; Java 25 or newer is needed"));
    }

    private void examinePrivileges() {
        long capabilities = capabilities();
        boolean mayUsePorts = has(capabilities, NET_ADMIN) && has(capabilities, NET_RAW);
        add(
                mayUsePorts
                        ? Finding.ok("privileges", "CAP_NET_RAW and CAP_NET_ADMIN")
                        : Finding.failed("privileges", "CAP_NET_RAW and CAP_NET_ADMIN are missing; run as root"));
    }

    private void examineProxy(ProxyConfig proxy) {
        try {
            add(Finding.ok("libpcap", PcapPort.libraryVersion()));
        } catch (PortException e) {
            add(Finding.failed("libpcap", String.valueOf(e.getMessage())));
        }
        Optional<String> whyNoSocket = PacketSocketPort.whyNot();
        add(whyNoSocket
                .map(reason -> proxy.port() == PortKind.PACKET_SOCKET
                        ? Finding.failed("packet socket", reason)
                        : Finding.warning("packet socket", reason + "; frames go through pcap, which is slower"))
                .orElseGet(() -> Finding.ok("packet socket", "with virtio_net_hdr")));
        boolean throughPcap =
                proxy.port() == PortKind.PCAP || (proxy.port() == PortKind.AUTO && whyNoSocket.isPresent());
        examineTool("ip", "-Version", "iproute2");
        examineTool("nft", "--version", "nftables");
        examineTool("ethtool", "--version", "ethtool");
        for (NicConfig nic : proxy.nics()) {
            examinePort(nic.uplink(), throughPcap);
            for (String guestPort : nic.guestPorts()) {
                examinePort(guestPort, throughPcap);
                examinePair(new PortPair(guestPort, nic.uplink()));
            }
        }
    }

    private void examinePair(PortPair pair) {
        try {
            pair.problems().forEach(problem -> add(Finding.failed("mtu", problem)));
        } catch (PortException e) {
            // That one of them is not there was found before.
        }
    }

    private void examineTool(String tool, String versionOption, String debianPackage) {
        Optional<String> version = Tool.firstLine(tool, versionOption);
        add(version.map(line -> Finding.ok(tool, line))
                .orElseGet(() -> Finding.failed(tool, "not found: apt-get install " + debianPackage)));
    }

    private void examinePort(String interfaceName, boolean throughPcap) {
        String what = "port " + interfaceName;
        PortGuard guard = new PortGuard(interfaceName);
        try {
            List<String> problems = guard.problems(throughPcap);
            problems.forEach(problem -> add(Finding.failed(what, problem)));
            if (!guard.isUp()) {
                add(Finding.failed(what, "it is down: ip link set " + interfaceName + " up"));
            } else if (problems.isEmpty()) {
                add(Finding.ok(
                        what,
                        guard.isIngressDropped()
                                ? "fit; the host's own stack gets nothing from it"
                                : "fit; the proxy will keep the host's own stack away from it"));
            }
        } catch (PortException e) {
            add(Finding.failed(what, String.valueOf(e.getMessage())));
        }
    }

    private void examineAgent(AgentConfig agent) {
        examineQemu(agent.qemu().command());
        examineMemory(agent);
        examineLink(agent.link().listen().getAddress());
    }

    private void examineQemu(List<String> command) {
        String qemu = program(command);
        Optional<String> version = Tool.firstLine(qemu, "--version");
        if (version.isEmpty()) {
            add(Finding.failed("qemu", qemu + " is not found: apt-get install qemu-system-x86"));
        } else if (!isQemu(qemu)) {
            add(Finding.failed(
                    "qemu",
                    "qemu.command begins with " + qemu + ", behind which nobody sees what QEMU is told, and a rehearsal"
                            + " cannot keep its guest's files apart; name qemu-system-... and its options there"));
        } else if (EmulatedProcessors.losesBarriers(command, version.get())) {
            add(Finding.failed(
                    "qemu",
                    version.get() + " under tcg with one processor: the guest's network will stand still one day;"
                            + " use -smp 1,maxcpus=2 or QEMU 8.1"));
        } else {
            add(Finding.ok("qemu", version.get()));
        }
        if (KernelNetworking.isAskedFor(command)) {
            add(Finding.failed(
                    "qemu",
                    "qemu.command has a tap with vhost: the kernel hands on frames of a guest that QEMU has stopped; say"
                            + " vhost=off"));
        }
        if (VlanFilter.isIn(command)) {
            add(Finding.warning(
                    "qemu",
                    "qemu.command has a virtio NIC that filters VLANs: QEMU forgets them when it restores a guest, which"
                            + " gets no tagged frame then; say ctrl_vlan=off if it uses any"));
        }
    }

    /** Without {@code env} and the settings after it. */
    private static String program(List<String> command) {
        return command.stream()
                .filter(word -> !word.equals("env") && !word.contains("="))
                .findFirst()
                .orElse(command.getFirst());
    }

    /** Debian's {@code kvm} is one, and so is a QEMU of one's own somewhere else. */
    private static boolean isQemu(String program) {
        String name = program.substring(program.lastIndexOf('/') + 1);
        return name.startsWith("qemu") || name.equals("kvm");
    }

    private void examineMemory(AgentConfig agent) {
        String what = "guest memory";
        Path file = agent.qemu().memory();
        Path directory = Optional.ofNullable(file.getParent()).orElse(file);
        try {
            if (Files.exists(file)) {
                add(Finding.ok(what, file + " is there, " + mib(Files.size(file))));
                return;
            }
            long freeBytes = Files.getFileStore(directory).getUsableSpace();
            Optional<Long> neededBytes = GuestMemory.sizeBytes(agent.qemu().command());
            if (neededBytes.isEmpty()) {
                add(Finding.warning(
                        what, "the size is not in qemu.command; " + directory + " has " + mib(freeBytes) + " free"));
            } else if (neededBytes.get() > freeBytes) {
                add(Finding.failed(
                        what,
                        "%s needed, %s free in %s: mount -o remount,size=... %s"
                                .formatted(mib(neededBytes.get()), mib(freeBytes), directory, directory)));
            } else {
                add(Finding.ok(
                        what, "%s needed, %s free in %s".formatted(mib(neededBytes.get()), mib(freeBytes), directory)));
            }
        } catch (IOException e) {
            add(Finding.failed(what, "cannot look at " + directory + ": " + e.getMessage()));
        }
    }

    private void examineLink(InetAddress listen) {
        try {
            add(
                    NetworkInterface.getByInetAddress(listen) != null
                            ? Finding.ok("link", listen.getHostAddress() + " is an address of this host")
                            : Finding.failed(
                                    "link",
                                    "agent.link.listen: " + listen.getHostAddress() + " is not an address here"));
        } catch (SocketException e) {
            add(Finding.failed("link", "cannot look at this host's addresses: " + e.getMessage()));
        }
    }

    /** Whether the host itself speaks for the guest, or lets it speak past the wall. */
    private void examineHostStack() {
        String what = "host stack";
        try {
            GuestIdentity guest = GuestIdentity.of(
                    config.agentSection().map(agent -> agent.qemu().command()).orElse(List.of()), learnedAddresses());
            LeakPaths.find(HostNetworkReader.read(), guest, ports(), droppedPorts(), bridgedPorts())
                    .forEach(this::add);
        } catch (IOException e) {
            add(Finding.failed(what, "cannot look at it: " + e.getMessage()));
        }
    }

    /** What the proxy has learned, or was told; nothing if it does not run. */
    private JsonNode learnedAddresses() {
        try (ControlClient proxy = ControlClient.connect(config.ownProxySocket(), PATIENCE)) {
            return proxy.execute("addresses", JsonNodeFactory.instance.objectNode());
        } catch (IOException | CommandException e) {
            return MissingNode.getInstance();
        }
    }

    private Set<String> ports() {
        Set<String> ports = new LinkedHashSet<>();
        config.proxySection().stream().flatMap(proxy -> proxy.nics().stream()).forEach(nic -> {
            ports.addAll(nic.guestPorts());
            ports.add(nic.uplink());
        });
        return ports;
    }

    private Set<String> droppedPorts() {
        return ports().stream()
                .filter(port -> new PortGuard(port).isIngressDropped())
                .collect(Collectors.toSet());
    }

    /** The taps of a guest whose proxy is somewhere else. */
    private Set<String> bridgedPorts() {
        return config.agentSection()
                .map(agent -> Set.copyOf(agent.guestPorts()))
                .orElse(Set.of());
    }

    private void examineSockets() {
        Set<Path> sockets =
                new LinkedHashSet<>(List.of(config.proxySocket(), config.ownProxySocket(), config.agentSocket()));
        for (Path socket : sockets) {
            String what = String.valueOf(socket.getFileName());
            add(
                    Files.exists(socket)
                            ? Finding.ok(what, socket + " is there; `holdfast status` tells more")
                            : Finding.warning(what, socket + " is not there, so the process does not run"));
        }
    }

    /** The capabilities in effect, one bit each; none if the kernel does not tell. */
    private static long capabilities() {
        try (Stream<String> lines = Files.lines(Path.of("/proc/self/status"))) {
            return lines.filter(line -> line.startsWith("CapEff:"))
                    .mapToLong(line -> Long.parseUnsignedLong(line.substring(7).strip(), 16))
                    .findFirst()
                    .orElse(0);
        } catch (IOException e) {
            return 0;
        }
    }

    private static boolean has(long capabilities, int capability) {
        return (capabilities >>> capability & 1) != 0;
    }

    private static String mib(long bytes) {
        return (bytes >> 20) + " MiB";
    }

    private void add(Finding finding) {
        findings.add(finding);
    }
}
