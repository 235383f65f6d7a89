package io.holdfast.agent.link;

import io.holdfast.agent.engine.PageSink;
import io.holdfast.agent.link.LinkMessage.CheckpointBegin;
import io.holdfast.agent.link.LinkMessage.CheckpointEnd;
import io.holdfast.agent.link.LinkMessage.CheckpointRecord;
import io.holdfast.agent.link.LinkMessage.DeviceState;
import io.holdfast.agent.link.LinkMessage.Pages;
import java.io.ByteArrayOutputStream;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The backup's side of the checkpoint stream of one connection: keeps records until a checkpoint is complete (INV-11).
 *
 * <p>Complete means: it began, its pages and device state have the counts, lengths and digest that its end names; it
 * is full and covers all memory, or its base is the newest checkpoint of this unbroken chain; and its epoch is newer
 * than that. Anything else is torn: the stage gives back what it kept and waits for a new beginning.
 *
 * <p>A checkpoint that it hands out is the newest of the chain from then on: with several in flight the next delta,
 * which builds on it, may be the very next record. So whoever uses the stage confirms each one, or closes the
 * connection.
 *
 * <p>Make one stage for each connection, from what had been confirmed before, and {@link #discard} it with the
 * connection. That touches nothing that it has handed out.
 *
 * <p>Pure: no I/O, no clock. <b>Threads.</b> One at a time; meant for the connection's event loop, where the time
 * that the digest takes is what slows the primary down to what the backup can bear.
 */
public final class CheckpointStage {

    /** Most bytes of device state that are believed; QEMU's is some ten kilobytes. */
    static final int MAX_DEVICE_STATE_BYTES = 64 << 20;

    /** What a kept record is charged beyond its data, so that a flood of zero pages is bounded too. */
    static final int RECORD_OVERHEAD_BYTES = 128;

    private final long memoryBytes;
    private final long capacityBytes;
    private long confirmedEpoch;
    private @Nullable Collecting collecting;

    /**
     * @param memoryBytes size of the guest's memory
     * @param capacityBytes most memory that one checkpoint may take while it is incomplete. A full one takes what the
     *     guest's memory has in non-zero pages, and the changed ones again.
     * @param confirmedEpoch the newest checkpoint that was confirmed before and is still there; 0 if there is none
     */
    public CheckpointStage(long memoryBytes, long capacityBytes, long confirmedEpoch) {
        if (memoryBytes <= 0 || memoryBytes / PageSink.PAGE_BYTES > Integer.MAX_VALUE) {
            throw new IllegalArgumentException("memory size out of range: " + memoryBytes);
        }
        this.memoryBytes = memoryBytes;
        this.capacityBytes = capacityBytes;
        this.confirmedEpoch = confirmedEpoch;
    }

    /** The newest checkpoint of the chain: what the next delta must build on; 0 if there is none. */
    public long confirmedEpoch() {
        return confirmedEpoch;
    }

    /** Bytes that the incomplete checkpoint takes now. */
    public long stagedBytes() {
        return collecting == null ? 0 : collecting.chargedBytes;
    }

    /**
     * Takes the next record; retains what it keeps.
     *
     * @return the checkpoint if this record completes one; it belongs to the caller
     * @throws TornCheckpointException if there will be no checkpoint; nothing of it is kept
     */
    public Optional<StagedCheckpoint> accept(CheckpointRecord record) throws TornCheckpointException {
        try {
            return switch (record) {
                case CheckpointBegin begin -> {
                    begin(begin);
                    yield Optional.empty();
                }
                case Pages pages -> {
                    current(record).add(pages);
                    yield Optional.empty();
                }
                case DeviceState piece -> {
                    current(record).add(piece);
                    yield Optional.empty();
                }
                case CheckpointEnd end -> Optional.of(end(current(record), end));
            };
        } catch (TornCheckpointException e) {
            discard();
            throw e;
        }
    }

    /** Forgets the incomplete checkpoint, if there is one: the connection is lost. */
    public void discard() {
        if (collecting != null) {
            collecting.release();
            collecting = null;
        }
    }

    private Collecting current(CheckpointRecord record) throws TornCheckpointException {
        if (collecting == null) {
            throw new TornCheckpointException(
                    "%s without a beginning".formatted(record.getClass().getSimpleName()));
        }
        return collecting;
    }

    private void begin(CheckpointBegin begin) throws TornCheckpointException {
        if (collecting != null) {
            throw new TornCheckpointException("a checkpoint begins before the last one ended");
        }
        if (!begin.full() && begin.baseEpoch() != confirmedEpoch) {
            throw new TornCheckpointException("a delta builds on checkpoint %d, the newest confirmed one is %s"
                    .formatted(begin.baseEpoch(), confirmedEpoch == 0 ? "none" : Long.toString(confirmedEpoch)));
        }
        collecting = new Collecting(begin, memoryBytes, capacityBytes);
    }

    private StagedCheckpoint end(Collecting checkpoint, CheckpointEnd end) throws TornCheckpointException {
        if (end.epoch() <= confirmedEpoch) {
            throw new TornCheckpointException(
                    "checkpoint %d is not newer than the confirmed one, %d".formatted(end.epoch(), confirmedEpoch));
        }
        StagedCheckpoint complete = checkpoint.complete(end);
        collecting = null;
        confirmedEpoch = end.epoch();
        return complete;
    }

    /** The checkpoint that is being received. */
    private static final class Collecting {

        private final CheckpointBegin begin;
        private final long memoryBytes;
        private final long capacityBytes;
        private final CheckpointDigest digest = new CheckpointDigest();
        private final List<Pages> runs = new ArrayList<>();
        private final ByteArrayOutputStream deviceState = new ByteArrayOutputStream();
        /** Pages that a full checkpoint has brought. */
        private final BitSet covered = new BitSet();

        private long pageCount;
        private long byteCount;
        private long chargedBytes;

        Collecting(CheckpointBegin begin, long memoryBytes, long capacityBytes) {
            this.begin = begin;
            this.memoryBytes = memoryBytes;
            this.capacityBytes = capacityBytes;
        }

        void add(Pages run) throws TornCheckpointException {
            long endPage = run.firstPage() + run.pages();
            if (endPage > memoryPages()) {
                throw new TornCheckpointException(
                        "pages %d to %d of a guest that has %d".formatted(run.firstPage(), endPage - 1, memoryPages()));
            }
            if (deviceState.size() > 0) {
                throw new TornCheckpointException("pages after the device state");
            }
            int bytes = run.data().readableBytes();
            charge(bytes);
            digest.update(run);
            pageCount += run.pages();
            byteCount += bytes;
            if (begin.full()) {
                covered.set((int) run.firstPage(), (int) endPage);
            }
            run.retain();
            runs.add(run);
        }

        void add(DeviceState piece) throws TornCheckpointException {
            int bytes = piece.data().readableBytes();
            charge(bytes);
            if (deviceState.size() + bytes > MAX_DEVICE_STATE_BYTES) {
                throw new TornCheckpointException(
                        "more than %d bytes of device state".formatted(MAX_DEVICE_STATE_BYTES));
            }
            digest.update(piece);
            byte[] content = new byte[bytes];
            piece.data().getBytes(piece.data().readerIndex(), content);
            deviceState.writeBytes(content);
        }

        StagedCheckpoint complete(CheckpointEnd end) throws TornCheckpointException {
            requireEqual("base epoch", end.baseEpoch(), begin.baseEpoch());
            requireEqual("number of pages", end.pageCount(), pageCount);
            requireEqual("bytes of pages", end.byteCount(), byteCount);
            requireEqual("bytes of device state", end.deviceStateBytes(), deviceState.size());
            if (deviceState.size() == 0) {
                throw new TornCheckpointException("a checkpoint without device state");
            }
            if (begin.full() && covered.cardinality() != memoryPages()) {
                throw new TornCheckpointException("a full checkpoint brings %d of %d pages; the first missing is %d"
                        .formatted(covered.cardinality(), memoryPages(), covered.nextClearBit(0)));
            }
            String sha256 = digest.finish(
                    end.epoch(), end.baseEpoch(), pageCount, byteCount, deviceState.size(), end.guestAddressesJson());
            if (!sha256.equals(end.sha256())) {
                throw new TornCheckpointException(
                        "the digest of checkpoint %d does not fit: its content was damaged".formatted(end.epoch()));
            }
            return new StagedCheckpoint(
                    end.epoch(),
                    end.baseEpoch(),
                    memoryBytes,
                    runs,
                    byteCount,
                    deviceState.toByteArray(),
                    end.guestAddressesJson());
        }

        void release() {
            runs.forEach(Pages::release);
            runs.clear();
        }

        private long memoryPages() {
            return memoryBytes / PageSink.PAGE_BYTES;
        }

        private void charge(int bytes) throws TornCheckpointException {
            chargedBytes += bytes + RECORD_OVERHEAD_BYTES;
            if (chargedBytes > capacityBytes) {
                throw new TornCheckpointException(
                        "a checkpoint takes more than the %d bytes that may be staged".formatted(capacityBytes));
            }
        }

        private static void requireEqual(String what, long named, long found) throws TornCheckpointException {
            if (named != found) {
                throw new TornCheckpointException("%s: %d named at the end, %d received".formatted(what, named, found));
            }
        }
    }
}
