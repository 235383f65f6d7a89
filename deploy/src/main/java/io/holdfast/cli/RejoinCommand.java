package io.holdfast.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.holdfast.config.HoldfastConfig;
import io.holdfast.control.CommandException;
import io.holdfast.control.ControlUnavailableException;
import java.time.Duration;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** The way back for a host that was repaired. */
@Command(
        name = "rejoin",
        mixinStandardHelpOptions = true,
        description = {
            "Makes this host the backup of the one that has the guest, and waits until it may take over again.",
            "A host that has been overtaken does so by itself when its agent runs; then this only waits, and says what is missing;"
                    + " it does not wait for what only the operator can change."
                    + " One that owns the newest term, but has no guest, keeps it until --force gives it up.",
        })
final class RejoinCommand extends AskingCommand {

    /** What stands in the way of a host that has just started may be gone by then; what only the operator can change is not. */
    private static final Duration SETTLING = Duration.ofSeconds(2);

    private static final Duration BETWEEN_LOOKS = Duration.ofMillis(100);

    @Option(
            names = "--force",
            description = "Give up the guest that has run here last, and what its clients have seen of it. Asks back.")
    private boolean force;

    @Mixin
    private final Confirmation confirmation = new Confirmation();

    @Option(
            names = "--wait",
            paramLabel = "SECONDS",
            defaultValue = "120",
            description = "How long to wait for protection; 0: not at all. Default: ${DEFAULT-VALUE}.")
    private int waitSeconds;

    @Override
    JsonNode ask(HoldfastConfig config) throws CommandException, ControlUnavailableException {
        if (waitSeconds < 0) {
            throw holdfast.usage("--wait is negative: " + waitSeconds);
        }
        String reason = force
                ? confirmation.reasonFor("Give up guest %s of host %s for good, and what clients have seen of it?"
                        .formatted(config.guest(), config.host()))
                : confirmation.reason();
        ObjectNode arguments = arguments().put("force", force);
        if (!reason.isBlank()) {
            arguments.put("reason", reason);
        }
        ask(config.agentSocket(), "rejoin", arguments);
        return awaitProtection(config);
    }

    private ObjectNode awaitProtection(HoldfastConfig config) throws CommandException, ControlUnavailableException {
        long beganNanos = System.nanoTime();
        Duration patience = Duration.ofSeconds(waitSeconds);
        String told = "";
        while (true) {
            JsonNode status = ask(config.agentSocket(), "status", arguments());
            boolean mayPromote = status.path("may_promote").asBoolean();
            String missing = missing(status);
            Duration waited = Duration.ofNanos(System.nanoTime() - beganNanos);
            if (mayPromote || patience.isZero()) {
                return arguments()
                        .put("role", status.path("role").asText())
                        .put("may_promote", mayPromote)
                        .put("missing_for_promotion", mayPromote ? "" : missing)
                        .put("term", status.path("term").asLong())
                        .put("epoch", status.path("confirmed_epoch").asLong())
                        .put("took_ms", waited.toMillis());
            }
            String refuses = status.path("refuses_because").asText();
            if (!refuses.isEmpty() && waited.compareTo(SETTLING) > 0) {
                throw new CommandException(
                        "CannotFollow", "this host is the backup, but cannot follow the primary: " + refuses);
            }
            if (waited.compareTo(patience) > 0) {
                throw new CommandException(
                        "NotProtected",
                        "this host is the backup, but after " + waitSeconds + " s it cannot take over: " + missing
                                + "; it goes on trying, see `holdfast status` here and on the other host");
            }
            if (!missing.equals(told)) {
                told = missing;
                holdfast.err().println(missing);
            }
            sleep();
        }
    }

    private static String missing(JsonNode status) {
        if (!status.path("role").asText().equals("backup")) {
            return "the agent changes its role";
        }
        if (!status.path("standby_ready").asBoolean()) {
            return "the waiting hypervisor is not ready";
        }
        return status.path("peer").asText().equals("connected")
                ? status.path("missing_for_promotion").asText()
                : "no primary is connected";
    }

    private static void sleep() {
        try {
            Thread.sleep(BETWEEN_LOOKS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    @Override
    String describe(JsonNode answer) {
        return answer.path("may_promote").asBoolean()
                ? "this host is the backup of term %d, and may take over from checkpoint %d on; that took %.1f s"
                        .formatted(
                                answer.path("term").asLong(),
                                answer.path("epoch").asLong(),
                                answer.path("took_ms").asLong() / 1000.0)
                : "this host is the backup; for a promotion is missing: "
                        + answer.path("missing_for_promotion").asText();
    }
}
