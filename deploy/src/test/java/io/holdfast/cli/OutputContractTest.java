package io.holdfast.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.holdfast.agent.rehearsal.RehearsalReport;
import io.holdfast.agent.rehearsal.RehearsalStep;
import io.holdfast.agent.role.RehearsalOutcome;
import io.holdfast.audit.AuditEvent;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import picocli.CommandLine;

/** Whether the schemas of what the command line prints know all that it can print. What it prints, its own tests look at. */
class OutputContractTest {

    @Test
    void shouldDescribeWhatEveryCommandPrintsForPrograms() {
        Set<String> printing = new TreeSet<>();
        collect("", Holdfast.commandLine(), printing);
        assertThat(printing)
                .isNotEmpty()
                .allSatisfy(command -> assertThat(Schemas.values("output.json", "/$defs/" + command))
                        .as("output.json#/$defs/%s", command)
                        .isNotEmpty());
    }

    @Test
    void shouldNameEveryDecisionThatTheAuditLogTells() {
        assertThat(Schemas.values("output.json", "/$defs/auditEntry/properties/event/examples"))
                .containsExactlyInAnyOrderElementsOf(
                        Arrays.stream(AuditEvent.values()).map(AuditEvent::word).toList());
    }

    @ParameterizedTest
    @EnumSource
    void shouldDescribeEveryEndOfARehearsal(RehearsalOutcome outcome) {
        Map<RehearsalStep, Long> steps = new EnumMap<>(RehearsalStep.class);
        for (RehearsalStep step : RehearsalStep.values()) {
            steps.put(step, 1_000_000L);
        }
        ObjectNode rehearsal = new JsonMapper()
                .createObjectNode()
                .put("begun", 1)
                .put("step", "")
                .put("number", 1)
                .put("age_seconds", 0.5);
        new RehearsalReport(outcome, "because", 41, "10.0.0.5", steps, 7_000_000L).describeIn(rehearsal);
        Schemas.assertFits("output.json", "rehearse", rehearsal);
    }

    private static void collect(String name, CommandLine command, Set<String> printing) {
        if (command.getCommandSpec().findOption("--json") != null) {
            printing.add(name);
        }
        command.getSubcommands()
                .forEach((word, subcommand) -> collect((name + " " + word).strip(), subcommand, printing));
    }
}
