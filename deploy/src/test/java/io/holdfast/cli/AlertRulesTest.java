package io.holdfast.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.holdfast.agent.HoldfastAgent;
import io.holdfast.cli.proxy.Cables;
import io.holdfast.cli.proxy.HoldfastProxy;
import io.holdfast.config.HoldfastConfig;
import io.holdfast.testkit.InNetworkNamespace;
import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.snakeyaml.engine.v2.api.Load;
import org.snakeyaml.engine.v2.api.LoadSettings;

/**
 * The rules for Prometheus, as far as they speak of other parts: of metrics, of commands and of the runbook. Whether they fire
 * when they should, {@code deploy/alerts.sh} asks promtool.
 */
@InNetworkNamespace
class AlertRulesTest {

    private static final Path RULES = Path.of("prometheus/holdfast.rules.yaml");
    private static final Path ALERTS = Path.of("prometheus/holdfast.alerts.yaml");
    private static final Path RUNBOOK = Path.of("runbook.md");

    /** A metric with what is asked of its labels; not what a recording rule made, which has a colon in front. */
    private static final Pattern SELECTOR = Pattern.compile("(?<![:\\w])(holdfast_\\w+)(?:\\{([^}]*)})?");

    private static final Pattern MATCHER = Pattern.compile("(\\w+)=~?\"([^\"]*)\"");
    private static final Pattern RECORDED = Pattern.compile("\\w+:holdfast_\\w+:\\w+");
    private static final Pattern COMMAND_OF_ALERT =
            Pattern.compile("holdfast --guest \\{\\{ \\$labels\\.guest }} (\\w+(?: \\w+)?)");
    private static final Pattern COMMAND_OF_RUNBOOK = Pattern.compile("^holdfast --guest redis .*$", Pattern.MULTILINE);
    private static final Pattern WORD = Pattern.compile("\"([^\"]*)\"|(\\S+)");
    private static final Pattern HEADING = Pattern.compile("^## (Holdfast\\w+)$", Pattern.MULTILINE);

    @TempDir
    Path directory;

    /** A name that nobody exports makes an alert that never fires. */
    @Test
    void shouldAskOnlyForWhatAProxyOrAnAgentExports() throws Exception {
        List<String> samples = scrapeBoth();
        assertThat(samples).anyMatch(sample -> sample.startsWith("holdfast_wall_state{"));
        List<String> missing = new ArrayList<>();
        for (String expression : expressions()) {
            for (MatchResult selector : matches(SELECTOR, expression).toList()) {
                asked(selector).filter(one -> !isExported(one, samples)).forEach(missing::add);
            }
        }
        assertThat(missing).isEmpty();
    }

    @Test
    void shouldAskOnlyForRecordedSeriesThatAreRecorded() throws Exception {
        Set<String> recorded = new HashSet<>();
        rulesOf(RULES).forEach(rule -> recorded.add(rule.path("record").asText()));
        for (String expression : expressions()) {
            assertThat(matches(RECORDED, expression).map(MatchResult::group)).isSubsetOf(recorded);
        }
    }

    @Test
    void shouldTellWithEveryAlertHowBadItIsWhatItMeansAndWhereToReadOn() throws Exception {
        for (JsonNode alert : rulesOf(ALERTS)) {
            String name = alert.path("alert").asText();
            JsonNode annotations = alert.path("annotations");
            assertThat(alert.path("labels").path("severity").asText()).as(name).isIn("page", "ticket", "info");
            assertThat(annotations.path("summary").asText()).as(name).contains("$labels.");
            assertThat(annotations.path("description").asText()).as(name).hasSizeGreaterThan(80);
            assertThat(annotations.path("runbook_url").asText())
                    .isEqualTo("deploy/runbook.md#" + name.toLowerCase(Locale.ROOT));
        }
    }

    @Test
    void shouldHaveOneSectionInTheRunbookForEachAlert() throws Exception {
        List<String> alerts = rulesOf(ALERTS).stream()
                .map(alert -> alert.path("alert").asText())
                .toList();
        assertThat(matches(HEADING, Files.readString(RUNBOOK)).map(heading -> heading.group(1)))
                .containsExactlyInAnyOrderElementsOf(alerts);
    }

    @Test
    void shouldTellFirstCommandsThatExist() throws Exception {
        List<String> commands = new ArrayList<>();
        for (JsonNode alert : rulesOf(ALERTS)) {
            String description = alert.path("annotations").path("description").asText();
            matches(COMMAND_OF_ALERT, description).forEach(found -> commands.add("--guest redis " + found.group(1)));
        }
        assertThat(commands).hasSizeGreaterThan(10).allSatisfy(AlertRulesTest::assertIsACommand);
    }

    @Test
    void shouldTellCommandsInTheRunbookThatExist() throws Exception {
        List<String> commands = matches(COMMAND_OF_RUNBOOK, Files.readString(RUNBOOK))
                .map(found -> found.group().substring("holdfast ".length()))
                .toList();
        assertThat(commands).hasSizeGreaterThan(20).allSatisfy(AlertRulesTest::assertIsACommand);
    }

    private static void assertIsACommand(String command) {
        String[] words = matches(WORD, command)
                .map(word -> word.group(1) != null ? word.group(1) : word.group(2))
                .toArray(String[]::new);
        assertThatCode(() -> Holdfast.commandLine().parseArgs(words))
                .as("holdfast " + command)
                .doesNotThrowAnyException();
    }

    /** A selector, or as many as it has alternatives, as starts and parts of samples. */
    private static Stream<String> asked(MatchResult selector) {
        List<String> asked = new ArrayList<>();
        String matchers = selector.group(2) == null ? "" : selector.group(2);
        for (MatchResult matcher : matches(MATCHER, matchers).toList()) {
            for (String value : matcher.group(2).split("\\|", -1)) {
                asked.add(selector.group(1) + " " + matcher.group(1) + "=\"" + value + "\"");
            }
        }
        return asked.isEmpty() ? Stream.of(selector.group(1)) : asked.stream();
    }

    private static boolean isExported(String asked, List<String> samples) {
        String[] nameAndLabel = asked.split(" ", 2);
        return samples.stream()
                .anyMatch(sample -> sample.startsWith(nameAndLabel[0] + "{")
                        && (nameAndLabel.length == 1 || sample.contains(nameAndLabel[1])));
    }

    /** Of a proxy in reverse mode, which has all metrics that there are, and of an agent. */
    private List<String> scrapeBoth() throws Exception {
        Cables.plugIn(0);
        Cables.plugIn(1);
        Path file = Cables.writeConfig(
                directory,
                "mode: reverse",
                "placement: inline",
                "nics: [{primary: tap0, backup: tap1, uplink: up0}]",
                "http: 127.0.0.1:9601");
        Files.writeString(file, Files.readString(file) + """
                agent:
                  role: backup
                  http: 127.0.0.1:9602
                  link:
                    listen: 127.0.0.1:7700
                    peer: 127.0.0.1:7701
                    insecure: true
                  qemu:
                    memory: %1$s/guest.ram
                    command: /bin/false
                """.formatted(directory));
        HoldfastConfig config = HoldfastConfig.read(file);
        try (HoldfastProxy proxy = HoldfastProxy.start(config, false, "test");
                HoldfastAgent agent = new HoldfastAgent(config)) {
            agent.start();
            return Stream.concat(scrape(9601), scrape(9602)).toList();
        }
    }

    private static Stream<String> scrape(int port) throws IOException {
        URI address = URI.create("http://127.0.0.1:" + port + "/metrics");
        try (var in = address.toURL().openStream()) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8).lines();
        }
    }

    private static List<String> expressions() throws IOException {
        return Stream.concat(rulesOf(RULES).stream(), rulesOf(ALERTS).stream())
                .map(rule -> rule.path("expr").asText())
                .toList();
    }

    private static List<JsonNode> rulesOf(Path file) throws IOException {
        Object loaded = new Load(LoadSettings.builder().build()).loadFromString(Files.readString(file));
        JsonNode root = new ObjectMapper().valueToTree(loaded);
        List<JsonNode> rules = new ArrayList<>();
        root.path("groups").forEach(group -> group.path("rules").forEach(rules::add));
        return rules;
    }

    private static Stream<MatchResult> matches(Pattern pattern, String text) {
        return pattern.matcher(text).results();
    }
}
