package io.holdfast.agent;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.holdfast.agent.rehearsal.RehearsalReport;
import io.holdfast.agent.rehearsal.RehearsalStep;
import io.holdfast.agent.role.RehearsalOutcome;
import io.holdfast.metrics.MetricsRegistry;
import io.prometheus.client.exporter.common.TextFormat;
import java.io.StringWriter;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class AgentMetricsTest {

    private static final String LABELS = "{guest=\"redis\",host=\"a\",} ";

    private final AgentMeasures measures = new AgentMeasures();
    private AgentView view = new AgentView("primary", 3, 41, true, true, "protected", "", 0);

    @Test
    void shouldShowWhatTheAgentMeasured() throws Exception {
        measures.pauseNanos.record(4_000_000);
        measures.pauseNanos.record(12_000_000);
        measures.pausedNanos.add(16_000_000);
        measures.confirmNanos.record(30_000_000);
        measures.checkpoints.add(2);
        measures.dirtyPages.add(70);
        measures.shippedBytes.add(290_000);
        measures.failovers.increment();
        measures.switchovers.increment();
        measures.usedSpares.increment();
        measures.sparesWaiting = 2;
        measures.failedStandbys.increment();
        measures.refusedClaims.increment();
        assertThat(scrape())
                .contains(
                        "holdfast_checkpoint_pause_seconds_count" + LABELS + "2.0",
                        "holdfast_checkpoint_pause_seconds_sum" + LABELS + "0.016",
                        "holdfast_confirm_seconds_count" + LABELS + "1.0",
                        "holdfast_confirm_seconds_sum" + LABELS + "0.03",
                        "holdfast_guest_paused_seconds_total" + LABELS + "0.016",
                        "holdfast_checkpoints_total" + LABELS + "2.0",
                        "holdfast_dirty_pages_total" + LABELS + "70.0",
                        "holdfast_shipped_bytes_total" + LABELS + "290000.0",
                        "holdfast_failovers_total" + LABELS + "1.0",
                        "holdfast_switchovers_total" + LABELS + "1.0",
                        "holdfast_used_spares_total" + LABELS + "1.0",
                        "holdfast_spares_waiting" + LABELS + "2.0",
                        "holdfast_failed_standbys_total" + LABELS + "1.0",
                        "holdfast_arbiter_claims_total{guest=\"redis\",host=\"a\",outcome=\"refused\",} 1.0");
    }

    @Test
    void shouldSayHowTheShareOfPausedTimeIsAskedFor() throws Exception {
        assertThat(scrape())
                .anyMatch(line -> line.startsWith("# HELP holdfast_guest_paused_seconds_total")
                        && line.contains("rate(holdfast_guest_paused_seconds_total[1m])"));
    }

    @Test
    void shouldShowTheAgentAsItIsNow() throws Exception {
        assertThat(scrape())
                .contains(
                        "holdfast_agent_term" + LABELS + "3.0",
                        "holdfast_agent_epoch" + LABELS + "41.0",
                        "holdfast_agent_ready" + LABELS + "1.0",
                        "holdfast_agent_role{guest=\"redis\",host=\"a\",role=\"primary\",} 1.0");
        view = new AgentView("backup", 4, 50, false, false, "no backup", "the arbiter's word", 7.5);
        assertThat(scrape())
                .contains(
                        "holdfast_agent_term" + LABELS + "4.0",
                        "holdfast_agent_ready" + LABELS + "0.0",
                        "holdfast_arbiter_waits" + LABELS + "1.0",
                        "holdfast_arbiter_lease_seconds" + LABELS + "7.5",
                        "holdfast_agent_role{guest=\"redis\",host=\"a\",role=\"primary\",} 0.0");
    }

    @Test
    void shouldCountRehearsalsByTheirOutcome() throws Exception {
        measures.rehearsals.onEnd(report(RehearsalOutcome.ANSWERED), System.nanoTime());
        measures.rehearsals.onEnd(report(RehearsalOutcome.NO_ANSWER), System.nanoTime());
        assertThat(scrape())
                .contains(
                        "holdfast_rehearsals_total{guest=\"redis\",host=\"a\",outcome=\"answered\",} 1.0",
                        "holdfast_rehearsals_total{guest=\"redis\",host=\"a\",outcome=\"no-answer\",} 1.0",
                        "holdfast_rehearsals_total{guest=\"redis\",host=\"a\",outcome=\"failed\",} 0.0",
                        "holdfast_rehearsal_seconds_count" + LABELS + "1.0",
                        "holdfast_rehearsal_seconds_sum" + LABELS + "2.0");
    }

    @Test
    void shouldKnowNoAgeBeforeARehearsalHasProvedAnything() throws Exception {
        measures.rehearsals.onEnd(report(RehearsalOutcome.FAILED), System.nanoTime());
        assertThat(scrape()).contains("holdfast_rehearsal_age_seconds" + LABELS + "NaN");
    }

    @Test
    void shouldTellTheAgeOfTheLastProofWhateverCameAfterIt() throws Exception {
        measures.rehearsals.onEnd(report(RehearsalOutcome.ANSWERED), System.nanoTime() - 60_000_000_000L);
        measures.rehearsals.onEnd(report(RehearsalOutcome.FAILED), System.nanoTime());
        assertThat(scrape())
                .anyMatch(line -> line.startsWith("holdfast_rehearsal_age_seconds")
                        && Double.parseDouble(line.substring(line.lastIndexOf(' '))) >= 60);
    }

    @Test
    void shouldTellOfTheLastRehearsalAndOfTheOneUnderWay() {
        ObjectNode status = new JsonMapper().createObjectNode();
        assertThat(measures.rehearsals.onBegin()).isEqualTo(1);
        measures.rehearsals.onEnd(report(RehearsalOutcome.ANSWERED), 5_000_000_000L);
        measures.rehearsals.onBegin();
        measures.rehearsals.onStep(RehearsalStep.LOAD);
        measures.rehearsals.describeIn(status, 8_000_000_000L);
        assertThat(status.path("begun").asLong()).isEqualTo(2);
        assertThat(status.path("step").asText()).isEqualTo("restoring the guest");
        assertThat(status.path("number").asLong()).isEqualTo(1);
        assertThat(status.path("outcome").asText()).isEqualTo("answered");
        assertThat(status.path("age_seconds").asDouble()).isEqualTo(3);
        assertThat(status.path("load_ms").asDouble()).isEqualTo(150);
        assertThat(status.path("total_ms").asDouble()).isEqualTo(2_000);
        assertThat(status.has("check_ms")).as("a step that was not made").isFalse();
    }

    private static RehearsalReport report(RehearsalOutcome outcome) {
        return new RehearsalReport(
                outcome, "as expected", 41, "10.0.0.5", Map.of(RehearsalStep.LOAD, 150_000_000L), 2_000_000_000L);
    }

    private List<String> scrape() throws Exception {
        try (MetricsRegistry registry = new MetricsRegistry("redis", "a")) {
            new AgentMetrics(measures, () -> view).bindTo(registry);
            StringWriter out = new StringWriter();
            registry.scrape(out, TextFormat.CONTENT_TYPE_004);
            return out.toString().lines().toList();
        }
    }
}
