package io.holdfast.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.holdfast.testkit.InNetworkNamespace;
import java.io.IOException;
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

    private static final Pattern RECORDED = Pattern.compile("\\w+:holdfast_\\w+:\\w+");
    private static final Pattern COMMAND_OF_ALERT =
            Pattern.compile("holdfast --guest \\{\\{ \\$labels\\.guest }} (\\w+(?: \\w+)?)");
    private static final Pattern COMMAND_OF_RUNBOOK = Pattern.compile("^[ab]?\\$ holdfast (.*)$", Pattern.MULTILINE);
    private static final Pattern WORD = Pattern.compile("\"([^\"]*)\"|(\\S+)");
    private static final Pattern HEADING = Pattern.compile("^## (Holdfast\\w+)$", Pattern.MULTILINE);

    @TempDir
    Path directory;

    /** A name that nobody exports makes an alert that never fires. */
    @Test
    void shouldAskOnlyForWhatAProxyOrAnAgentExports() throws Exception {
        ExportedMetrics exported = ExportedMetrics.ofBoth(directory);
        List<String> missing = expressions().stream()
                .flatMap(expression -> exported.missingFrom(expression).stream())
                .toList();
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
                .map(found -> found.group(1))
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
