package io.holdfast.config;

import io.holdfast.frame.ExemptionRule;
import io.holdfast.reverse.DatagramRule;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/** Makes the program's records of values that have been checked. */
final class Assembly {

    private Assembly() {}

    static HoldfastConfig holdfast(SectionValues top) {
        return new HoldfastConfig(
                top.get(Settings.GUEST),
                top.get(Settings.HOST),
                top.get(Settings.RUNTIME_DIRECTORY),
                top.get(Settings.STATE_DIRECTORY),
                top.section("proxy").map(Assembly::proxy),
                top.section("agent").map(Assembly::agent));
    }

    private static ProxyConfig proxy(SectionValues proxy) {
        return new ProxyConfig(
                proxy.get(Settings.PLACEMENT),
                proxy.get(Settings.MODE),
                proxy.get(Settings.PORT),
                proxy.list("proxy.nics").stream().map(Assembly::nic).toList(),
                proxy.get(Settings.WALL_LIMIT),
                proxy.get(Settings.WALL_HIGH_WATER),
                proxy.list("proxy.exempt").stream().map(Assembly::exemption).toList(),
                reverse(proxy.section("proxy.reverse").orElseThrow()),
                proxy.get(Settings.PROXY_HTTP),
                announce(proxy.section("proxy.announce").orElseThrow()));
    }

    private static NicConfig nic(SectionValues nic) {
        List<String> guestPorts = Stream.of(Settings.NIC_GUEST_PORT, Settings.NIC_PRIMARY, Settings.NIC_BACKUP)
                .flatMap(setting -> nic.find(setting).stream())
                .toList();
        return new NicConfig(guestPorts, nic.get(Settings.NIC_UPLINK));
    }

    private static ReverseConfig reverse(SectionValues reverse) {
        return new ReverseConfig(
                reverse.get(Settings.REVERSE_LOG_LIMIT),
                reverse.get(Settings.REVERSE_DIGEST_LIMIT),
                reverse.get(Settings.REVERSE_MAX_CONNECTIONS),
                reverse.find(Settings.REVERSE_HELD_PORTS).orElse(List.of()),
                reverse.get(Settings.REVERSE_ADMISSION),
                reverse.find(Settings.REVERSE_FREE_PORTS).orElse(List.of()),
                reverse.find(Settings.REVERSE_SERIAL_PORTS).orElse(List.of()),
                reverse.find(Settings.REVERSE_BATCH_PORTS).orElse(List.of()),
                reverse.list("proxy.reverse.datagrams").stream()
                        .map(Assembly::datagramRule)
                        .toList(),
                reverse.get(Settings.REVERSE_CATCH_UP_LIMIT));
    }

    private static DatagramRule datagramRule(SectionValues rule) {
        return new DatagramRule(
                rule.get(Settings.DATAGRAM_PROTOCOL),
                rule.find(Settings.DATAGRAM_PORT).orElse(DatagramRule.NO_PORT),
                rule.find(Settings.DATAGRAM_PREFIX).orElse(null),
                rule.get(Settings.DATAGRAM_POLICY));
    }

    private static ExemptionRule exemption(SectionValues exemption) {
        Optional<Integer> etherType = exemption.find(Settings.EXEMPT_ETHERTYPE);
        if (etherType.isPresent()) {
            return new ExemptionRule.OfEtherType(etherType.get());
        }
        return new ExemptionRule.OfProtocol(
                exemption.get(Settings.EXEMPT_PROTOCOL).number(),
                exemption.find(Settings.EXEMPT_PORT).orElse(ExemptionRule.ANY_PORT),
                exemption.find(Settings.EXEMPT_PREFIX).orElse(null));
    }

    private static AnnounceConfig announce(SectionValues announce) {
        return new AnnounceConfig(
                announce.get(Settings.ANNOUNCE_SCHEDULE),
                announce.get(Settings.ANNOUNCE_REFRESH),
                announce.get(Settings.ANNOUNCE_RATE),
                announce.get(Settings.ANNOUNCE_PROBE));
    }

    private static AgentConfig agent(SectionValues agent) {
        return new AgentConfig(
                agent.get(Settings.ROLE),
                agent.get(Settings.AGENT_WALL),
                agent.find(Settings.AGENT_GUEST_PORTS).orElse(List.of()),
                agent.get(Settings.ARMING),
                agent.get(Settings.INTERVAL),
                agent.get(Settings.LATENCY_TARGET),
                agent.get(Settings.PAUSE_BUDGET),
                agent.get(Settings.EPOCHS_IN_FLIGHT),
                agent.get(Settings.MIRROR_INPUT),
                agent.get(Settings.HEARTBEAT),
                agent.get(Settings.MISSED_HEARTBEATS),
                agent.get(Settings.GRACE),
                agent.get(Settings.RESTORE_ATTEMPTS),
                agent.get(Settings.SPARES),
                rehearsal(agent.section("agent.rehearsal").orElseThrow()),
                link(agent.section("agent.link").orElseThrow()),
                arbiter(agent.section("agent.arbiter").orElseThrow()),
                fence(agent.section("agent.fence").orElseThrow()),
                qemu(agent.section("agent.qemu").orElseThrow()),
                agent.get(Settings.AGENT_HTTP));
    }

    private static RehearsalConfig rehearsal(SectionValues rehearsal) {
        return new RehearsalConfig(
                rehearsal.get(Settings.REHEARSAL_EVERY),
                rehearsal.get(Settings.REHEARSAL_TIME_LIMIT),
                rehearsal.get(Settings.REHEARSAL_ANSWER_LIMIT),
                rehearsal.find(Settings.REHEARSAL_CHECK).orElse(List.of()));
    }

    private static LinkConfig link(SectionValues link) {
        Optional<TlsConfig> tls = link.get(Settings.LINK_INSECURE)
                ? Optional.empty()
                : Optional.of(new TlsConfig(
                        link.get(Settings.LINK_CERTIFICATE),
                        link.get(Settings.LINK_KEY),
                        link.get(Settings.LINK_AUTHORITY)));
        return new LinkConfig(link.get(Settings.LINK_LISTEN), link.get(Settings.LINK_PEER), tls);
    }

    private static ArbiterConfig arbiter(SectionValues arbiter) {
        Optional<Path> authority = arbiter.find(Settings.ARBITER_AUTHORITY);
        return new ArbiterConfig(
                arbiter.get(Settings.ARBITER_KIND),
                arbiter.find(Settings.ARBITER_ENDPOINTS).orElse(List.of()),
                arbiter.get(Settings.ARBITER_LEASE),
                arbiter.get(Settings.ARBITER_TIME_LIMIT),
                arbiter.find(Settings.ARBITER_COMMAND).orElse(List.of()),
                authority,
                arbiter.find(Settings.ARBITER_CERTIFICATE)
                        .map(certificate ->
                                new TlsConfig(certificate, arbiter.get(Settings.ARBITER_KEY), authority.orElseThrow())),
                arbiter.find(Settings.ARBITER_USER)
                        .map(user -> new ArbiterConfig.Login(user, arbiter.get(Settings.ARBITER_PASSWORD_FILE))));
    }

    private static FenceConfig fence(SectionValues fence) {
        return new FenceConfig(
                fence.find(Settings.FENCE_COMMAND).orElse(List.of()), fence.get(Settings.FENCE_TIME_LIMIT));
    }

    private static QemuConfig qemu(SectionValues qemu) {
        return new QemuConfig(
                qemu.get(Settings.QEMU_QMP),
                qemu.get(Settings.QEMU_MEMORY),
                qemu.get(Settings.QEMU_INCOMING),
                qemu.get(Settings.QEMU_COMMAND),
                qemu.get(Settings.QEMU_DIRTY_PAGES));
    }
}
