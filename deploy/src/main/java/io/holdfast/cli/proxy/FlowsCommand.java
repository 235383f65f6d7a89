package io.holdfast.cli.proxy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.holdfast.bridge.Bridge;
import io.holdfast.control.Arguments;
import io.holdfast.control.CommandException;
import io.holdfast.control.ControlServer;
import io.holdfast.control.ControlSession;
import io.holdfast.frame.NetworkOrder;
import io.holdfast.reverse.FlowView;
import java.lang.foreign.MemorySegment;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;

/** The command that shows the connections that have a ledger. */
final class FlowsCommand {

    /** A line of the protocol has room for them. */
    private static final long MOST_FLOWS = 150;

    private static final int IPV6_BYTES = 16;

    /** By what they can be sorted, the greatest first. */
    private enum Order {
        REPLAY,
        REPRODUCE,
        CLIENT,
        STATE;

        Comparator<FlowView> comparator() {
            return switch (this) {
                case REPLAY -> Comparator.comparingLong(FlowView::bytesToReplay).reversed();
                case REPRODUCE ->
                    Comparator.comparingLong(FlowView::bytesToReproduce).reversed();
                case CLIENT ->
                    Comparator.comparingLong(FlowView::clientHigh)
                            .thenComparingLong(FlowView::clientLow)
                            .thenComparingInt(FlowView::clientPort);
                case STATE -> Comparator.comparing(FlowView::state).reversed();
            };
        }
    }

    private final Bridge bridge;

    FlowsCommand(Bridge bridge) {
        this.bridge = bridge;
    }

    void register(ControlServer.Builder server) {
        server.command("flows", "The connections whose clients' view is known.", this::flows);
    }

    private JsonNode flows(ObjectNode arguments, ControlSession session) throws CommandException {
        Arguments of = Arguments.of(arguments, "sort", "limit");
        Order order = of.optionalString("sort").isPresent() ? of.requireWord("sort", Order.class) : Order.REPRODUCE;
        long limit = of.optionalLong("limit", 1, MOST_FLOWS).orElse(MOST_FLOWS);
        List<FlowView> all = bridge.flows();
        ObjectNode answer = Json.object().put("flows", all.size());
        ArrayNode shown = answer.putArray("shown");
        all.stream().sorted(order.comparator()).limit(limit).forEach(flow -> write(flow, shown.addObject()));
        return answer;
    }

    private static void write(FlowView flow, ObjectNode object) {
        object.put("client", endpoint(flow.clientHigh(), flow.clientLow(), flow.clientPort()))
                .put("guest", endpoint(flow.guestHigh(), flow.guestLow(), flow.guestPort()))
                .put("nic", Bridge.nicName(flow.nic()))
                .put("vlan", flow.vlanId())
                .put("state", flow.state().name())
                .put("held", flow.held().toLowerCase(Locale.ROOT).replace('_', ' '))
                .put("waits", flow.waits())
                .put("sequence_offset", flow.sequenceOffset())
                .put("timestamp_offset", flow.timestampOffset())
                .put("bytes_to_replay", flow.bytesToReplay())
                .put("bytes_to_reproduce", flow.bytesToReproduce());
    }

    private static String endpoint(long high, long low, int port) {
        byte[] bytes = new byte[IPV6_BYTES];
        MemorySegment memory = MemorySegment.ofArray(bytes);
        NetworkOrder.putLong(memory, 0, high);
        NetworkOrder.putLong(memory, 8, low);
        try {
            InetAddress address = InetAddress.getByAddress(bytes); // Makes an IPv4 address of a mapped one.
            String text = address.getHostAddress();
            return (text.contains(":") ? "[" + text + "]" : text) + ":" + port;
        } catch (UnknownHostException e) {
            throw new AssertionError(e);
        }
    }
}
