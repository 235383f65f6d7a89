package io.holdfast.cli.page;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import io.holdfast.cli.page.Headline.Standing;
import io.holdfast.config.ProxyMode;
import io.holdfast.wall.WallState;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class HeadlineTest {

    private static JsonNode agent(String role) {
        return JsonNodeFactory.instance.objectNode().put("role", role);
    }

    @ParameterizedTest
    @CsvSource({"CLOSED, WATCH", "ARMING, WATCH", "PROTECTED, GOOD", "SUSPENDED, BAD", "ALONE, WATCH", "SEALED, BAD"})
    void shouldTellWhetherSomebodyHasToDoSomething(WallState state, Standing standing) {
        assertThat(Headline.of(state, ProxyMode.WALL, agent("primary")).standing())
                .isEqualTo(standing);
    }

    @Test
    void shouldFindNothingWrongWithABackupThatStandsBy() {
        Headline headline = Headline.of(WallState.CLOSED, ProxyMode.WALL, agent("backup"));
        assertThat(headline.standing()).isEqualTo(Standing.IDLE);
        assertThat(headline.sentence()).startsWith("this host stands by");
    }

    @Test
    void shouldNotClaimThatEveryFrameWaitsInReverseMode() {
        assertThat(Headline.of(WallState.PROTECTED, ProxyMode.REVERSE, agent("primary"))
                        .sentence())
                .startsWith("what a failover can repair leaves at once");
    }

    @ParameterizedTest
    @CsvSource({"PROTECTED", "ALONE", "SUSPENDED"})
    void shouldNeverCallAWallProtectedThatHoldsNothing(WallState state) {
        Headline headline = Headline.of(state, ProxyMode.OFF, agent("primary"));
        assertThat(headline.standing()).isEqualTo(Standing.BAD);
        assertThat(headline.sentence()).startsWith("nothing is held");
    }
}
