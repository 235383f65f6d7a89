package io.holdfast.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.holdfast.config.HoldfastConfig;
import io.holdfast.control.CommandException;
import io.holdfast.control.ControlUnavailableException;
import java.time.Duration;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** A failover in which nothing fails. */
@Command(
        name = "switchover",
        mixinStandardHelpOptions = true,
        description = {
            "Moves the guest from this host to its backup, where it goes on exactly where it was: before maintenance of this"
                    + " host, for example. This host is the backup afterwards.",
            "The guest stands still from its last checkpoint until the other host has it. Nothing that it said is taken back, and"
                    + " no connection is lost. If the backup fails before it has the last checkpoint, the guest goes on here.",
            "Such as: holdfast --guest redis switchover --reason maintenance"
        })
final class SwitchoverCommand extends AskingCommand {

    private static final Duration LONGEST = Duration.ofSeconds(60);
    private static final Duration BETWEEN_LOOKS = Duration.ofMillis(50);

    @Mixin
    private final Confirmation confirmation = new Confirmation();

    @Override
    JsonNode ask(HoldfastConfig config) throws CommandException, ControlUnavailableException {
        String reason = confirmation.reasonFor(
                "Move guest %s from host %s to its backup?".formatted(config.guest(), config.host()));
        long before = status(config).path("switchovers").asLong();
        ask(config.agentSocket(), "switchover", arguments().put("reason", reason));
        return awaitEnd(config, before);
    }

    private ObjectNode awaitEnd(HoldfastConfig config, long before)
            throws CommandException, ControlUnavailableException {
        long beganNanos = System.nanoTime();
        String progress = "";
        while (System.nanoTime() - beganNanos < LONGEST.toNanos()) {
            JsonNode status = status(config);
            if (status.path("switchovers").asLong() > before) {
                return arguments()
                        .put("owner", status.path("owner").asText())
                        .put("term", status.path("term").asLong())
                        .put("stood_still_ms", status.path("switchover_ms").asDouble());
            }
            String now = status.path("switchover").asText();
            if (now.startsWith("abandoned")) {
                throw new CommandException("SwitchoverAbandoned", "the guest goes on here; " + now);
            }
            if (!now.equals(progress)) {
                progress = now;
                holdfast.err().println(now);
            }
            sleep();
        }
        throw new CommandException(
                "SwitchoverUnfinished",
                "after " + LONGEST.toSeconds() + " s the guest still stands still here (" + progress
                        + "); see `holdfast status` on the other host. If it has not taken over and will not, `holdfast alone`"
                        + " lets the guest go on here");
    }

    private static void sleep() {
        try {
            Thread.sleep(BETWEEN_LOOKS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private static JsonNode status(HoldfastConfig config) throws CommandException, ControlUnavailableException {
        return ask(config.agentSocket(), "status", arguments());
    }

    @Override
    String describe(JsonNode answer) {
        return "host %s has the guest, under term %d; it stood still for %.0f ms at most"
                .formatted(
                        answer.path("owner").asText(),
                        answer.path("term").asLong(),
                        answer.path("stood_still_ms").asDouble());
    }
}
