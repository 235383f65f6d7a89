package io.holdfast.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.holdfast.testkit.InNetworkNamespace;
import io.holdfast.wall.WallState;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The dashboard for Grafana, as far as its file tells: that it is whole, and that what it speaks of exists. Whether Prometheus can
 * evaluate it, and what it shows of a pair of hosts, {@code deploy/dashboard.sh} looks at.
 */
@InNetworkNamespace
class DashboardTest {

    private static final Path DASHBOARD = Path.of("grafana/dashboards/holdfast.json");
    private static final Path RULES = Path.of("prometheus/holdfast.rules.yaml");
    private static final Path ALERTS = Path.of("prometheus/holdfast.alerts.yaml");

    private static final int GRID_COLUMNS = 24;
    private static final Pattern RECORDED = Pattern.compile("\\w+:holdfast_\\w+:\\w+");
    private static final Pattern RECORD = Pattern.compile("- record: (\\S+)");
    private static final Pattern ALERT = Pattern.compile("- alert: (\\S+)");
    private static final Pattern NUMBERED_STATE = Pattern.compile("(\\d+) \\* holdfast_wall_state\\{state=\"(\\w+)\"}");
    /** Whatever an expression reads, up to what is asked of its labels. */
    private static final Pattern SERIES = Pattern.compile(
            "(?<![\\w:])(?:(?:\\w+:)?(?:holdfast|jvm|process|system)_[\\w:]+|ALERTS|up)(?![\\w:])(\\{[^}]*})?");

    @TempDir
    Path directory;

    /** Links and bookmarks go by it. */
    @Test
    void shouldHaveAFixedUid() throws Exception {
        assertThat(dashboard().path("uid").asText()).isEqualTo("holdfast");
    }

    @Test
    void shouldNotUseThePanelNumberTwice() throws Exception {
        assertThat(panels().map(panel -> panel.path("id").asInt())).doesNotHaveDuplicates();
    }

    @Test
    void shouldLayNoPanelOverAnother() throws Exception {
        Set<String> taken = new HashSet<>();
        for (JsonNode panel : panels().toList()) {
            JsonNode place = panel.path("gridPos");
            for (int x = place.path("x").asInt(); x < right(place); x++) {
                for (int y = place.path("y").asInt(); y < bottom(place); y++) {
                    assertThat(taken.add(x + "," + y)).as(title(panel)).isTrue();
                }
            }
            assertThat(right(place)).as(title(panel)).isLessThanOrEqualTo(GRID_COLUMNS);
        }
    }

    @Test
    void shouldSayOfEveryPanelWhatIsNormal() throws Exception {
        assertThat(panelsWithData())
                .allSatisfy(panel -> assertThat(panel.path("description").asText())
                        .as(title(panel))
                        .contains("Normal: "));
    }

    @Test
    void shouldGiveEveryPanelAUnit() throws Exception {
        assertThat(panelsWithData())
                .allSatisfy(panel -> assertThat(
                                panel.at("/fieldConfig/defaults/unit").asText())
                        .as(title(panel))
                        .isNotEmpty());
    }

    /** A table has columns instead. */
    @Test
    void shouldNameEveryCurve() throws Exception {
        assertThat(panelsWithData().filter(panel -> !panel.path("type").asText().equals("table")))
                .allSatisfy(panel -> assertThat(panel.path("targets"))
                        .as(title(panel))
                        .isNotEmpty()
                        .allMatch(
                                target -> !target.path("legendFormat").asText().isEmpty()));
    }

    @Test
    void shouldAskTheDataSourceThatWasChosenAndNoOther() throws Exception {
        assertThat(dashboard().findValues("datasource"))
                .hasSizeGreaterThan(50)
                .allMatch(source -> source.path("uid").asText().equals("${datasource}"));
        assertThat(dashboard().at("/templating/list").findValuesAsText("name")).contains("datasource", "guest", "host");
    }

    /** One that forgets to would add up the guests of a whole data centre. */
    @Test
    void shouldReadNothingButTheChosenGuest() throws Exception {
        for (String expression : expressions()) {
            List<MatchResult> series = SERIES.matcher(expression).results().toList();
            assertThat(series).as(expression).isNotEmpty();
            assertThat(series)
                    .as(expression)
                    .allMatch(one -> String.valueOf(one.group(1)).contains("guest=\"$guest\""));
        }
    }

    /** A name that nobody exports makes a panel that is always empty. */
    @Test
    void shouldAskOnlyForWhatAProxyOrAnAgentExports() throws Exception {
        ExportedMetrics exported = ExportedMetrics.ofBoth(directory);
        assertThat(expressions().stream()
                        .map(expression -> expression.replace("$guest", "redis").replace("=~\"$host\"", "=\"a\""))
                        .flatMap(expression -> exported.missingFrom(expression).stream()))
                .isEmpty();
    }

    @Test
    void shouldAskOnlyForRecordedSeriesThatAreRecorded() throws Exception {
        Set<String> recorded = Set.copyOf(named(RECORD, RULES));
        for (String expression : expressions()) {
            assertThat(RECORDED.matcher(expression).results().map(MatchResult::group))
                    .isSubsetOf(recorded);
        }
    }

    /** The timeline gets a number, and turns it into a word again. */
    @Test
    void shouldCallTheStatesOfAWallByTheirNames() throws Exception {
        Map<String, String> recorded = NUMBERED_STATE
                .matcher(Files.readString(RULES))
                .results()
                .collect(Collectors.toMap(match -> match.group(1), match -> match.group(2)));
        Map<String, String> shown = new TreeMap<>();
        panel("Walls")
                .at("/fieldConfig/defaults/mappings/0/options")
                .properties()
                .forEach(option -> shown.put(
                        option.getKey(), option.getValue().path("text").asText()));
        assertThat(shown).isEqualTo(recorded);
        assertThat(shown.values())
                .containsExactlyInAnyOrderElementsOf(
                        Stream.of(WallState.values()).map(WallState::name).toList());
    }

    /** Whoever is paged must find what the alert has seen; and every link must lead to a section. */
    @Test
    void shouldShowWhatEachAlertIsAboutAndLeadToItsSectionInTheRunbook() throws Exception {
        Set<String> led = panelsWithData()
                .flatMap(panel -> panel.path("links").findValuesAsText("url").stream())
                .filter(url -> url.contains("#"))
                .collect(Collectors.toSet());
        assertThat(led)
                .containsExactlyInAnyOrderElementsOf(named(ALERT, ALERTS).stream()
                        .map(alert -> "${runbook}#" + alert.toLowerCase(Locale.ROOT))
                        .toList());
    }

    private static int right(JsonNode place) {
        return place.path("x").asInt() + place.path("w").asInt();
    }

    private static int bottom(JsonNode place) {
        return place.path("y").asInt() + place.path("h").asInt();
    }

    private static String title(JsonNode panel) {
        return panel.path("title").asText();
    }

    private static JsonNode panel(String title) throws IOException {
        return panels().filter(panel -> title(panel).equals(title)).findFirst().orElseThrow();
    }

    private static Stream<JsonNode> panelsWithData() throws IOException {
        return panels().filter(panel -> !panel.path("type").asText().equals("row"));
    }

    /** All of them, those in rows that are closed as well. */
    private static Stream<JsonNode> panels() throws IOException {
        return elements(dashboard().path("panels"))
                .flatMap(panel -> Stream.concat(Stream.of(panel), elements(panel.path("panels"))));
    }

    private static Stream<JsonNode> elements(JsonNode array) {
        return StreamSupport.stream(array.spliterator(), false);
    }

    private static List<String> expressions() throws IOException {
        return dashboard().findValuesAsText("expr");
    }

    private static JsonNode dashboard() throws IOException {
        return new ObjectMapper().readTree(DASHBOARD.toFile());
    }

    private static List<String> named(Pattern pattern, Path file) throws IOException {
        return pattern.matcher(Files.readString(file))
                .results()
                .map(match -> match.group(1))
                .toList();
    }
}
