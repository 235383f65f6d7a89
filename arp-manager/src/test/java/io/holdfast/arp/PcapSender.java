package io.holdfast.arp;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.pcap4j.core.NotOpenException;
import org.pcap4j.core.PcapHandle;
import org.pcap4j.core.PcapNativeException;

/** Puts frames on an interface of the namespace in which it was opened, as simply as possible. */
final class PcapSender implements FrameSender, AutoCloseable {

    private final PcapHandle handle;

    PcapSender(String interfaceName) throws PcapNativeException {
        handle = new PcapHandle.Builder(interfaceName).build();
    }

    @Override
    public boolean send(MemorySegment memory, long offsetBytes, int lengthBytes) {
        try {
            handle.sendPacket(memory.asSlice(offsetBytes, lengthBytes).toArray(ValueLayout.JAVA_BYTE));
            return true;
        } catch (PcapNativeException | NotOpenException e) {
            throw new IllegalStateException(e);
        }
    }

    void send(AnnounceFrame frame) {
        send(frame.memory(), 0, (int) frame.memory().byteSize());
    }

    @Override
    public void close() {
        handle.close();
    }
}
