package io.holdfast.agent.link;

import io.holdfast.agent.engine.PageSink;
import io.holdfast.agent.link.LinkMessage.Pages;
import io.netty.buffer.ByteBuf;
import java.lang.foreign.MemorySegment;
import java.util.List;

/**
 * A complete checkpoint that waits to be applied. Holds memory outside the heap until {@link #release}.
 *
 * <p><b>Threads.</b> One at a time.
 */
public final class StagedCheckpoint {

    private final long epoch;
    private final long baseEpoch;
    private final long memoryBytes;
    private final List<Pages> pages;
    private final long byteCount;
    private final byte[] deviceState;
    private final String guestAddressesJson;
    private boolean released;

    /** Takes over the buffers of {@code pages}. */
    StagedCheckpoint(
            long epoch,
            long baseEpoch,
            long memoryBytes,
            List<Pages> pages,
            long byteCount,
            byte[] deviceState,
            String guestAddressesJson) {
        this.epoch = epoch;
        this.baseEpoch = baseEpoch;
        this.memoryBytes = memoryBytes;
        this.pages = pages;
        this.byteCount = byteCount;
        this.deviceState = deviceState;
        this.guestAddressesJson = guestAddressesJson;
    }

    /** The epoch that it ends. */
    public long epoch() {
        return epoch;
    }

    /** The checkpoint to whose memory it must be applied; 0 for a full one, which fits any. */
    public long baseEpoch() {
        return baseEpoch;
    }

    public boolean isFull() {
        return baseEpoch == 0;
    }

    /** Bytes of page content that it holds. */
    public long byteCount() {
        return byteCount;
    }

    /** State of processors and devices; not a copy. */
    public byte[] deviceState() {
        return deviceState;
    }

    /** What was known of the guest's addresses; empty if nothing. */
    public String guestAddressesJson() {
        return guestAddressesJson;
    }

    /**
     * Writes the pages into guest memory. Until it returns the memory is that of no checkpoint, so a failure in between
     * leaves a guest that must not be started.
     *
     * @param memory holds the state of {@link #baseEpoch}, or anything for a full checkpoint
     */
    public void applyTo(MemorySegment memory) {
        if (released) {
            throw new IllegalStateException("checkpoint %d was released".formatted(epoch));
        }
        if (memory.byteSize() < memoryBytes) {
            throw new IllegalArgumentException("checkpoint %d is of %d bytes of memory, there are %d"
                    .formatted(epoch, memoryBytes, memory.byteSize()));
        }
        for (Pages run : pages) {
            MemorySegment target =
                    memory.asSlice(run.firstPage() * PageSink.PAGE_BYTES, (long) run.pages() * PageSink.PAGE_BYTES);
            if (run.zero()) {
                target.fill((byte) 0);
            } else {
                ByteBuf data = run.data();
                data.getBytes(data.readerIndex(), target.asByteBuffer());
            }
        }
    }

    /** Gives the memory back. May be called again. */
    public void release() {
        if (!released) {
            released = true;
            pages.forEach(Pages::release);
        }
    }
}
