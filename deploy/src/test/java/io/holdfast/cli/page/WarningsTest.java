package io.holdfast.cli.page;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;
import org.junit.jupiter.api.Test;

class WarningsTest {

    private static final long SECOND = 1_000_000_000;

    private final ObjectNode proxy = JsonNodeFactory.instance.objectNode();
    private final ObjectNode agent = JsonNodeFactory.instance.objectNode();

    private List<String> warnings() {
        return Warnings.of(proxy, AgentWord.unasked().answered(agent, 10 * SECOND), 17 * SECOND);
    }

    @Test
    void shouldSayNothingWhenAllIsWell() {
        proxy.putArray("unsafe");
        proxy.putObject("counters").put("dropped_at_limit", 0);
        agent.put("waits_for", "").put("guest_waits_for_room", false);
        assertThat(warnings()).isEmpty();
    }

    @Test
    void shouldSayHowOldTheLastWordOfALostAgentIs() {
        AgentWord lost = AgentWord.unasked().answered(agent, 10 * SECOND).failed("nobody listens");
        assertThat(Warnings.of(proxy, lost, 17 * SECOND))
                .containsExactly("The agent does not answer (nobody listens). What is shown of it is 7 s old.");
    }

    @Test
    void shouldNotMissAnAgentWhereAnotherEngineDrivesTheWall() {
        assertThat(Warnings.of(proxy, AgentWord.nobody(), SECOND)).isEmpty();
    }

    @Test
    void shouldShowWhatWasForced() {
        proxy.putArray("unsafe").add("tap0 has an address");
        assertThat(warnings()).containsExactly("UNSAFE, by --force-unsafe: tap0 has an address");
    }

    @Test
    void shouldTellWhoElseUsesTheGuestsAddress() {
        proxy.putArray("conflicts")
                .addObject()
                .put("nic", "net0")
                .put("address", "10.0.0.5")
                .put("foreign_mac", "52:54:00:99:99:99")
                .put("last_seen_ms", 2_000);
        assertThat(warnings())
                .containsExactly(
                        "Somebody else uses the guest's address 10.0.0.5 on net0: 52:54:00:99:99:99, 2 s ago.");
    }

    @Test
    void shouldCountFramesThatFoundTheWallFull() {
        proxy.putObject("counters").put("dropped_at_limit", 4);
        assertThat(warnings())
                .containsExactly("4 frames found the wall full and were dropped since the proxy started.");
    }

    @Test
    void shouldTellWhatTheAgentWaitsFor() {
        agent.put("guest_waits_for_room", true).put("waits_for", "the arbiter");
        assertThat(warnings())
                .containsExactly(
                        "The guest is paused until there is room in the wall.", "It waits for this: the arbiter");
    }

    @Test
    void shouldTellWhyABackupDoesNotFollow() {
        agent.put("refuses_because", "host a is older");
        assertThat(warnings())
                .containsExactly("This host refuses the other one, and cannot take over: host a is older");
    }
}
