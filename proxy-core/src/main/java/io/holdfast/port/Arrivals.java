package io.holdfast.port;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * What arrives on an interface, in the order in which it does.
 *
 * <p>A slot of a {@link ReceiveRing} is as long as the longest frame that may come. So that a burst of small frames finds
 * thousands of slots, and merged ones of 64 KiB do not take up gigabytes, there are two rings, of two sockets whose filters
 * share the frames by their length. They are put in order again by the time at which the kernel took them: of two
 * frames that one processor handles, and those of a connection are such, the first is in its slot before the kernel looks
 * at the second. (When the clock is set back, frames that wait at this moment may change places, as on any network.)
 *
 * <p><b>Threads.</b> {@link #takeStatistics} one at a time; all else the reader's.
 */
final class Arrivals implements AutoCloseable {

    private static final int SMALL_SLOT_BYTES = 2 << 10;
    private static final int SMALL_BLOCKS = 16;
    private static final int LARGEST_SMALL_FRAME_BYTES = SMALL_SLOT_BYTES - ReceiveRing.RECORD_BYTES;
    private static final int LARGE_SLOT_BYTES = 68 << 10;
    private static final int LARGE_BLOCKS = 64;

    private static final int MOST_FRAMES_OF_BATCH = FrameBurst.CAPACITY_FRAMES;
    /** About what a processor keeps near. */
    private static final int ENOUGH_BYTES_OF_BATCH = 512 << 10;

    private static final int WAIT_MILLIS = 50;
    private static final int POLLFD_BYTES = 8;
    private static final int POLLFD_EVENTS = 4;
    private static final int POLLFD_RETURNED = 6;
    private static final short POLLIN = 1;
    private static final short POLLERR = 8;

    private final PacketSocket smallSocket;
    private final PacketSocket largeSocket;
    private final ReceiveRing small;
    private final ReceiveRing large;
    private final Arena arena = Arena.ofShared();
    private final MemorySegment polled = arena.allocate(2L * POLLFD_BYTES, 8);
    private final MemorySegment errno = PacketSocket.newErrno(arena);
    private ReceiveRing current;
    private int batchFrames;
    private long batchBytes;

    private Arrivals(PacketSocket smallSocket, PacketSocket largeSocket) throws PortException {
        this.smallSocket = smallSocket;
        this.largeSocket = largeSocket;
        small = new ReceiveRing(smallSocket.shareRing(SMALL_SLOT_BYTES, SMALL_BLOCKS), SMALL_SLOT_BYTES);
        large = new ReceiveRing(largeSocket.shareRing(LARGE_SLOT_BYTES, LARGE_BLOCKS), LARGE_SLOT_BYTES);
        current = small;
        poll(0, smallSocket);
        poll(1, largeSocket);
    }

    private void poll(int number, PacketSocket socket) {
        polled.set(ValueLayout.JAVA_INT, (long) number * POLLFD_BYTES, socket.descriptor());
        polled.set(ValueLayout.JAVA_SHORT, (long) number * POLLFD_BYTES + POLLFD_EVENTS, POLLIN);
    }

    /** Of an interface of the calling thread's network namespace, from now on. */
    static Arrivals on(String interfaceName, int interfaceIndex) throws PortException {
        Arrivals arrivals = open(interfaceName);
        try {
            arrivals.smallSocket.join(interfaceIndex);
            arrivals.largeSocket.join(interfaceIndex);
            return arrivals;
        } catch (PortException e) {
            arrivals.close();
            throw e;
        }
    }

    /** Whether this kernel and this process can have such. */
    static void probe() throws PortException {
        open("any interface").close();
    }

    private static Arrivals open(String interfaceName) throws PortException {
        PacketSocket smallSocket = PacketSocket.forReceiving(interfaceName, 0, LARGEST_SMALL_FRAME_BYTES);
        PacketSocket largeSocket = null;
        try {
            largeSocket = PacketSocket.forReceiving(interfaceName, LARGEST_SMALL_FRAME_BYTES + 1, Integer.MAX_VALUE);
            return new Arrivals(smallSocket, largeSocket);
        } catch (PortException e) {
            smallSocket.close();
            if (largeSocket != null) {
                largeSocket.close();
            }
            throw e;
        }
    }

    /**
     * Gives the last batch back and waits for a frame, for a while.
     *
     * @return 0; or errno
     */
    int await() throws PortException {
        small.giveBack();
        large.giveBack();
        batchFrames = 0;
        batchBytes = 0;
        if (small.hasNext() || large.hasNext()) {
            return 0;
        }
        int ready = PacketSocket.poll(polled, 2, WAIT_MILLIS, errno);
        if (ready < 0) {
            return -ready;
        }
        return ready == 0 ? 0 : firstError();
    }

    private int firstError() throws PortException {
        int ofSmall = errorOf(0, smallSocket);
        int ofLarge = errorOf(1, largeSocket);
        return ofSmall != 0 ? ofSmall : ofLarge;
    }

    private int errorOf(int number, PacketSocket socket) throws PortException {
        int returned = polled.get(ValueLayout.JAVA_SHORT, (long) number * POLLFD_BYTES + POLLFD_RETURNED);
        return (returned & POLLERR) == 0 ? 0 : socket.takeError();
    }

    /** Whether there is another frame for this batch. It stays where it is until the next {@link #await}. */
    boolean hasNext() {
        return batchFrames < MOST_FRAMES_OF_BATCH && batchBytes < ENOUGH_BYTES_OF_BATCH && choose();
    }

    private boolean choose() {
        boolean smallIsThere = small.hasNext();
        if (!large.hasNext()) {
            current = small;
            return smallIsThere;
        }
        // Whatever came before that large one is there by now.
        current = small.hasNext() && small.nextEpochNanos() <= large.nextEpochNanos() ? small : large;
        return true;
    }

    /**
     * Goes on to that frame, after {@link #hasNext} has said that there is one.
     *
     * @return whether it is whole
     */
    boolean take() {
        boolean whole = current.take();
        batchFrames++;
        batchBytes += current.lengthBytes();
        return whole;
    }

    /** Where the taken frame is. */
    MemorySegment memory() {
        return current.memory();
    }

    /** Where it begins; its {@code struct virtio_net_hdr} stands directly before. */
    long offsetBytes() {
        return current.offsetBytes();
    }

    int lengthBytes() {
        return current.lengthBytes();
    }

    /** When the kernel took it, nanoseconds since 1970. */
    long epochNanos() {
        return current.epochNanos();
    }

    /** As {@link PacketSocket#takeStatistics}. */
    long takeStatistics() throws PortException {
        return smallSocket.takeStatistics() + largeSocket.takeStatistics();
    }

    /** Nobody may be reading. */
    @Override
    public void close() {
        smallSocket.close();
        largeSocket.close();
        arena.close();
    }
}
