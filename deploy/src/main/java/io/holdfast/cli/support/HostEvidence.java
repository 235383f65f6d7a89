package io.holdfast.cli.support;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import io.holdfast.audit.AuditLog;
import io.holdfast.audit.AuditTail;
import io.holdfast.cli.doctor.Doctor;
import io.holdfast.config.ConfigFile;
import io.holdfast.config.HoldfastConfig;
import io.holdfast.config.PublicSettings;
import io.holdfast.control.ControlClient;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import java.util.stream.Collectors;

/** What there is to know about a guest on a host, and where it comes from. No source is asked for payload or for a key. */
public final class HostEvidence {

    private static final Duration PATIENCE = Duration.ofSeconds(5);
    private static final int MOST_AUDIT_ENTRIES = 200;
    private static final int MOST_JOURNAL_LINES = 5_000;
    private static final int MOST_COMMAND_BYTES = 2 << 20;

    private final ConfigFile file;
    private final HoldfastConfig config;
    private final String version;
    private final List<Piece> pieces = new ArrayList<>();

    private HostEvidence(ConfigFile file, String version) {
        this.file = file;
        this.config = file.config();
        this.version = version;
    }

    /**
     * A bundle of all that, yet to be collected.
     *
     * @param version of this program
     */
    public static SupportBundle bundle(ConfigFile file, String version) {
        HostEvidence evidence = new HostEvidence(file, version);
        evidence.addHost();
        evidence.addProxy();
        evidence.addAgent();
        evidence.addNetwork();
        evidence.addPast();
        return new SupportBundle(evidence.pieces, evidence.secrets());
    }

    private void addHost() {
        add("versions.txt", "versions of Holdfast, Java, kernel and system", this::versions);
        add(
                "configuration.json",
                "every setting in effect, without free texts",
                () -> file.publicSettings().json());
        add("doctor.txt", "what `doctor` says of this host, with the versions of QEMU and tools", this::doctor);
    }

    private void addProxy() {
        Path socket = config.proxySocket();
        add("proxy-status.json", "what the proxy says of itself", () -> ask(socket, "status"));
        add("held.json", "how much the wall holds", () -> ask(socket, "held"));
        add("flows.json", "connections that have a ledger", () -> ask(socket, "flows"));
        add("proxy-threads.txt", "what the proxy's threads do", () -> threads(socket));
        config.proxySection().ifPresent(proxy -> {
            add("status-page.json", "what the status page shows", () -> get(proxy.http(), "/status.json"));
            add("proxy-metrics.txt", "metrics of the proxy", () -> get(proxy.http(), "/metrics"));
        });
    }

    private void addAgent() {
        Path socket = config.agentSocket();
        add("agent-status.json", "what the agent says of itself", () -> ask(socket, "status"));
        add("agent-threads.txt", "what the agent's threads do", () -> threads(socket));
        config.agentSection()
                .ifPresent(
                        agent -> add("agent-metrics.txt", "metrics of the agent", () -> get(agent.http(), "/metrics")));
    }

    private void addNetwork() {
        add("ip-link.txt", "interfaces", "ip", "-details", "-statistics", "link");
        add("ip-address.txt", "addresses", "ip", "-details", "address");
        add("ip-neighbour.txt", "neighbours", "ip", "-statistics", "neighbour");
        add("ip-route.txt", "routes", "ip", "route", "show", "table", "all");
        add("tc.txt", "queues", "tc", "-statistics", "qdisc");
        add("nft.txt", "rules of the packet filter", "nft", "list", "ruleset");
    }

    private void addPast() {
        add("audit.jsonl", "the newest " + MOST_AUDIT_ENTRIES + " decisions, the oldest first", this::audit);
        add(
                "journal.txt",
                "the newest lines of Holdfast's units",
                "journalctl",
                "--no-pager",
                "--output=short-iso-precise",
                "--lines=" + MOST_JOURNAL_LINES,
                "--unit=holdfast*");
    }

    private void add(String name, String about, Piece.Source source) {
        pieces.add(new Piece(name, about, source));
    }

    private void add(String name, String about, String... command) {
        add(
                name,
                about + " (`" + String.join(" ", command) + "`)",
                () -> SystemCommand.output(MOST_COMMAND_BYTES, List.of(command)));
    }

    private Secrets secrets() {
        Secrets secrets = new Secrets();
        PublicSettings settings = file.publicSettings();
        // A command names the guest, its ports and files, too; without these nobody could read the rest.
        secrets.addAll(settings.withheld().stream()
                .filter(value -> !settings.json().contains(value))
                .toList());
        config.agentSection().ifPresent(agent -> {
            agent.link().tls().ifPresent(tls -> secrets.addLinesOf(tls.key()));
            agent.arbiter().identity().ifPresent(tls -> secrets.addLinesOf(tls.key()));
            agent.arbiter().login().ifPresent(login -> secrets.addLinesOf(login.passwordFile()));
        });
        return secrets;
    }

    private String versions() throws IOException {
        return "Holdfast %s%nJava %s, %s%n%s%s"
                .formatted(
                        version,
                        Runtime.version(),
                        System.getProperty("java.vendor"),
                        Files.readString(Path.of("/proc/version")),
                        Files.readString(Path.of("/etc/os-release")));
    }

    private String doctor() {
        return Doctor.examine(config).stream()
                .map(finding -> "%-8s %s: %s%n".formatted(finding.verdict(), finding.what(), finding.text()))
                .collect(Collectors.joining());
    }

    private String audit() throws IOException {
        if (Files.notExists(AuditLog.fileIn(config.stateDirectory()))) {
            throw new NoSuchFileException(
                    AuditLog.fileIn(config.stateDirectory()).toString(), null, "nothing was decided on this host yet");
        }
        return new AuditTail(config.stateDirectory(), MOST_AUDIT_ENTRIES)
                .newest().reversed().stream().map(entry -> entry + "\n").collect(Collectors.joining());
    }

    private static String ask(Path socket, String command) throws Exception {
        try (ControlClient client = ControlClient.connect(socket, PATIENCE)) {
            JsonNode answer = client.execute(command, JsonNodeFactory.instance.objectNode());
            return answer.toPrettyString() + "\n";
        }
    }

    private static String get(InetSocketAddress server, String path) throws IOException, InterruptedException {
        URI address = URI.create("http://"
                + server.getAddress().getHostAddress().replaceAll("(.*:.*)", "[$1]") + ":" + server.getPort() + path);
        try (HttpClient client =
                HttpClient.newBuilder().connectTimeout(PATIENCE).build()) {
            HttpRequest request =
                    HttpRequest.newBuilder(address).timeout(PATIENCE).build();
            HttpResponse<String> response = client.send(request, HttpResponse.BodyHandlers.ofString());
            if (response.statusCode() != 200) {
                throw new IOException(address + " answers " + response.statusCode());
            }
            return response.body();
        } catch (IOException e) {
            throw new IOException(address + " does not answer: " + e, e);
        }
    }

    private static String threads(Path socket) throws IOException, InterruptedException {
        OptionalLong process = SocketOwner.find(socket);
        if (process.isEmpty()) {
            throw new IOException("no process of this user's sight listens at " + socket);
        }
        Path jcmd = Path.of(System.getProperty("java.home"), "bin", "jcmd");
        return SystemCommand.output(
                MOST_COMMAND_BYTES, List.of(jcmd.toString(), Long.toString(process.getAsLong()), "Thread.print"));
    }
}
