package io.holdfast.port;

/**
 * What this host sends through an interface, whatever in it does: its own stack, or any process, this one included. The kernel
 * copies each frame into a ring, and whoever listens looks at it now and then. What finds the ring full is lost, and so is what
 * is longer than a frame of a usual network: this is for what goes on being said.
 *
 * <p>Nobody is woken; while nobody listens, it costs nothing.
 *
 * <p><b>Threads.</b> One.
 */
public final class Departures implements AutoCloseable {

    private static final int SLOT_BYTES = 2 << 10;
    private static final int BLOCKS = 4;

    private final PacketSocket socket;
    private final ReceiveRing ring;

    private Departures(PacketSocket socket, ReceiveRing ring) {
        this.socket = socket;
        this.ring = ring;
    }

    /**
     * Listens to an interface of the calling thread's network namespace, from now on.
     *
     * @throws PortException if there is none, or this process may not
     */
    public static Departures from(String interfaceName) throws PortException {
        int interfaceIndex =
                InterfaceFacts.link("link", interfaceName).path("ifindex").asInt();
        PacketSocket socket = PacketSocket.forOverhearing(interfaceName);
        try {
            ReceiveRing ring = new ReceiveRing(socket.shareRing(SLOT_BYTES, BLOCKS), SLOT_BYTES);
            socket.listen(interfaceIndex);
            return new Departures(socket, ring);
        } catch (PortException e) {
            socket.close();
            throw e;
        }
    }

    /** Hands on what has left since the last call, at most as much as the ring holds. */
    public void drain(FrameSink sink) {
        while (ring.hasNext()) {
            if (ring.take()) {
                sink.onFrame(ring.memory(), ring.offsetBytes(), ring.lengthBytes(), ring.epochNanos());
            }
        }
        ring.giveBack();
    }

    @Override
    public void close() {
        socket.close();
    }
}
