package io.holdfast.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.holdfast.frame.ExemptionRule;
import io.holdfast.frame.IpPrefix;
import io.holdfast.reverse.Admission;
import io.holdfast.reverse.DatagramRule;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ConfigFileTest {

    private static HoldfastConfig parse(String yaml) throws ConfigException {
        return ConfigFile.parse("test.yaml", yaml).config();
    }

    private static List<String> problems(String yaml) {
        return catchThrowableOfType(ConfigException.class, () -> parse(yaml)).problems();
    }

    /** The short example with the line that begins with {@code key} replaced. */
    private static String shortWith(String key, String line) {
        String replaced = Examples.SHORT.replaceAll("(?m)^( *)" + key + ":.*$", "$1" + line);
        assertThat(replaced).isNotEqualTo(Examples.SHORT);
        return replaced;
    }

    private static InetSocketAddress address(String ip, int port) {
        return new InetSocketAddress(InetAddress.ofLiteral(ip), port);
    }

    @Test
    void shouldReadEverySetting() throws ConfigException {
        HoldfastConfig config = parse(Examples.FULL);

        assertThat(config)
                .isEqualTo(new HoldfastConfig(
                        "redis",
                        "a",
                        Path.of("/run/elsewhere"),
                        Path.of("/var/lib/elsewhere"),
                        Optional.of(new ProxyConfig(
                                Placement.INLINE,
                                ProxyMode.REVERSE,
                                PortKind.PCAP,
                                List.of(
                                        new NicConfig(List.of("a0", "b0"), "up0"),
                                        new NicConfig(List.of("a1", "b1"), "up1")),
                                64L << 20,
                                16L << 20,
                                List.of(
                                        new ExemptionRule.OfEtherType(0x88cc),
                                        new ExemptionRule.OfProtocol(17, 53, IpPrefix.parse("10.0.0.0/8")),
                                        new ExemptionRule.OfProtocol(
                                                58, ExemptionRule.ANY_PORT, IpPrefix.parse("fd00::/8"))),
                                new ReverseConfig(
                                        32L << 20,
                                        1L << 20,
                                        500,
                                        List.of(443, 8443),
                                        Admission.SERIAL,
                                        List.of(80),
                                        List.of(6379, 5432),
                                        List.of(11211),
                                        List.of(
                                                new DatagramRule(
                                                        DatagramRule.Protocol.UDP,
                                                        53,
                                                        IpPrefix.parse("10.0.0.0/8"),
                                                        DatagramRule.Policy.REPLAY),
                                                new DatagramRule(
                                                        DatagramRule.Protocol.ICMP,
                                                        DatagramRule.NO_PORT,
                                                        null,
                                                        DatagramRule.Policy.DROP)),
                                        Duration.ofSeconds(5)),
                                address("127.0.0.1", 9701),
                                new AnnounceConfig(
                                        List.of(Duration.ZERO, Duration.ofMillis(100), Duration.ofSeconds(2)),
                                        Duration.ofSeconds(30),
                                        100,
                                        Duration.ofMillis(5)))),
                        Optional.of(new AgentConfig(
                                InitialRole.BACKUP,
                                WallPlace.LOCAL,
                                List.of(),
                                ArmingPolicy.PASS,
                                Duration.ofMillis(25),
                                Duration.ofMillis(20),
                                40,
                                3,
                                MirrorInput.ALL,
                                Duration.ofMillis(50),
                                4,
                                Duration.ofMillis(200),
                                3,
                                2,
                                new RehearsalConfig(
                                        Duration.ofHours(6),
                                        Duration.ofSeconds(90),
                                        Duration.ofSeconds(2),
                                        List.of("redis-cli", "-h", "10.0.0.5", "ping")),
                                new LinkConfig(
                                        address("10.9.0.1", 7700),
                                        address("fd00::2", 7700),
                                        Optional.of(new TlsConfig(
                                                Path.of("/etc/holdfast/a.crt"),
                                                Path.of("/etc/holdfast/a.key"),
                                                Path.of("/etc/holdfast/ca.crt")))),
                                new ArbiterConfig(
                                        ArbiterKind.ETCD,
                                        List.of(
                                                URI.create("https://10.9.0.3:2379"),
                                                URI.create("https://[fd00::4]:2379")),
                                        Duration.ofSeconds(8),
                                        Duration.ofSeconds(1),
                                        List.of(),
                                        Optional.of(Path.of("/etc/holdfast/etcd-ca.crt")),
                                        Optional.of(new TlsConfig(
                                                Path.of("/etc/holdfast/etcd.crt"),
                                                Path.of("/etc/holdfast/etcd.key"),
                                                Path.of("/etc/holdfast/etcd-ca.crt"))),
                                        Optional.of(new ArbiterConfig.Login(
                                                "holdfast", Path.of("/etc/holdfast/etcd-password")))),
                                new FenceConfig(List.of("fence-host", "--off", "a"), Duration.ofSeconds(30)),
                                new QemuConfig(
                                        Path.of("/run/elsewhere/q.sock"),
                                        Path.of("/dev/shm/elsewhere.ram"),
                                        Path.of("/run/elsewhere/in.sock"),
                                        List.of(
                                                "qemu-system-x86_64",
                                                "-M",
                                                "pc,memory-backend=ram0",
                                                "-append",
                                                "console=ttyS0 \"quoted\" 'x': #y",
                                                "",
                                                "null"),
                                        DirtyPagesMethod.SOFT_DIRTY),
                                address("::1", 9702)))));
    }

    @Test
    void shouldTakeTheDefaultsOfTheDesign() throws ConfigException {
        HoldfastConfig config = parse(Examples.SHORT);

        assertThat(config.proxySocket()).isEqualTo(Path.of("/run/holdfast/redis/proxy.sock"));
        assertThat(config.agentSocket()).isEqualTo(Path.of("/run/holdfast/redis/agent.sock"));
        assertThat(config.stateDirectory()).isEqualTo(Path.of("/var/lib/holdfast/redis"));
        ProxyConfig proxy = config.proxy();
        assertThat(proxy.mode()).isEqualTo(ProxyMode.WALL);
        assertThat(config.agent().arming()).isEqualTo(ArmingPolicy.HOLD);
        assertThat(proxy.wallLimitBytes()).isEqualTo(256L << 20);
        assertThat(proxy.wallHighWaterBytes()).isEqualTo(128L << 20);
        assertThat(proxy.exempt()).isEmpty();
        assertThat(proxy.http()).isEqualTo(address("127.0.0.1", 9601));
        assertThat(proxy.announce().schedule().stream().map(Duration::toMillis))
                .containsExactly(0L, 50L, 200L, 450L, 800L, 1900L, 3000L, 4100L, 5200L);
        assertThat(proxy.announce().framesPerSecond()).isEqualTo(500);
        assertThat(proxy.announce().probe()).isEqualTo(Duration.ofMillis(20));
        AgentConfig agent = config.agent();
        assertThat(agent.interval()).isEqualTo(Duration.ofMillis(200));
        assertThat(agent.silenceLimit()).isEqualTo(Duration.ofMillis(500));
        assertThat(agent.grace()).isEqualTo(Duration.ofMillis(300));
        assertThat(agent.rehearsal().every()).as("never by itself").isZero();
        assertThat(agent.rehearsal().answerLimit()).isEqualTo(Duration.ofSeconds(5));
        assertThat(agent.rehearsal().check()).isEmpty();
        assertThat(agent.link().insecure()).isTrue();
        assertThat(agent.qemu().command()).containsExactly("qemu-system-x86_64", "-M", "pc");
        assertThat(agent.qemu().qmp()).isEqualTo(Path.of("/run/holdfast/redis/qmp.sock"));
        assertThat(agent.qemu().memory()).isEqualTo(Path.of("/dev/shm/redis.ram"));
        assertThat(agent.http()).isEqualTo(address("127.0.0.1", 9602));
    }

    @Test
    void shouldLetTheHighWaterMarkFollowTheLimit() throws ConfigException {
        assertThat(parse(Examples.SHORT.replace("proxy:", "proxy:\n  wall-limit: 32MiB"))
                        .proxy()
                        .wallHighWaterBytes())
                .isEqualTo(16L << 20);
    }

    @ParameterizedTest
    @ValueSource(strings = {Examples.FULL, Examples.SHORT})
    void shouldPrintWhatReadsBackAsTheSame(String yaml) throws ConfigException {
        ConfigFile file = ConfigFile.parse("test.yaml", yaml);
        ConfigFile again = ConfigFile.parse("printed.yaml", file.effectiveYaml());

        assertThat(again.config()).isEqualTo(file.config());
        assertThat(again.effectiveYaml()).isEqualTo(file.effectiveYaml());
    }

    @Test
    void shouldPrintEverySettingWithItsTextUnitAndDefault() throws ConfigException {
        String printed = ConfigFile.parse("test.yaml", Examples.SHORT).effectiveYaml();

        for (Setting<?> setting : Settings.all()) {
            assertThat(printed).contains(setting.text()).contains(setting.key() + ": ");
            setting.defaultText().ifPresent(text -> assertThat(printed).contains("default " + text));
        }
        assertThat(printed)
                .contains(
                        "  # Room for held frames of all NICs together; the guest stays paused at the next barrier when it"
                                + " is used up. (size, 1MiB to 16GiB; default 256MiB)\n  wall-limit: 256MiB\n");
    }

    @Test
    void shouldHaveATableWithoutGaps() {
        List<String> sections = Settings.sections().stream().map(Section::path).toList();
        assertThat(new TreeSet<>(Settings.all().stream().map(Setting::path).toList()))
                .hasSameSizeAs(Settings.all());
        assertThat(Settings.all()).allSatisfy(setting -> {
            assertThat(sections).contains(setting.sectionPath());
            assertThat(setting.text()).endsWith(".");
            assertThat(setting.key()).matches("[a-z-]+");
        });
    }

    @Test
    void shouldPointAtTheLineOfAnUnknownKeyAndGuessWhatWasMeant() {
        assertThat(problems(Examples.FULL.replace("wall-limit:", "wal-limit:")))
                .containsExactly("test.yaml:16: unknown key `wal-limit` in `proxy`; did you mean `wall-limit`?");
    }

    @Test
    void shouldSayWhereAMisplacedKeyBelongs() {
        assertThat(problems(shortWith("host", "host: a\ninterval: 50ms")))
                .containsExactly("test.yaml:3: unknown key `interval`; it belongs to `agent`");
    }

    @Test
    void shouldShowAllProblemsAtOnceInTheOrderOfTheFile() {
        String yaml = """
                guest: Redis
                proxy:
                  mode: wal
                  nics:
                    - guest-port: tap0
                      up-link: up0
                  wall-limit: 256MB
                  wall-limit: 1MiB
                  http: 0.0.0.0:9601
                """;

        assertThat(problems(yaml))
                .containsExactly(
                        "test.yaml:1: `guest`: `Redis` is not a valid name; allowed: 1 to 32 of a-z, 0-9 and -",
                        "test.yaml:1: missing key `host`: This host's name, the owner of the terms that it draws.",
                        "test.yaml:3: `mode` in `proxy`: `wal` is none of wall, reverse, off; did you mean `wall`?",
                        "test.yaml:5: missing key `uplink` in `proxy.nics`: The interface towards router and clients.",
                        "test.yaml:6: unknown key `up-link` in `proxy.nics`; did you mean `uplink`?",
                        "test.yaml:7: `wall-limit` in `proxy`: `256MB` has the unknown unit `MB`; known are B, KiB, MiB, GiB",
                        "test.yaml:8: duplicate key `wall-limit` in `proxy`; it stands already in line 7",
                        "test.yaml:9: `http` in `proxy`: `0.0.0.0:9601` is not a loopback address; write 127.0.0.1:9601"
                                + " and put a proxy with access control in front of it");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            interval: 50              | `50` has no unit; write 50ms
            interval: 50min           | unknown unit `min`
            interval: 1ms             | out of range; allowed is 5ms to 10s
            interval: 11s             | out of range
            interval: 999999999999999999m | out of range
            interval: -5ms            | is not a duration
            interval: 1.5s            | is not a duration
            interval:                 | has no value
            interval: [5ms]           | must be a single value, not a list
            interval: {ms: 5}         | must be a single value, not a section
            epochs-in-flight: 0       | out of range; allowed is 1 to 16
            epochs-in-flight: 0x2     | is not a whole number
            role: secondary           | `secondary` is none of primary, backup
            interval: 600ms           | shorter than `interval`
            rehearsal: {every: 1m}    | must be longer than `time-limit`
            http: 10.0.0.1:80         | not a loopback address
            http: localhost:80        | names are not looked up
            http: 127.0.0.1           | not an address with a port
            http: 127.0.0.1:0         | not a port from 1 to 65535
            http: 127.0.0.1:9601      | same address as `http` of `proxy`
            """)
    void shouldRefuseWhatTheAgentCannotUse(String line, String expected) {
        String key = line.substring(0, line.indexOf(':'));
        String base = Examples.SHORT.replaceAll("(?m)^  " + key + ":.*\\n", "");
        assertThat(problems(base.replace("agent:", "agent:\n  " + line)))
                .singleElement()
                .asString()
                .contains(expected);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            {kind: etcd}                                                        | missing key `endpoints`
            {kind: exec}                                                        | missing key `command`
            {kind: etcd, endpoints: []}                                         | the list is empty
            {kind: etcd, endpoints: ["http://etcd.lan:2379"]}                   | names are not looked up
            {kind: etcd, endpoints: ["10.9.0.3:2379"]}                          | is not a URL of a server
            {kind: etcd, endpoints: ["http://10.9.0.3:2379/v3"]}                | is not a URL of a server
            {kind: etcd, endpoints: ["http://[0fd00::3]:2379"]}                 | is not a URL of a server
            {kind: etcd, endpoints: ["http://[10.9.0.3]:2379"]}                 | is not an address with a port
            {kind: etcd, endpoints: ["http://10.9.0.3:2379"], lease: 4500ms}    | must be whole seconds
            {kind: etcd, endpoints: ["http://10.9.0.3:2379"], lease: 1s}        | out of range; allowed is 2s
            {kind: etcd, endpoints: ["http://10.9.0.3:2379"], lease: 3s}        | at most half of `lease`
            {kind: etcd, endpoints: ["http://10.9.0.3:2379"], user: holdfast}   | needs `password-file`
            {kind: etcd, endpoints: ["http://10.9.0.3:2379"], key: /k}          | needs `certificate`
            {kind: etcd, endpoints: ["http://10.9.0.3:2379"], command: fence}   | `command` does not go with `kind: etcd`
            {endpoints: ["http://10.9.0.3:2379"]}                               | `endpoints` does not go with `kind: none`
            {kind: exec, command: fence, user: a}                               | `user` does not go with `kind: exec`
            {kind: zookeeper}                                                   | is none of none, etcd, exec
            """)
    void shouldRefuseAnArbiterThatCannotBeAsked(String arbiter, String expected) {
        assertThat(problems(Examples.SHORT.replace("agent:", "agent:\n  arbiter: " + arbiter)))
                .singleElement()
                .asString()
                .contains(expected);
    }

    @Test
    void shouldHaveNeitherAnArbiterNorAFenceByDefault() throws ConfigException {
        AgentConfig agent = parse(Examples.SHORT).agent();
        assertThat(agent.arbiter().kind()).isEqualTo(ArbiterKind.NONE);
        assertThat(agent.fence().isRequired()).isFalse();
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            mode: reverse                              | does not work beside the primary
            placement: above                           | is none of beside, inline
            port: socket                               | is none of auto, packet-socket, pcap
            wall-high-water: 256MiB                    | must be below `wall-limit`
            wall-limit: 1                              | has no unit
            wall-limit: 17GiB                          | out of range; allowed is 1MiB to 16GiB
            wall-limit: 17179869185GiB                 | out of range; allowed is 1MiB to 16GiB
            exempt: [{protocol: tcp}]                  | TCP is never exempt
            exempt: [{ethertype: 0x0800}]              | must always be held
            exempt: [{ethertype: 0x86DD}]              | must always be held
            exempt: [{ethertype: 0x8100}]              | must always be held
            exempt: [{ethertype: 0x05ff}]              | not within 0x0600
            exempt: [{ethertype: 35020}]               | write it like 0x88cc
            exempt: [{prefix: 10.0.0.0/8}]             | either {ethertype: ...} alone
            exempt: [{protocol: igmp, port: 53}]       | goes with protocol `udp` only
            exempt: [{ethertype: 0x88cc, port: 53}]    | either {ethertype: ...} alone
            exempt: [{protocol: udp, prefix: 10.0.0.1/8}]  | bits set beyond the first 8
            exempt: [{protocol: udp, prefix: 10.0.0.0/33}] | not within 0..32
            exempt: {protocol: udp}                    | must be a list
            exempt: [udp]                              | must consist of keys with values
            reverse: {admission: lazy}                 | is none of free, serial, batch
            reverse: {serial-ports: [0]}               | out of range
            reverse: {free-ports: [80], serial-ports: [443, 80]} | port 80 stands in `free-ports` and in `serial-ports`
            reverse: {serial-ports: [80], batch-ports: [80]} | port 80 stands in `serial-ports` and in `batch-ports`
            reverse: {free-ports: [80], batch-ports: [80]} | port 80 stands in `free-ports` and in `batch-ports`
            reverse: {datagrams: [{protocol: udp}]}    | needs a `port`
            reverse: {datagrams: [{protocol: icmp, port: 7}]} | nothing else has one
            reverse: {datagrams: [{protocol: tcp}]}    | is none of udp, icmp, icmpv6
            announce: {schedule: [0ms, 2s, 1s]}        | must ascend
            announce: {schedule: [0ms, 500ms]}         | more than 1s
            announce: {schedule: []}                   | the list is empty
            announce: {schedule: 0ms}                  | must be a list
            announce: {rate: 5}                        | allowed is 10 to 100000
            announce: {probe: 2s}                      | allowed is 0ms to 1s
            announce: [0ms]                            | must consist of keys with values
            """)
    void shouldRefuseWhatTheProxyCannotUse(String line, String expected) {
        assertThat(problems(Examples.SHORT.replace("proxy:", "proxy:\n  " + line)))
                .singleElement()
                .asString()
                .startsWith("test.yaml:4: ")
                .contains(expected);
    }

    @Test
    void shouldAskForThePortsThatGoWithThePlacement() {
        assertThat(problems(Examples.SHORT.replace("proxy:", "proxy:\n  placement: inline")))
                .containsExactlyInAnyOrder(
                        "test.yaml:6: `guest-port` does not go with `placement: inline`",
                        "test.yaml:6: missing key `primary` in `proxy.nics`: The interface towards the host that is"
                                + " primary first; required inline.",
                        "test.yaml:6: missing key `backup` in `proxy.nics`: The interface towards the other host; required"
                                + " inline.");
        assertThat(problems(Examples.FULL
                        .replace("placement: inline", "placement: beside")
                        .replace("mode: reverse", "mode: wall")))
                .contains("test.yaml:10: `primary` does not go with `placement: beside`");
    }

    private static final String INLINE =
            Examples.SHORT.replace("{guest-port: tap0, uplink: up0}", "{primary: near0, backup: wire1, uplink: up0}");

    private static String inlineWith(String agentLines) {
        return INLINE.replace("proxy:", "proxy:\n  placement: inline").replace("agent:", "agent:\n  " + agentLines);
    }

    /** It waits for the death of the other host, whose proxy has the wall until then. */
    @Test
    void shouldLetAnInlineProxyStandByForThePeers() throws ConfigException {
        HoldfastConfig config = parse(inlineWith("wall: peer\n  guest-ports: [tap0]"));
        assertThat(config.standsBy()).isTrue();
        assertThat(config.proxySocket()).hasFileName("proxy.sock");
        assertThat(config.ownProxySocket()).hasFileName("standby.sock");
    }

    @Test
    void shouldExpectAProxyAtTheWallsPlaceUnlessItStandsBy() throws ConfigException {
        HoldfastConfig config = parse(inlineWith("guest-ports: [tap0]"));
        assertThat(config.standsBy()).isFalse();
        assertThat(config.ownProxySocket()).isEqualTo(config.proxySocket());
        assertThat(parse(Examples.SHORT).ownProxySocket()).hasFileName("proxy.sock");
    }

    @Test
    void shouldRefuseAProxyBesideTheGuestWhoseWallIsThePeers() {
        assertThat(problems(Examples.SHORT.replace("agent:", "agent:\n  wall: peer\n  guest-ports: [tap1]")))
                .containsExactly(
                        "test.yaml:7: `wall: peer` contradicts `placement: beside`: a proxy beside its guest is"
                                + " driven by its own agent; one that stands by for the peer's has `placement: inline`");
    }

    @Test
    void shouldAskForTheGuestsPortsWhereTheWallIsThePeers() {
        assertThat(problems(inlineWith("wall: peer")))
                .singleElement()
                .asString()
                .startsWith("test.yaml:8: missing key `guest-ports`");
        assertThat(problems(Examples.SHORT.replace("agent:", "agent:\n  guest-ports: [tap0]")))
                .singleElement()
                .asString()
                .startsWith("test.yaml:7: `guest-ports` goes with `wall: peer` or `placement: inline`");
    }

    /** INV-8: its guard would keep the guest's frames from the proxy that has the wall. */
    @Test
    void shouldRefuseAStandbyThatTakesTheGuestsTapForItself() {
        assertThat(problems(inlineWith("wall: peer\n  guest-ports: [tap0, near0]")))
                .singleElement()
                .asString()
                .startsWith("test.yaml:9: `near0` is a port of the proxy that stands by here");
    }

    @Test
    void shouldRefuseAnInterfaceThatIsUsedTwice() {
        assertThat(problems(Examples.FULL.replace("uplink: up1", "uplink: up0")))
                .containsExactly(
                        "test.yaml:15: interface `up0` is used already in line 12; each port needs an interface of"
                                + " its own");
        assertThat(problems(Examples.SHORT.replace("- {guest-port: tap0, uplink: up0}", "[]")))
                .singleElement()
                .asString()
                .contains("at least one network card");
    }

    @Test
    void shouldInsistOnKeyMaterialUnlessInsecureIsWrittenOut() {
        assertThat(problems(shortWith("insecure", "insecure: false")))
                .hasSize(3)
                .allSatisfy(problem -> assertThat(problem)
                        .startsWith("test.yaml:8: missing key")
                        .contains("holdfast keys"));
        assertThat(problems(Examples.FULL.replace("insecure: false", "insecure: true")))
                .hasSize(3)
                .allSatisfy(problem -> assertThat(problem).contains("contradicts `insecure: true`"));
        assertThat(problems(shortWith("peer", "peer: 10.9.0.1:7700")))
                .singleElement()
                .asString()
                .contains("own `listen`");
    }

    @ParameterizedTest
    @ValueSource(strings = {"-incoming", "-S", "-daemonize"})
    void shouldRefuseACommandThatTheAgentCannotHandle(String argument) {
        assertThat(problems(shortWith("command", "command: qemu " + argument + " x")))
                .singleElement()
                .asString()
                .contains("must not have " + argument);
    }

    @Test
    void shouldRefuseQuotesInACommandOfOneLine() {
        assertThat(problems(shortWith("command", "command: qemu -append 'a b'")))
                .singleElement()
                .asString()
                .contains("write a list");
    }

    @Test
    void shouldRefuseSocketPathsThatTheKernelCannotHold() {
        String directory = "/run/" + "x".repeat(100);
        assertThat(problems(shortWith("host", "host: a\nruntime-directory: " + directory)))
                .singleElement()
                .asString()
                .startsWith("test.yaml:3: ")
                .contains("at most 107");
    }

    @Test
    void shouldReadAFileThatHasOnlyTheSectionOfOneProcess() throws ConfigException {
        HoldfastConfig proxyOnly = parse(Examples.SHORT.substring(0, Examples.SHORT.indexOf("agent:")));
        assertThat(proxyOnly.proxy().nics()).hasSize(1);
        assertThat(proxyOnly.agentSection()).isEmpty();
        assertThatThrownBy(proxyOnly::agent)
                .isInstanceOf(ConfigException.class)
                .hasMessageContaining("has no section `agent`");

        HoldfastConfig neither = parse("guest: redis\nhost: a\n");
        assertThatThrownBy(neither::proxy).isInstanceOf(ConfigException.class).hasMessageContaining("`proxy`");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            '{'                  | not YAML
            '[1, 2]'             | must consist of keys with values
            'word'               | must consist of keys with values
            '? [a]\\n: b'        | a key must be a word
            '--- \\n--- \\n'     | not YAML
            '&a [*a]'            | must consist of keys with values
            """)
    void shouldReportWhatIsNoConfigurationAtAll(String yaml, String expected) {
        assertThat(String.join("\n", problems(yaml.replace("\\n", "\n")))).contains(expected);
    }

    @Test
    void shouldAskForTheRequiredKeysOfAnEmptyFile() {
        assertThat(problems(""))
                .hasSize(2)
                .allSatisfy(problem -> assertThat(problem).contains("missing key"));
    }

    @Test
    void shouldSayWhatIsWrongWithTheFileItself(@TempDir Path directory) throws Exception {
        Path absent = directory.resolve("absent.yaml");
        assertThatThrownBy(() -> HoldfastConfig.read(absent))
                .isInstanceOf(ConfigException.class)
                .hasMessageContaining(absent + ": no such file");
        Path latin = Files.write(directory.resolve("latin.yaml"), "guest: é".getBytes(StandardCharsets.ISO_8859_1));
        assertThatThrownBy(() -> HoldfastConfig.read(latin)).hasMessageContaining("not UTF-8");
        Path large = Files.write(directory.resolve("large.yaml"), new byte[2 << 20]);
        assertThatThrownBy(() -> HoldfastConfig.read(large)).hasMessageContaining("larger than 1 MiB");
        assertThatThrownBy(() -> HoldfastConfig.read(directory)).hasMessageContaining("cannot be read");
        Path good = Files.writeString(directory.resolve("good.yaml"), Examples.FULL);
        assertThat(HoldfastConfig.read(good).guest()).isEqualTo("redis");
    }

    @Test
    void shouldNeverFailOtherThanWithProblems() {
        long seed = System.nanoTime();
        System.out.println("ConfigFileTest seed " + seed);
        Random random = new Random(seed);
        String alphabet = "{}[]:,-#&*!|>'\"%@`? \n\t0azé\0";
        for (int i = 0; i < 1_000; i++) {
            StringBuilder mutant = new StringBuilder(random.nextBoolean() ? Examples.FULL : Examples.SHORT);
            for (int change = random.nextInt(1, 6); change > 0; change--) {
                int at = random.nextInt(mutant.length());
                switch (random.nextInt(3)) {
                    case 0 -> mutant.setCharAt(at, alphabet.charAt(random.nextInt(alphabet.length())));
                    case 1 -> mutant.delete(at, Math.min(mutant.length() - 1, at + random.nextInt(20)));
                    default -> mutant.insert(at, alphabet.charAt(random.nextInt(alphabet.length())));
                }
            }
            try {
                ConfigFile file = ConfigFile.parse("mutant.yaml", mutant.toString());
                assertThat(ConfigFile.parse("printed.yaml", file.effectiveYaml())
                                .config())
                        .isEqualTo(file.config());
            } catch (ConfigException e) {
                assertThat(e.problems()).as("seed %d, round %d", seed, i).isNotEmpty();
            } catch (RuntimeException e) {
                throw new AssertionError("seed " + seed + ", round " + i + ":\n" + mutant, e);
            }
        }
    }
}
