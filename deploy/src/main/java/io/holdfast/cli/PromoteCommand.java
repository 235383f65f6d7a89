package io.holdfast.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.holdfast.config.HoldfastConfig;
import io.holdfast.control.CommandException;
import io.holdfast.control.ControlUnavailableException;
import java.time.Duration;
import java.util.StringJoiner;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** A failover by hand. */
@Command(
        name = "promote",
        mixinStandardHelpOptions = true,
        description = {
            "Has this host take over the guest at the newest checkpoint that it has confirmed.",
            "For a primary that is dead though nothing shows it; one that lives is fenced.",
            "Where the proxy died with the primary's host, a promotion waits for this word: then one that stands by here takes"
                    + " the uplink, and connections of which only the dead one knew are reset.",
            "Where an arbiter or a fence is configured, the promotion asks them as well, and is refused if they do not answer;"
                    + " --force goes on without their answer, never against it.",
            "Such as: holdfast --guest redis promote --check",
            "Such as: holdfast --guest redis promote --reason \"host a is dead\""
        })
final class PromoteCommand extends AskingCommand {

    private static final Duration LONGEST = Duration.ofSeconds(60);

    @Mixin
    private final Confirmation confirmation = new Confirmation();

    @Option(
            names = "--force",
            description =
                    "Also if the arbiter cannot be reached, or the fence fails: you have made sure that the primary is"
                            + " dead. Not if the arbiter refuses, nor without a checkpoint that may be promoted.")
    private boolean force;

    @Option(
            names = "--check",
            description = "Only say what would happen, and what is missing; exit code 1 if it would be refused.")
    private boolean check;

    @Override
    public Integer call() throws Exception {
        if (!check) {
            return super.call();
        }
        JsonNode verdict = verdictOn(ask(holdfast.config().agentSocket(), "status", arguments()));
        holdfast.out().println(json ? verdict.toString() : describe(verdict));
        return verdict.path("would_promote").asBoolean() ? ExitCode.OK : ExitCode.FAILED;
    }

    /** @param status the agent's */
    static ObjectNode verdictOn(JsonNode status) {
        boolean isBackup = status.path("role").asText().equals("backup");
        boolean would = isBackup && status.path("may_promote").asBoolean();
        ObjectNode verdict = arguments().put("would_promote", would);
        if (!isBackup) {
            return verdict.put("missing", "this host is the primary already");
        }
        verdict.put("missing", status.path("missing_for_promotion").asText());
        if (!status.path("waits_for").asText().isEmpty()) {
            verdict.put("waits_for", status.path("waits_for").asText());
        }
        if (would) {
            verdict.put("asks", whomItAsks(status));
            verdict.put("epoch", status.path("confirmed_epoch").asLong())
                    .put("term", status.path("term").asLong() + 1)
                    .put(
                            "primary",
                            status.path("peer").asText().equals("connected")
                                    ? "lives, and would be told the newer term, at which it ends its guest"
                                    : "is out of sight; make sure that it is dead, or that nobody minds");
        }
        return verdict;
    }

    private static String whomItAsks(JsonNode status) {
        StringJoiner asked = new StringJoiner(", then ").setEmptyValue("nobody");
        String arbiter = status.path("arbiter").asText("none");
        if (!arbiter.equals("none")) {
            asked.add("the arbiter (" + arbiter + ") for the next term");
        }
        if (status.path("fence").asBoolean()) {
            asked.add("the fence for proof that the primary is gone");
        }
        return asked.toString();
    }

    @Override
    JsonNode ask(HoldfastConfig config) throws CommandException, ControlUnavailableException {
        String reason = confirmation.reasonFor("Take over guest %s on host %s, and end it on the other host%s?"
                .formatted(config.guest(), config.host(), force ? ", whether or not arbiter and fence answer" : ""));
        return ask(
                config.agentSocket(),
                "promote",
                arguments().put("reason", reason).put("force", force),
                LONGEST);
    }
}
