package io.holdfast.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.holdfast.testkit.Shell;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestInstance.Lifecycle;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import picocli.CommandLine;

/** Real proxies in real namespaces; one measurement for all tests of it. */
@TestInstance(Lifecycle.PER_CLASS)
class BenchCommandTest {

    private final StringWriter err = new StringWriter();
    private JsonNode measured = new ObjectMapper().nullNode();

    @BeforeAll
    void measure() throws Exception {
        StringWriter out = new StringWriter();
        int exitCode =
                run(out, "bench", "--json", "--seconds=1", "--connections=100", "--ways=kernel-bridge,wall-10ms");
        assertThat(exitCode).as(err.toString()).isEqualTo(ExitCode.OK);
        Schemas.assertOutput("bench", out.toString());
        measured = new ObjectMapper().readTree(out.toString());
    }

    @Test
    void shouldMeasureTheWaysThatAreNamed() {
        assertThat(measured.path("ways").fieldNames()).toIterable().containsExactly("kernel-bridge", "wall-10ms");
        assertThat(measured.path("ways"))
                .allSatisfy(way ->
                        assertThat(way.path("requests_per_second").asDouble()).isGreaterThan(0));
    }

    @Test
    void shouldSayOfEachWayWhatItWasMeasuredWith() {
        assertThat(measured.path("connections").asInt()).isEqualTo(100);
        assertThat(measured.path("seconds").asInt()).isEqualTo(1);
    }

    /** An answer leaves with the commit of its epoch; hardly any meets one just before its end. */
    @Test
    void shouldShowWhatTheWallAdds() {
        assertThat(median("wall-10ms") - median("kernel-bridge")).isGreaterThan(2_000);
    }

    @Test
    void shouldShowAPercentileAboveTheMedian() {
        assertThat(measured.path("ways"))
                .allSatisfy(way -> assertThat(way.path("request_p99_us").asDouble())
                        .isGreaterThanOrEqualTo(way.path("request_p50_us").asDouble()));
    }

    @Test
    void shouldTellHowFarItIs() {
        assertThat(err.toString().lines()).contains("measuring kernel-bridge (1 of 2)", "measuring wall-10ms (2 of 2)");
    }

    @Test
    void shouldLeaveNoNamespaceBehind() {
        assertThat(Shell.run("ip", "netns", "list"))
                .doesNotContain("holdfast-bench-" + ProcessHandle.current().pid());
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "--ways=router     | --ways knows no router",
                "--seconds=0       | --seconds is a number from 1 to 60, not 0",
                "--connections=0   | --connections is a number from 1 to 200,000, not 0",
                "--connections=300000 | --connections is a number from 1 to 200,000, not 300000"
            })
    void shouldRefuseWhatItCannotMeasure(String option, String complaint) {
        assertThat(List.of(
                        run(new StringWriter(), "bench", option), err.toString().contains(complaint)))
                .as(err.toString())
                .containsExactly(ExitCode.USAGE, true);
    }

    private double median(String way) {
        return measured.path("ways").path(way).path("request_p50_us").asDouble();
    }

    private int run(StringWriter out, String... arguments) {
        CommandLine command = Holdfast.commandLine();
        command.setOut(new PrintWriter(out));
        command.setErr(new PrintWriter(err, true));
        return command.execute(arguments);
    }
}
