package io.holdfast.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.holdfast.config.HoldfastConfig;
import io.holdfast.control.CommandException;
import io.holdfast.control.ControlUnavailableException;
import java.util.StringJoiner;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Announces the guest anew. */
@Command(
        name = "announce",
        mixinStandardHelpOptions = true,
        description = {
            "Tells switches, routers and neighbours anew that the guest is here, on the configured schedule.",
            "Also if somebody else uses its addresses, which `holdfast status` shows: make sure before that they are the guest's."
        })
final class AnnounceCommand extends AskingCommand {

    @ArgGroup
    private Instead instead = new Instead();

    /** What to do in place of announcing. */
    private static final class Instead {

        @Option(names = "--stop", description = "Stop announcing instead.")
        private boolean stop;

        @Option(
                names = "--dry-run",
                description =
                        "Print the frames that would be sent instead: NIC, form, VLAN tags, MAC address, IP address"
                                + " and the frame in hexadecimal. Works in every state of the wall.")
        private boolean dryRun;
    }

    @Override
    JsonNode ask(HoldfastConfig config) throws CommandException, ControlUnavailableException {
        if (instead.dryRun) {
            return askForFrames(config);
        }
        ObjectNode arguments = arguments();
        arguments.put(instead.stop ? "stop" : "resolve", true);
        return askWall(config, "announce", arguments);
    }

    /** NIC by NIC, because those of all may be more than an answer can hold. */
    private static JsonNode askForFrames(HoldfastConfig config) throws CommandException, ControlUnavailableException {
        ObjectNode answer = arguments();
        ArrayNode frames = answer.putArray("frames");
        JsonNode status = ask(config.proxySocket(), "status", arguments());
        for (JsonNode nic : status.path("nics")) {
            ObjectNode arguments = arguments().put("dry_run", true);
            arguments.set("nic", nic.path("nic"));
            askWall(config, "announce", arguments).path("frames").forEach(frames::add);
        }
        return answer;
    }

    @Override
    String describe(JsonNode answer) {
        return instead.dryRun ? describeFrames(answer.path("frames")) : super.describe(answer);
    }

    private static String describeFrames(JsonNode frames) {
        if (frames.isEmpty()) {
            return "nothing is known of the guest, so there is nothing to announce";
        }
        StringJoiner lines = new StringJoiner(System.lineSeparator());
        for (JsonNode frame : frames) {
            StringJoiner tags = new StringJoiner(",");
            frame.path("vlan").forEach(tag -> tags.add(tag.asText()));
            lines.add("%-6s %-13s %-9s %s  %-15s %s"
                    .formatted(
                            frame.path("nic").asText(),
                            frame.path("form").asText(),
                            tags.length() == 0 ? "untagged" : tags,
                            frame.path("mac").asText(),
                            frame.path("address").asText("-"),
                            frame.path("hex").asText()));
        }
        return lines.toString();
    }
}
