package io.holdfast.agent.link;

import io.holdfast.agent.engine.PageSink;
import io.holdfast.agent.link.LinkMessage.CheckpointBegin;
import io.holdfast.agent.link.LinkMessage.CheckpointEnd;
import io.holdfast.agent.link.LinkMessage.DeviceState;
import io.holdfast.agent.link.LinkMessage.Pages;
import io.netty.buffer.ByteBuf;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import org.jspecify.annotations.Nullable;

/**
 * Turns the pages of one checkpoint into records.
 *
 * <p>A delta collects its pages while the guest is paused, which costs one copy and never waits, and sends them in
 * {@link #finish} when the guest runs again:
 *
 * <pre>{@code
 * try (CheckpointWriter writer = CheckpointWriter.delta(connection, stallNanos, base)) {
 *     engine.pause();
 *     byte[] deviceState = engine.saveDevices();
 *     engine.captureMemory(writer);
 *     engine.resume();
 *     writer.finish(epoch, deviceState, addresses);
 * }
 * }</pre>
 *
 * A full checkpoint sends while it is given pages, as fast as the link takes them, and is told to collect before the
 * pause:
 *
 * <pre>{@code
 * try (CheckpointWriter writer = CheckpointWriter.full(connection, stallNanos)) {
 *     engine.precopy(writer);
 *     writer.collect();
 *     engine.pause();
 *     ...
 * }
 * }</pre>
 *
 * <p>The digest is computed when records are sent, never in the pause.
 *
 * <p><b>Errors.</b> {@link #onPages} does not throw when the link fails or memory runs out, so that the engine is not
 * torn out of its work; it swallows what follows and {@link #finish} throws the reason.
 *
 * <p><b>Threads.</b> One at a time; may be handed from the capturing to the shipping thread. Only one writer of a
 * connection may send at a time, since the records of two checkpoints must not mix.
 */
public final class CheckpointWriter implements PageSink, AutoCloseable {

    private final LinkOutput output;
    private final long stallNanos;
    private final boolean full;
    private final long baseEpoch;
    private final CheckpointDigest digest = new CheckpointDigest();
    private final ArrayDeque<Pages> collected = new ArrayDeque<>();
    private boolean collecting;
    private boolean begun;
    private boolean finished;
    private @Nullable LinkException failure;
    private long pageCount;
    private long byteCount;

    private CheckpointWriter(LinkOutput output, long stallNanos, boolean full, long baseEpoch) {
        this.output = output;
        this.stallNanos = stallNanos;
        this.full = full;
        this.baseEpoch = baseEpoch;
        this.collecting = !full;
    }

    /**
     * A checkpoint of all memory, which sends until {@link #collect} is called.
     *
     * @param stallNanos how long the peer may take nothing before the link counts as failed
     */
    public static CheckpointWriter full(LinkOutput output, long stallNanos) {
        return new CheckpointWriter(output, stallNanos, true, 0);
    }

    /**
     * A checkpoint of what changed since {@code baseEpoch}, which collects from the start.
     *
     * @param stallNanos how long the peer may take nothing before the link counts as failed
     */
    public static CheckpointWriter delta(LinkOutput output, long stallNanos, long baseEpoch) {
        return new CheckpointWriter(output, stallNanos, false, baseEpoch);
    }

    /** From now on pages are kept, and nothing is sent or waited for until {@link #finish}. */
    public void collect() {
        collecting = true;
    }

    @Override
    public void onPages(long firstPage, int pages, @Nullable MemorySegment memory, long offsetBytes) {
        if (finished) {
            throw new IllegalStateException("the checkpoint is finished");
        }
        if (failure != null) {
            return;
        }
        if (memory == null) {
            take(Pages.zero(firstPage, pages));
            return;
        }
        try {
            for (int done = 0; done < pages; ) {
                int run = Math.min(Pages.MAX_PAGES, pages - done);
                long from = offsetBytes + (long) done * PAGE_BYTES;
                take(new Pages(firstPage + done, run, false, copy(memory.asSlice(from, (long) run * PAGE_BYTES))));
                done += run;
            }
        } catch (OutOfMemoryError e) {
            // Thrown into the engine it would leave a paused guest.
            failure = new LinkException("no memory to collect a checkpoint: " + e.getMessage(), e);
        }
    }

    /** Pages given so far, repeated ones included. */
    public long pageCount() {
        return pageCount;
    }

    /** Bytes of their content, zero pages not counted. */
    public long byteCount() {
        return byteCount;
    }

    /**
     * Sends what was collected, the device state and the end. When it returns the link has taken everything, which
     * does not mean that the peer has it: that is what {@link LinkMessage.Confirm} says.
     *
     * @param epoch the epoch that this checkpoint ends
     * @param guestAddressesJson what is known of the guest's addresses; empty if nothing
     * @throws LinkException if the link is down, the peer has taken nothing for too long, or there was no memory. The
     *     checkpoint is lost and may be half sent, so the connection has to be closed. The same goes for an interrupt.
     */
    public void finish(long epoch, byte[] deviceState, String guestAddressesJson)
            throws LinkException, InterruptedException {
        if (finished) {
            throw new IllegalStateException("the checkpoint is finished already");
        }
        finished = true;
        for (Pages pages = collected.poll(); pages != null; pages = collected.poll()) {
            ship(pages);
        }
        begin();
        for (int from = 0; from < deviceState.length; from += LinkMessage.MAX_PAYLOAD_BYTES) {
            int length = Math.min(LinkMessage.MAX_PAYLOAD_BYTES, deviceState.length - from);
            awaitOutput();
            DeviceState piece =
                    new DeviceState(output.allocator().directBuffer(length).writeBytes(deviceState, from, length));
            digest.update(piece);
            output.send(piece);
        }
        awaitOutput();
        String sha256 = digest.finish(epoch, baseEpoch, pageCount, byteCount, deviceState.length, guestAddressesJson);
        output.send(new CheckpointEnd(
                epoch, baseEpoch, pageCount, byteCount, deviceState.length, guestAddressesJson, sha256));
    }

    /** Gives memory back if the checkpoint was not finished. What was sent of it is never completed. */
    @Override
    public void close() {
        finished = true;
        collected.forEach(Pages::release);
        collected.clear();
    }

    private ByteBuf copy(MemorySegment memory) {
        int bytes = Math.toIntExact(memory.byteSize());
        return output.allocator().directBuffer(bytes, bytes).writeBytes(memory.asByteBuffer());
    }

    private void take(Pages pages) {
        pageCount += pages.pages();
        byteCount += pages.data().readableBytes();
        if (collecting) {
            collected.add(pages);
            return;
        }
        try {
            ship(pages);
        } catch (LinkException e) {
            failure = e;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            failure = new LinkException("interrupted while sending a checkpoint", e);
        }
    }

    private void ship(Pages pages) throws LinkException, InterruptedException {
        try {
            begin();
            awaitOutput();
            digest.update(pages);
        } catch (LinkException | InterruptedException e) {
            pages.release();
            throw e;
        }
        output.send(pages);
    }

    private void begin() throws LinkException, InterruptedException {
        if (!begun) {
            awaitOutput();
            begun = true;
            output.send(new CheckpointBegin(full, baseEpoch));
        }
    }

    private void awaitOutput() throws LinkException, InterruptedException {
        if (failure != null) {
            throw failure;
        }
        if (!output.awaitWritable(stallNanos)) {
            throw new LinkException(
                    output.isUp()
                            ? "the backup has taken nothing for %d ms while a checkpoint was being sent"
                                    .formatted(stallNanos / 1_000_000)
                            : "the link went down while a checkpoint was being sent");
        }
    }
}
