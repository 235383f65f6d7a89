package io.holdfast.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.holdfast.config.HoldfastConfig;
import io.holdfast.control.CommandException;
import io.holdfast.control.ControlUnavailableException;
import java.util.StringJoiner;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** The connections that reverse mode releases at once. */
@Command(
        name = "flows",
        mixinStandardHelpOptions = true,
        description = {
            "Shows the connections whose clients' view is known, so that their output leaves at once (mode `reverse`).",
            "In bytes, what a restored guest would be given once more, and what it would have to say again. D and DT are how far"
                    + " sequence numbers and timestamps are ahead, as the client sees them, of the guest's."
        })
final class FlowsCommand extends AskingCommand {

    private static final String ROW = "%-28s %-28s %-12s %12s %12s %12s %12s  %s";

    @Option(
            names = "--sort",
            paramLabel = "BY",
            description = "replay, reproduce, client or state, the greatest first; default: reproduce.")
    private String sort = "reproduce";

    @Option(names = "--limit", paramLabel = "N", description = "Show that many; default, and at most: 150.")
    private @Nullable Long limit;

    @Override
    JsonNode ask(HoldfastConfig config) throws CommandException, ControlUnavailableException {
        ObjectNode arguments = arguments().put("sort", sort);
        if (limit != null) {
            arguments.put("limit", limit);
        }
        return ask(config.proxySocket(), "flows", arguments);
    }

    @Override
    String describe(JsonNode answer) {
        StringJoiner lines = new StringJoiner(System.lineSeparator());
        lines.add(ROW.formatted("CLIENT", "GUEST", "STATE", "TO REPLAY", "TO REPRODUCE", "D", "DT", "HELD"));
        for (JsonNode flow : answer.path("shown")) {
            lines.add(ROW.formatted(
                            flow.path("client").asText(),
                            flow.path("guest").asText(),
                            flow.path("state").asText(),
                            flow.path("bytes_to_replay").asLong(),
                            flow.path("bytes_to_reproduce").asLong(),
                            flow.path("sequence_offset").asLong(),
                            flow.path("timestamp_offset").asLong(),
                            flow.path("waits").asBoolean()
                                    ? "waits for its turn"
                                    : flow.path("held").asText())
                    .stripTrailing());
        }
        return lines.add(answer.path("shown").size() + " of "
                        + answer.path("flows").asLong() + " connections")
                .toString();
    }
}
