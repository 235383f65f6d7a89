package io.holdfast.agent.link;

import io.holdfast.agent.link.LinkMessage.Armed;
import io.holdfast.agent.link.LinkMessage.CheckpointBegin;
import io.holdfast.agent.link.LinkMessage.CheckpointEnd;
import io.holdfast.agent.link.LinkMessage.Confirm;
import io.holdfast.agent.link.LinkMessage.DeviceState;
import io.holdfast.agent.link.LinkMessage.GuestDeath;
import io.holdfast.agent.link.LinkMessage.HandOver;
import io.holdfast.agent.link.LinkMessage.Heartbeat;
import io.holdfast.agent.link.LinkMessage.Hello;
import io.holdfast.agent.link.LinkMessage.Mirrored;
import io.holdfast.agent.link.LinkMessage.Pages;
import io.holdfast.agent.link.LinkMessage.Refusal;
import io.holdfast.agent.link.LinkMessage.Relinquish;
import io.holdfast.agent.link.LinkMessage.Revoke;
import io.holdfast.agent.link.LinkMessage.WallLine;
import io.holdfast.agent.link.LinkMessage.WallStream;
import io.holdfast.agent.link.LinkMessage.Welcome;
import io.holdfast.control.ClientFrame;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;

/** One message of every kind and size that matters. */
final class SampleMessages {

    static final TermClaim TERM = new TermClaim(7, "promotion", "b");
    static final String SHA256 = "0123456789abcdef".repeat(4);

    private SampleMessages() {}

    static Hello hello() {
        return new Hello(
                LinkMessage.PROTOCOL,
                "redis",
                "a",
                TERM,
                96 << 20,
                new TreeMap<>(Map.of("machine", "pc-i440fx-7.2", "cpu", "qemu64 – größer", "empty", "")),
                WallHolder.SENDER);
    }

    /** New buffers at each call: the caller sends or releases them. */
    static List<LinkMessage> all() {
        return List.of(
                hello(),
                new Hello(
                        LinkMessage.PROTOCOL,
                        "g",
                        "h-2",
                        new TermClaim(0, "", ""),
                        4096,
                        new TreeMap<>(),
                        WallHolder.EACH),
                new Welcome(TERM, 0, false, ""),
                new Welcome(TERM, Long.MAX_VALUE, true, "f".repeat(LinkMessage.Welcome.MAX_IDENTITY_CHARS)),
                new Refusal("Incompatible", List.of("cpu: a on host a, b on host b", "€"), TERM),
                new Refusal("StaleTerm", List.of(), TERM),
                new CheckpointBegin(true, 0),
                new CheckpointBegin(false, 41),
                new Pages(17, 1, false, bytes(4096)),
                Pages.zero(0, Integer.MAX_VALUE),
                new DeviceState(bytes(1)),
                new DeviceState(bytes(700)),
                new CheckpointEnd(42, 41, 3, 8192, 701, "{\"mac\":\"52:54:00:00:00:01\"}", SHA256),
                new CheckpointEnd(1, 0, 0, 0, 0, "", SHA256),
                new Confirm(42),
                new Armed(42),
                new Heartbeat(1, 0, 0),
                new Heartbeat(Long.MAX_VALUE, 5, 123_456_789),
                new GuestDeath(GuestDeath.Policy.PROMOTE, "the hypervisor died of signal 9"),
                new GuestDeath(GuestDeath.Policy.STAY, "the guest powered itself off"),
                new Relinquish("its agent stops"),
                new HandOver("maintenance"),
                new Revoke("page 7 was missed"),
                new WallLine(1, "{\"execute\":\"status\"}"),
                new WallStream(1, true),
                new WallStream(Integer.MAX_VALUE, false),
                new Mirrored(new ClientFrame(0, 41, 0, new byte[] {1})),
                new Mirrored(new ClientFrame(3, Long.MAX_VALUE, 10, frame(700))));
    }

    /** The largest of those whose size varies. */
    static List<LinkMessage> largest() {
        String threeBytesEach = "€";
        String text = threeBytesEach.repeat(LinkMessage.MAX_TEXT_CHARS);
        TreeMap<String, String> machine = new TreeMap<>();
        int valueBytes = LinkMessage.MAX_MACHINE_BYTES / LinkMessage.MAX_MACHINE_PROPERTIES - 4;
        for (int i = 0; i < LinkMessage.MAX_MACHINE_PROPERTIES; i++) {
            machine.put("%04d".formatted(i), "x".repeat(valueBytes));
        }
        String name = "n".repeat(32);
        TermClaim term = new TermClaim(Long.MAX_VALUE, "c".repeat(32), name);
        return List.of(
                new Hello(LinkMessage.PROTOCOL, name, name, term, 1L << 40, machine, WallHolder.RECEIVER),
                new Welcome(term, 1, true, "1b-4"),
                new Refusal("E".repeat(64), java.util.Collections.nCopies(LinkMessage.MAX_REASONS, text), term),
                new Pages(1L << 40, Pages.MAX_PAGES, false, bytes(LinkMessage.MAX_PAYLOAD_BYTES)),
                new DeviceState(bytes(LinkMessage.MAX_PAYLOAD_BYTES)),
                new CheckpointEnd(2, 1, 1, 1, 1, "a".repeat(LinkMessage.MAX_ADDRESSES_BYTES), SHA256),
                new GuestDeath(GuestDeath.Policy.STAY, text),
                new Relinquish(text),
                new HandOver(text),
                new Revoke(text),
                new WallLine(1, "x".repeat(WallLine.MAX_BYTES)),
                new Mirrored(new ClientFrame(63, 1, ClientFrame.MAX_PREFIX_BYTES, frame(ClientFrame.MAX_BYTES))));
    }

    private static byte[] frame(int count) {
        byte[] frame = new byte[count];
        new SplittableRandom(count).nextBytes(frame);
        return frame;
    }

    private static ByteBuf bytes(int count) {
        ByteBuf bytes = Unpooled.directBuffer(count, count);
        for (int i = 0; i < count; i++) {
            bytes.writeByte(i * 31);
        }
        return bytes;
    }
}
