package io.holdfast.cli.proxy;

import io.holdfast.bridge.Bridge;
import io.holdfast.config.NicConfig;
import io.holdfast.config.PortKind;
import io.holdfast.port.FramePort;
import io.holdfast.port.PacketSocketPort;
import io.holdfast.port.PcapPort;
import io.holdfast.port.PortException;
import io.holdfast.port.PortGuard;
import io.holdfast.port.PortPair;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/**
 * The ports of all NICs, open, and guarded against ways around the proxy (INV-8).
 *
 * <p>The guard's rule, which keeps frames from the host's own stack, outlives the process however it ends: while nobody
 * captures, nothing of the guest's may find another way out. {@code holdfast doctor --release-ports} takes it away.
 */
final class GuardedPorts implements AutoCloseable {

    private final List<Bridge.Nic> nics = new ArrayList<>();
    private final List<FramePort> open = new ArrayList<>();

    /**
     * Looks at all ports, and installs their guards if they are fit or this is forced. An interface that is unfit is left
     * as it is: it may be one that the configuration names by mistake, and that the host lives on.
     *
     * @return what makes them unfit though it was forced
     * @throws UnsafePortsException if they are unfit and it was not
     */
    static List<String> guard(List<NicConfig> nics, PortKind kind, boolean forceUnsafe)
            throws PortException, UnsafePortsException {
        List<String> problems = new ArrayList<>();
        for (String interfaceName : interfaceNames(nics)) {
            problems.addAll(new PortGuard(interfaceName).problems(kind == PortKind.PCAP));
        }
        for (NicConfig nic : nics) {
            for (String guestPort : nic.guestPorts()) {
                problems.addAll(new PortPair(guestPort, nic.uplink()).problems());
            }
        }
        if (!problems.isEmpty() && !forceUnsafe) {
            throw new UnsafePortsException(problems);
        }
        for (String interfaceName : interfaceNames(nics)) {
            PortGuard guard = new PortGuard(interfaceName);
            guard.forbidAddresses();
            guard.installIngressDrop();
        }
        return problems;
    }

    /** Every interface that is a port. */
    static List<String> interfaceNames(List<NicConfig> nics) {
        return nics.stream()
                .flatMap(nic -> Stream.concat(nic.guestPorts().stream(), Stream.of(nic.uplink())))
                .toList();
    }

    /** Opens all ports, or none. */
    static GuardedPorts open(List<NicConfig> nics, PortKind kind) throws PortException {
        GuardedPorts ports = new GuardedPorts();
        try {
            for (NicConfig nic : nics) {
                List<FramePort> guestPorts = new ArrayList<>();
                for (String guestPort : nic.guestPorts()) {
                    guestPorts.add(ports.opened(guestPort, kind));
                }
                ports.nics.add(new Bridge.Nic(guestPorts, ports.opened(nic.uplink(), kind)));
            }
            return ports;
        } catch (PortException e) {
            ports.close();
            throw e;
        }
    }

    private FramePort opened(String interfaceName, PortKind kind) throws PortException {
        FramePort port = open(interfaceName, kind);
        open.add(port);
        return port;
    }

    private static FramePort open(String interfaceName, PortKind kind) throws PortException {
        return switch (kind) {
            case PACKET_SOCKET -> PacketSocketPort.open(interfaceName);
            case PCAP -> PcapPort.open(interfaceName);
            case AUTO -> throw new IllegalArgumentException("choose first");
        };
    }

    List<Bridge.Nic> nics() {
        return List.copyOf(nics);
    }

    @Override
    public void close() {
        open.forEach(FramePort::close);
    }
}
