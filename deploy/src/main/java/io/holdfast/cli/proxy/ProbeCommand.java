package io.holdfast.cli.proxy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.holdfast.arp.AddressBook;
import io.holdfast.arp.AddressProber;
import io.holdfast.arp.ProbeAnswer;
import io.holdfast.control.Arguments;
import io.holdfast.control.CommandException;
import io.holdfast.control.ControlServer;
import io.holdfast.control.ControlSession;
import io.holdfast.frame.MacAddress;
import io.holdfast.wall.BufferWall;
import io.holdfast.wall.WallRefusal.Reason;
import io.holdfast.wall.WallState;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/**
 * The command that asks the network, before a promotion opens the wall, whether the guest still speaks elsewhere; beside the
 * guest only. It answers when the question is under way, and {@code PROBE_ENDED} tells what came of it: a barrier or a commit
 * never waits for the network.
 *
 * <p>Confined to the command thread.
 */
final class ProbeCommand {

    private static final long LONGEST_MILLIS = 1_000;

    private final BufferWall wall;
    private final AddressBook book;
    private final AddressProber prober;
    private final Map<String, MacAddress> hostMacByNic;

    /** @param hostMacByNic for each NIC of the guest the host's own MAC address towards the network */
    ProbeCommand(BufferWall wall, AddressBook book, AddressProber prober, Map<String, MacAddress> hostMacByNic) {
        this.wall = wall;
        this.book = book;
        this.prober = prober;
        this.hostMacByNic = Map.copyOf(hostMacByNic);
    }

    void register(ControlServer.Builder server) {
        server.command("probe", "Asks whether the guest still speaks elsewhere.", this::probe);
    }

    private JsonNode probe(ObjectNode arguments, ControlSession session) throws CommandException {
        Arguments of = Arguments.of(arguments, "incarnation", "term", "time_ms");
        ThisWall.require(wall, of);
        long millis = of.requireLong("time_ms", 1, LONGEST_MILLIS);
        // Before, this host has no business on the network (INV-9); afterwards the guest here would be asked about
        // itself.
        if (wall.state() != WallState.ARMING) {
            throw new CommandException(
                    Reason.WRONG_STATE.errorClass(),
                    "the wall is " + wall.state() + "; the question is one for between hello and open");
        }
        try {
            AddressProber.Begun begun =
                    prober.begin(book.snapshot(), hostMacByNic, TimeUnit.MILLISECONDS.toNanos(millis));
            return Json.object().put("probe", begun.number()).put("frames", begun.frames());
        } catch (IllegalArgumentException e) {
            throw new CommandException(Reason.WRONG_STATE.errorClass(), String.valueOf(e.getMessage()));
        }
    }

    /** The data of {@code PROBE_ENDED}. */
    static ObjectNode toJson(AddressProber.Ended ended) {
        ObjectNode data = Json.object().put("probe", ended.number());
        ended.oldOwner().ifPresent(answer -> write(answer, data.putObject("old_owner")));
        ArrayNode others = data.putArray("others");
        ended.others().forEach(answer -> write(answer, others.addObject()));
        return data;
    }

    private static void write(ProbeAnswer answer, ObjectNode object) {
        object.put("nic", answer.nic())
                .put("address", answer.address())
                .put("mac", answer.mac().toString());
        ArrayNode vlan = object.putArray("vlan");
        answer.vlans().forEach(tag -> vlan.add(tag.toString()));
    }
}
