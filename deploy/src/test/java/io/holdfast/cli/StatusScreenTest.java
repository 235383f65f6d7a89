package io.holdfast.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.holdfast.config.HoldfastConfig;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine.Help.Ansi;

class StatusScreenTest {

    private static final JsonMapper JSON = new JsonMapper();
    private static final int SCREEN_LINES = 24;
    private static final int SCREEN_COLUMNS = 132;
    private static final String ESCAPE = "\033";

    private final ObjectNode proxy = object("""
            {"state": "PROTECTED", "because": "epoch 2 is confirmed", "mode": "wall", "term": 1, "claim": "promotion",
             "owner": "a", "incarnation": "873c34f87f26b477", "owned": true, "epoch": 750, "frontier": 749,
             "held_frames": 3, "held_bytes": 216, "limit_bytes": 1048576, "oldest_held_ms": 42.8, "hold_p50_ms": 19.7,
             "hold_p99_ms": 78.0, "commit_to_wire_p50_us": 186, "unsafe": [],
             "counters": {"held": 1479, "released": 1479, "passed": 0, "exempt": 0, "discarded": 0, "dropped_at_limit": 0,
              "late": 0, "delivered": 1461, "shut_out": 0, "mirrored": 1454, "unmirrored": 0, "injected": 0},
             "nics": [{"nic": "net0",
               "guest_port": {"interface": "tap0", "captured": 1479, "sent": 1461, "kernel_dropped": 0, "truncated": 0,
                "send_errors": 0},
               "uplink": {"interface": "up0", "captured": 1461, "sent": 1508, "kernel_dropped": 0, "truncated": 0,
                "send_errors": 0}}],
             "announcements": [{"nic": "net0", "state": "running", "rounds": 9, "frames_per_round": 4, "disputed": false}]}
            """);

    private final ObjectNode primary = object("""
            {"host": "a", "term": 1, "claim": "promotion", "owner": "a", "wall": "local", "role": "primary",
             "guest_found": true, "peer": "connected", "armed": true, "protected": true, "epoch": 599, "epochs_in_flight": 1,
             "guest_waits_for_room": false, "refused_because": "", "may_switch_over": true, "switchover": "",
             "arbiter": "none", "fence": false, "waits_for": "", "lease_left_seconds": 0.0, "rehearsal": {"begun": 0, "step": ""},
             "last_contact_ms": 8.270787, "checkpoints": 598, "failed_checkpoints": 2, "dirty_pages": 52317,
             "shipped_bytes": 334143724, "dirty_pages_by": "pagemap-scan", "paused_ms": 4779.53974, "pause_p50_ms": 6.191667,
             "pause_p99_ms": 34.361667, "confirm_p50_ms": 9.873684, "failovers": 0, "detected_by": "", "switchovers": 0,
             "switchover_ms": 0.0, "promotion_ms": 0.0}
            """);

    private final ObjectNode backup = object("""
            {"host": "b", "term": 1, "claim": "promotion", "owner": "a", "wall": "local", "role": "backup",
             "peer": "connected", "refuses_because": "", "standby_ready": true, "confirmed_epoch": 606, "epoch": 606,
             "may_promote": true, "missing_for_promotion": "nothing is missing", "silence_broken_by": "", "restore_attempt": 0,
             "spares_waiting": 0, "kept_frames": 6, "kept_bytes": 1299, "arbiter": "none", "fence": false, "waits_for": "",
             "lease_left_seconds": 0.0, "rehearsal": {"begun": 0, "step": ""}, "last_contact_ms": 12.072679, "failovers": 0,
             "switchovers": 0}
            """);

    @TempDir
    Path directory;

    private HoldfastConfig config;

    @BeforeEach
    void readConfig() throws Exception {
        config = HoldfastConfig.read(Files.writeString(
                directory.resolve("redis.yaml"),
                "{guest: redis, host: a, proxy: {nics: [{guest-port: tap0, uplink: up0}]}}"));
    }

    @Test
    void shouldFitOnAScreen() {
        for (ObjectNode agent : List.of(primary, backup)) {
            assertThat(draw(agent).lines())
                    .hasSizeLessThanOrEqualTo(SCREEN_LINES)
                    .allSatisfy(line -> assertThat(line).hasSizeLessThanOrEqualTo(SCREEN_COLUMNS));
        }
    }

    @Test
    void shouldShowEveryCounterOfTheProxyThoughTheyNeedTwoLines() {
        assertThat(draw(primary)).contains("frames    held 1479").containsPattern(",\n {12}[a-z].*injected 0\n");
    }

    @Test
    void shouldSayOfAPrimaryWhatItHasAndWhatItsBackupMay() {
        assertThat(agentLines(primary))
                .containsExactly(
                        "agent     primary, guest found, term 1/promotion/a",
                        "peer      connected, heard 8.3 ms ago; it may take over",
                        "shipped   598 checkpoints, 318 MiB, 2 failed, 1 not confirmed; changed memory found by pagemap-scan",
                        "pauses    p50 6.2 ms, p99 34.4 ms, 4.8 s in all; confirmed after p50 9.9 ms");
    }

    @Test
    void shouldSayOfABackupFromWhatItMayTakeOver() {
        assertThat(agentLines(backup))
                .containsExactly(
                        "agent     backup, term 1/promotion/a",
                        "peer      connected, heard 12.1 ms ago",
                        "takeover  may take over, from checkpoint 606",
                        "qemu      waits",
                        "kept      6 frames of clients, 1 KiB, for the restored guest",
                        "rehearsal none since the agent was started");
    }

    @Test
    void shouldSayWhatKeepsABackupFromTakingOver() {
        backup.put("may_promote", false).put("missing_for_promotion", "the waiting hypervisor is not ready");
        assertThat(agentLines(backup)).contains("takeover  may not take over: the waiting hypervisor is not ready");
    }

    @Test
    void shouldSayThatAnArmedBackupOutOfSightMayHaveTakenOver() {
        primary.put("peer", "absent").put("protected", false).put("last_contact_ms", 12_300);
        assertThat(agentLines(primary))
                .contains("peer      absent, heard 12.3 s ago; it was armed, and may have taken over");
    }

    @Test
    void shouldSayThatABackupWhichIsNotArmedMayNotTakeOverYet() {
        primary.put("protected", false).put("armed", false);
        assertThat(agentLines(primary)).contains("peer      connected, heard 8.3 ms ago; it may not take over yet");
    }

    @Test
    void shouldSayThatAnArmedBackupWhichIsBackHasNoCheckpointYet() {
        primary.put("protected", false);
        assertThat(agentLines(primary))
                .contains("peer      connected, heard 8.3 ms ago; it has no checkpoint yet since it came");
    }

    @Test
    void shouldSayThatNobodyMayTakeOverFromAPrimaryThatServesAlone() {
        primary.put("peer", "absent").put("protected", false).put("armed", false);
        assertThat(agentLines(primary)).contains("peer      absent, heard 8.3 ms ago; nobody may take over");
    }

    @Test
    void shouldNotSayWhenAPeerWasHeardThatNeverWas() {
        backup.put("peer", "absent").remove("last_contact_ms");
        assertThat(agentLines(backup)).contains("peer      absent");
    }

    @Test
    void shouldSayWhatIsOutOfTheOrdinaryOfAPrimary() {
        primary.put("guest_found", false)
                .put("refused_because", "it has lost its memory")
                .put("guest_waits_for_room", true)
                .put("switchover", "draining")
                .put("wall", "peer");
        assertThat(agentLines(primary))
                .contains(
                        "agent     primary, no guest found, term 1/promotion/a; wall: peer",
                        "refused   it has lost its memory",
                        "guest     waits for room: the wall is full, and no checkpoint makes room in it",
                        "switch    draining");
    }

    @Test
    void shouldSayWhatIsOutOfTheOrdinaryOfABackup() {
        backup.put("refuses_because", "host a is older")
                .put("silence_broken_by", "10.7.0.10")
                .put("standby_ready", false)
                .put("spares_waiting", 2)
                .put("restore_attempt", 3);
        assertThat(agentLines(backup))
                .contains(
                        "refuses   host a is older",
                        "silence   10.7.0.10",
                        "qemu      not ready, 2 spares wait, attempt 3 to restore");
    }

    @Test
    void shouldSayHowTheLastRehearsalEnded() {
        backup.set(
                "rehearsal",
                object(
                        "{\"step\": \"\", \"outcome\": \"failed\", \"reason\": \"no answer\", \"age_seconds\": 7500, \"total_ms\": 1230}"));
        assertThat(agentLines(backup)).contains("rehearsal failed, 2 h ago, in 1.2 s: no answer");
    }

    @Test
    void shouldSayThatARehearsalIsUnderWay() {
        backup.set("rehearsal", object("{\"step\": \"waiting for an answer\", \"outcome\": \"failed\"}"));
        assertThat(agentLines(backup)).contains("rehearsal under way: waiting for an answer");
    }

    @Test
    void shouldSayWhatTheArbiterAndTheFenceAreAskedFor() {
        primary.put("arbiter", "etcd")
                .put("fence", true)
                .put("lease_left_seconds", 3.21)
                .put("waits_for", "the arbiter's word");
        assertThat(agentLines(primary))
                .contains("arbiter   etcd; a fence; lease left 3.2 s; waits for the arbiter's word");
    }

    @Test
    void shouldSayWhatHasHappenedHere() {
        primary.put("failovers", 1).put("detected_by", "eof").put("promotion_ms", 521.4);
        primary.put("switchovers", 2).put("switchover_ms", 120.2);
        assertThat(agentLines(primary))
                .contains(
                        "failovers 1 here since the agent was started; the last, noticed by eof, took 521.4 ms",
                        "switched  2 times from here since the agent was started; the guest stood still for 120.2 ms");
    }

    @Test
    void shouldNameWhoeverDoesNotAnswer() {
        assertThat(agentLines(object("{\"error\": \"nobody listens\"}"))).containsExactly("agent     nobody listens");
    }

    @Test
    void shouldColourOnlyWhereItIsShownInColours() {
        assertThat(draw(primary)).doesNotContain(ESCAPE);
        assertThat(StatusScreen.draw(config, status(primary), Ansi.ON)).contains(ESCAPE + "[32mit may take over");
    }

    private List<String> agentLines(ObjectNode agent) {
        return draw(agent)
                .lines()
                .map(String::strip)
                .dropWhile(line -> !line.startsWith("agent "))
                .toList();
    }

    private String draw(ObjectNode agent) {
        return StatusScreen.draw(config, status(agent), Ansi.OFF);
    }

    private ObjectNode status(ObjectNode agent) {
        ObjectNode status = JSON.createObjectNode();
        status.set("proxy", proxy);
        status.set("agent", agent);
        return status;
    }

    private static ObjectNode object(String json) {
        try {
            return (ObjectNode) JSON.readTree(json);
        } catch (Exception e) {
            throw new AssertionError(e);
        }
    }
}
