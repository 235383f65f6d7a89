package io.holdfast.config;

import io.holdfast.reverse.DatagramRule;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/** The rules that tie several settings together. A rule whose settings are wrong in themselves keeps silent. */
final class CrossChecks {

    private final SectionValues top;
    private final Problems problems;

    CrossChecks(SectionValues top, Problems problems) {
        this.top = top;
        this.problems = problems;
    }

    void check() {
        checkControlSockets();
        top.section("proxy").ifPresent(this::checkProxy);
        top.section("agent").ifPresent(this::checkAgent);
        checkHttpPorts();
    }

    private void checkControlSockets() {
        top.find(Settings.RUNTIME_DIRECTORY).ifPresent(directory -> {
            int lengthBytes =
                    directory.resolve(Settings.STANDBY_SOCKET_NAME).toString().getBytes(StandardCharsets.UTF_8).length;
            if (lengthBytes > ValueTypes.SOCKET_PATH_LIMIT_BYTES) {
                problems.add(
                        top.line(Settings.RUNTIME_DIRECTORY),
                        "`runtime-directory` is too long: the path of a socket in it would have " + lengthBytes
                                + " bytes, and at most " + ValueTypes.SOCKET_PATH_LIMIT_BYTES + " are possible");
            }
        });
    }

    private void checkProxy(SectionValues proxy) {
        List<SectionValues> nics = proxy.list("proxy.nics");
        if (nics.isEmpty()) {
            problems.add(proxy.line(), "`proxy.nics` must name at least one network card of the guest");
        }
        Map<String, Integer> lineByInterface = new HashMap<>();
        for (SectionValues nic : nics) {
            proxy.find(Settings.PLACEMENT).ifPresent(placement -> checkGuestPorts(nic, placement));
            checkUsedOnce(nic, Settings.NIC_GUEST_PORT, lineByInterface);
            checkUsedOnce(nic, Settings.NIC_PRIMARY, lineByInterface);
            checkUsedOnce(nic, Settings.NIC_BACKUP, lineByInterface);
            checkUsedOnce(nic, Settings.NIC_UPLINK, lineByInterface);
        }
        boolean beside = proxy.find(Settings.PLACEMENT)
                .filter(placement -> placement == Placement.BESIDE)
                .isPresent();
        if (beside
                && proxy.find(Settings.MODE)
                        .filter(mode -> mode == ProxyMode.REVERSE)
                        .isPresent()) {
            problems.add(
                    proxy.line(Settings.MODE),
                    "mode `reverse` does not work beside the primary, whose death takes the input log and the ledgers with"
                            + " it; use `placement: inline`, or mode `wall`");
        }
        proxy.list("proxy.exempt").forEach(this::checkExemption);
        proxy.find(Settings.WALL_LIMIT)
                .ifPresent(limit -> proxy.find(Settings.WALL_HIGH_WATER)
                        .filter(highWater -> highWater >= limit)
                        .ifPresent(highWater -> problems.add(
                                proxy.line(Settings.WALL_HIGH_WATER),
                                "`wall-high-water` must be below `wall-limit`, or the guest is stopped before it is"
                                        + " checkpointed early")));
        proxy.section("proxy.reverse").ifPresent(this::checkReverse);
        proxy.section("proxy.announce").ifPresent(this::checkAnnounce);
    }

    private void checkReverse(SectionValues reverse) {
        checkDisjoint(reverse, Settings.REVERSE_FREE_PORTS, Settings.REVERSE_SERIAL_PORTS);
        checkDisjoint(reverse, Settings.REVERSE_FREE_PORTS, Settings.REVERSE_BATCH_PORTS);
        checkDisjoint(reverse, Settings.REVERSE_SERIAL_PORTS, Settings.REVERSE_BATCH_PORTS);
        reverse.list("proxy.reverse.datagrams").forEach(this::checkDatagrams);
    }

    private void checkDisjoint(SectionValues reverse, Setting<List<Integer>> one, Setting<List<Integer>> other) {
        List<Integer> ports = reverse.find(one).orElse(List.of());
        reverse.find(other).orElse(List.of()).stream()
                .filter(ports::contains)
                .forEach(port -> problems.add(
                        reverse.line(other),
                        "port %d stands in `%s` and in `%s`; it can have one admission only"
                                .formatted(port, one.key(), other.key())));
    }

    private void checkDatagrams(SectionValues rule) {
        rule.find(Settings.DATAGRAM_PROTOCOL).ifPresent(protocol -> {
            if ((protocol == DatagramRule.Protocol.UDP) != rule.names(Settings.DATAGRAM_PORT)) {
                problems.add(
                        rule.line(Settings.DATAGRAM_PORT),
                        "`udp` in `proxy.reverse.datagrams` needs a `port`, and nothing else has one");
            }
        });
    }

    private void checkGuestPorts(SectionValues nic, Placement placement) {
        boolean inline = placement == Placement.INLINE;
        requireIff(!inline, nic, Settings.NIC_GUEST_PORT, placement);
        requireIff(inline, nic, Settings.NIC_PRIMARY, placement);
        requireIff(inline, nic, Settings.NIC_BACKUP, placement);
    }

    private void requireIff(boolean required, SectionValues nic, Setting<String> setting, Placement placement) {
        if (required && !nic.names(setting)) {
            problems.add(nic.line(), "missing key `" + setting.key() + "` in `proxy.nics`: " + setting.text());
        } else if (!required && nic.names(setting)) {
            problems.add(
                    nic.line(setting),
                    "`" + setting.key() + "` does not go with `placement: "
                            + placement.name().toLowerCase(Locale.ROOT) + "`");
        }
    }

    private void checkUsedOnce(SectionValues nic, Setting<String> setting, Map<String, Integer> lineByInterface) {
        nic.find(setting).ifPresent(name -> {
            Integer earlierLine = lineByInterface.putIfAbsent(name, nic.line(setting));
            if (earlierLine != null) {
                problems.add(
                        nic.line(setting),
                        "interface `" + name + "` is used already in line " + earlierLine
                                + "; each port needs an interface of its own");
            }
        });
    }

    private void checkExemption(SectionValues exemption) {
        boolean byEtherType = exemption.names(Settings.EXEMPT_ETHERTYPE);
        boolean byProtocol = exemption.names(Settings.EXEMPT_PROTOCOL);
        boolean narrowed = exemption.names(Settings.EXEMPT_PORT) || exemption.names(Settings.EXEMPT_PREFIX);
        if (byEtherType == byProtocol || (byEtherType && narrowed)) {
            problems.add(
                    exemption.line(),
                    "an exemption is either {ethertype: ...} alone, or {protocol: ...} with or without port and prefix");
        }
        if (exemption.names(Settings.EXEMPT_PORT)
                && exemption
                        .find(Settings.EXEMPT_PROTOCOL)
                        .filter(protocol -> protocol != ExemptProtocol.UDP)
                        .isPresent()) {
            problems.add(exemption.line(Settings.EXEMPT_PORT), "`port` goes with protocol `udp` only");
        }
    }

    private void checkAnnounce(SectionValues announce) {
        announce.find(Settings.ANNOUNCE_SCHEDULE).ifPresent(schedule -> {
            int line = announce.line(Settings.ANNOUNCE_SCHEDULE);
            for (int i = 1; i < schedule.size(); i++) {
                if (schedule.get(i).compareTo(schedule.get(i - 1)) <= 0) {
                    problems.add(line, "`schedule` must ascend");
                    return;
                }
            }
            // A neighbour that has just learnt the old place is deaf for this long.
            Duration locktime = Duration.ofSeconds(1);
            if (schedule.getLast().minus(schedule.getFirst()).compareTo(locktime) <= 0) {
                problems.add(
                        line,
                        "`schedule` must reach more than 1s past its first time, because a Linux neighbour ignores changes"
                                + " within 1s of the last one");
            }
        });
    }

    private void checkAgent(SectionValues agent) {
        agent.find(Settings.INTERVAL)
                .ifPresent(
                        interval -> agent.find(Settings.HEARTBEAT)
                                .ifPresent(
                                        heartbeat -> agent.find(Settings.MISSED_HEARTBEATS)
                                                .filter(missed -> heartbeat
                                                                .multipliedBy(missed)
                                                                .compareTo(interval)
                                                        < 0)
                                                .ifPresent(
                                                        missed -> problems.add(
                                                                agent.line(Settings.HEARTBEAT),
                                                                "`heartbeat` times `missed-heartbeats` is "
                                                                        + heartbeat
                                                                                .multipliedBy(missed)
                                                                                .toMillis()
                                                                        + "ms, shorter than `interval`: a peer would be given up within one epoch"))));
        agent.find(Settings.AGENT_WALL).ifPresent(place -> checkWallPlace(agent, place));
        agent.section("agent.rehearsal").ifPresent(this::checkRehearsal);
        agent.section("agent.link").ifPresent(this::checkLink);
        agent.section("agent.arbiter").ifPresent(arbiter -> new ArbiterChecks(arbiter, problems).check());
        agent.section("agent.qemu").ifPresent(this::checkQemu);
    }

    private void checkWallPlace(SectionValues agent, WallPlace place) {
        boolean local = place == WallPlace.LOCAL;
        Optional<Placement> placement = top.section("proxy").flatMap(proxy -> proxy.find(Settings.PLACEMENT));
        if (!local && placement.filter(Placement.BESIDE::equals).isPresent()) {
            problems.add(
                    agent.line(Settings.AGENT_WALL),
                    "`wall: peer` contradicts `placement: beside`: a proxy beside its guest is driven by its own agent; one"
                            + " that stands by for the peer's has `placement: inline`");
        }
        if (!local && !agent.names(Settings.AGENT_GUEST_PORTS)) {
            problems.add(
                    agent.line(Settings.AGENT_WALL),
                    "missing key `guest-ports` in `agent`: " + Settings.AGENT_GUEST_PORTS.text());
        } else if (!local) {
            checkWayToPeer(agent);
        } else if (agent.names(Settings.AGENT_GUEST_PORTS)
                && placement.filter(Placement.INLINE::equals).isEmpty()) {
            problems.add(
                    agent.line(Settings.AGENT_GUEST_PORTS),
                    "`guest-ports` goes with `wall: peer` or `placement: inline`; a proxy beside its guest names its own");
        }
    }

    /** A proxy keeps everybody else away from its ports. */
    private void checkWayToPeer(SectionValues agent) {
        List<String> guestPorts = agent.find(Settings.AGENT_GUEST_PORTS).orElse(List.of());
        top.section("proxy").map(proxy -> proxy.list("proxy.nics")).orElse(List.of()).stream()
                .flatMap(nic -> Stream.of(Settings.NIC_PRIMARY, Settings.NIC_BACKUP)
                        .flatMap(setting -> nic.find(setting).stream()))
                .filter(guestPorts::contains)
                .forEach(name -> problems.add(
                        agent.line(Settings.AGENT_GUEST_PORTS),
                        "`" + name
                                + "` is a port of the proxy that stands by here, which cuts it off from the peer's proxy;"
                                + " connect the two by a veth pair and a bridge"));
    }

    private void checkRehearsal(SectionValues rehearsal) {
        rehearsal
                .find(Settings.REHEARSAL_EVERY)
                .filter(every -> !every.isZero())
                .ifPresent(
                        every -> rehearsal
                                .find(Settings.REHEARSAL_TIME_LIMIT)
                                .filter(limit -> limit.compareTo(every) >= 0)
                                .ifPresent(
                                        limit -> problems.add(
                                                rehearsal.line(Settings.REHEARSAL_EVERY),
                                                "`every` must be longer than `time-limit`: one rehearsal ends before the next begins")));
    }

    private void checkLink(SectionValues link) {
        List<Setting<?>> keyMaterial = List.of(Settings.LINK_CERTIFICATE, Settings.LINK_KEY, Settings.LINK_AUTHORITY);
        link.find(Settings.LINK_INSECURE).ifPresent(insecure -> {
            for (Setting<?> setting : keyMaterial) {
                if (insecure && link.names(setting)) {
                    problems.add(
                            link.line(setting),
                            "`" + setting.key() + "` contradicts `insecure: true`; remove one of the two");
                } else if (!insecure && !link.names(setting)) {
                    problems.add(
                            link.line(),
                            "missing key `" + setting.key()
                                    + "` in `agent.link`; `holdfast keys` makes the files, and only"
                                    + " `insecure: true` does without");
                }
            }
        });
        link.find(Settings.LINK_LISTEN)
                .filter(listen ->
                        link.find(Settings.LINK_PEER).filter(listen::equals).isPresent())
                .ifPresent(listen ->
                        problems.add(link.line(Settings.LINK_PEER), "`peer` is this host's own `listen` address"));
    }

    private void checkQemu(SectionValues qemu) {
        qemu.find(Settings.QEMU_COMMAND).ifPresent(command -> {
            int line = qemu.line(Settings.QEMU_COMMAND);
            if (command.contains("-incoming") || command.contains("--incoming")) {
                problems.add(line, "`command` must not have -incoming; the agent adds it for the waiting backup");
            }
            if (command.contains("-S") || command.contains("--S")) {
                problems.add(line, "`command` must not have -S; a restored guest would stay paused");
            }
            if (command.contains("-daemonize") || command.contains("--daemonize")) {
                problems.add(line, "`command` must not have -daemonize; the agent watches the process that it started");
            }
        });
    }

    private void checkHttpPorts() {
        top.section("proxy")
                .flatMap(proxy -> proxy.find(Settings.PROXY_HTTP))
                .ifPresent(proxyHttp -> top.section("agent")
                        .filter(agent -> agent.find(Settings.AGENT_HTTP)
                                .filter(proxyHttp::equals)
                                .isPresent())
                        .ifPresent(agent -> problems.add(
                                agent.line(Settings.AGENT_HTTP),
                                "`http` of `agent` is the same address as `http` of `proxy`")));
    }
}
