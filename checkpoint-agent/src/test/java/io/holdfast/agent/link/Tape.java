package io.holdfast.agent.link;

import io.holdfast.agent.link.LinkMessage.CheckpointRecord;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.UnpooledByteBufAllocator;
import io.netty.util.ReferenceCountUtil;
import java.util.ArrayList;
import java.util.List;

/** A connection that keeps what it is given, and whose peer takes as many records as it is told. */
final class Tape implements LinkOutput, AutoCloseable {

    private final List<CheckpointRecord> records = new ArrayList<>();
    private int room = Integer.MAX_VALUE;
    private boolean up = true;
    private boolean outOfMemory;

    /** The peer takes that many records more. */
    void takeOnly(int records) {
        room = this.records.size() + records;
    }

    void runOutOfMemory() {
        outOfMemory = true;
    }

    void goDown() {
        up = false;
    }

    /** Still owned by the tape. */
    List<CheckpointRecord> records() {
        return records;
    }

    @Override
    public ByteBufAllocator allocator() {
        if (outOfMemory) {
            throw new OutOfMemoryError("on purpose");
        }
        return UnpooledByteBufAllocator.DEFAULT;
    }

    @Override
    public void send(LinkMessage message) {
        if (up) {
            records.add((CheckpointRecord) message);
        } else {
            ReferenceCountUtil.release(message);
        }
    }

    @Override
    public boolean awaitWritable(long timeoutNanos) {
        return up && records.size() < room;
    }

    @Override
    public boolean isUp() {
        return up;
    }

    @Override
    public void close() {
        records.forEach(ReferenceCountUtil::release);
        records.clear();
    }
}
