package io.holdfast.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.holdfast.config.HoldfastConfig;
import io.holdfast.control.CommandException;
import io.holdfast.control.ControlUnavailableException;
import java.time.Duration;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** A failover by hand. */
@Command(
        name = "promote",
        mixinStandardHelpOptions = true,
        description = {
            "Has this host take over the guest at the newest checkpoint that it has confirmed.",
            "For a primary that is dead though nothing shows it; one that lives is fenced.",
            "Where the proxy died with the primary's host, a promotion waits for this word: then one that stands by here takes",
            "the uplink, and connections of which only the dead one knew are reset."
        })
final class PromoteCommand extends AskingCommand {

    private static final Duration LONGEST = Duration.ofSeconds(60);

    @Option(
            names = "--reason",
            paramLabel = "TEXT",
            defaultValue = "by the operator",
            description = "For the log and every status; default: ${DEFAULT-VALUE}.")
    private String reason = "";

    @Option(names = "--yes", description = "Do not ask back.")
    private boolean yes;

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
        if (would) {
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

    @Override
    JsonNode ask(HoldfastConfig config) throws CommandException, ControlUnavailableException {
        if (!yes && !Confirmation.given("Take over guest %s on host %s?".formatted(config.guest(), config.host()))) {
            throw holdfast.usage("not confirmed; say --yes where nobody can be asked");
        }
        return ask(config.agentSocket(), "promote", arguments().put("reason", reason), LONGEST);
    }
}
