package io.holdfast.agent.link;

import io.holdfast.agent.engine.PageSink;
import io.holdfast.control.ClientFrame;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import io.netty.util.ReferenceCounted;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.regex.Pattern;

/**
 * One record of the replication link.
 *
 * <p>A connection begins with {@link Hello} from the primary, which the backup answers with {@link Welcome} or {@link
 * Refusal}. Then the primary sends checkpoints ({@link CheckpointRecord}) and the backup answers each one that it has
 * completely with {@link Confirm}; in between come copies of what clients send ({@link Mirrored}). {@link Heartbeat}s go both ways all the time.
 *
 * <p>Constructors check their arguments, and the decoder calls the same constructors: what can be built can be sent,
 * and what does not fit is refused at both ends by one rule. Texts meant for people are cut to {@link
 * #MAX_TEXT_CHARS}.
 *
 * <p>{@link Payload} records hold a reference-counted buffer; see there who releases it.
 */
public sealed interface LinkMessage {

    /**
     * Version of the conversation (of the records' meaning; the greeting has the version of the framing). Those who speak different
     * ones part after {@link Hello} and {@link Refusal}, with words that both understand: the refusal, and the hello up to its term,
     * stay as they are for ever.
     */
    int PROTOCOL = 8;

    /** Length to which texts for people are cut. */
    int MAX_TEXT_CHARS = 4096;

    /** Most reasons in one {@link Refusal}. */
    int MAX_REASONS = 32;

    /** Most bytes of all names and values of {@link Hello#machine} in UTF-8. */
    int MAX_MACHINE_BYTES = 256 << 10;

    /** Most entries of {@link Hello#machine}. */
    int MAX_MACHINE_PROPERTIES = 1024;

    /** Most bytes of {@link CheckpointEnd#guestAddressesJson} in UTF-8. */
    int MAX_ADDRESSES_BYTES = 256 << 10;

    /** Most bytes in one {@link Payload}. */
    int MAX_PAYLOAD_BYTES = 256 << 10;

    /** The records that make up one checkpoint: one begin, pages, device state, one end. */
    sealed interface CheckpointRecord extends LinkMessage {}

    /**
     * A record with a buffer. Whoever hands it to {@link LinkOutput#send} gives the buffer away. Whoever gets it from
     * {@link LinkListener#onMessage} has it until that call returns, and calls {@link #retain} to keep it longer.
     */
    sealed interface Payload extends CheckpointRecord, ReferenceCounted {

        ByteBuf data();

        @Override
        default int refCnt() {
            return data().refCnt();
        }

        @Override
        default Payload retain() {
            data().retain();
            return this;
        }

        @Override
        default Payload retain(int increment) {
            data().retain(increment);
            return this;
        }

        @Override
        default Payload touch() {
            data().touch();
            return this;
        }

        @Override
        default Payload touch(Object hint) {
            data().touch(hint);
            return this;
        }

        @Override
        default boolean release() {
            return data().release();
        }

        @Override
        default boolean release(int decrement) {
            return data().release(decrement);
        }
    }

    /**
     * Primary to backup, first record: who I am and what my guest is made of.
     *
     * @param protocol {@link #PROTOCOL} of the sender; what follows the term is not known of one that speaks another
     * @param memoryBytes size of the guest's memory
     * @param machine the guest's machine, see {@link io.holdfast.agent.engine.MachineDefinition}
     * @param wall whose proxy has the wall
     */
    record Hello(
            int protocol,
            String guest,
            String host,
            TermClaim term,
            long memoryBytes,
            SortedMap<String, String> machine,
            WallHolder wall)
            implements LinkMessage {

        private static final Pattern NAME = Pattern.compile("[a-z0-9-]{1,32}");

        public Hello {
            require(protocol > 0, "protocol is not positive: ", protocol);
            requireName(guest, "guest");
            requireName(host, "host");
            require(memoryBytes > 0, "memory size is not positive: ", memoryBytes);
            require(memoryBytes % PageSink.PAGE_BYTES == 0, "memory size is not a number of pages: ", memoryBytes);
            machine = Collections.unmodifiableSortedMap(new TreeMap<>(machine));
            require(machine.size() <= MAX_MACHINE_PROPERTIES, "too many machine properties: ", machine.size());
            long bytes = 0;
            for (Map.Entry<String, String> property : machine.entrySet()) {
                bytes += ByteBufUtil.utf8Bytes(property.getKey());
                bytes += ByteBufUtil.utf8Bytes(property.getValue());
            }
            require(bytes <= MAX_MACHINE_BYTES, "machine definition has too many bytes: ", bytes);
        }

        /** One that was received, as far as it is understood: without a machine, so that nobody gives way to its guest. */
        static Hello ofOtherProtocol(int protocol, String guest, String host, TermClaim term) {
            return new Hello(protocol, guest, host, term, PageSink.PAGE_BYTES, new TreeMap<>(), WallHolder.EACH);
        }

        private static void requireName(String name, String what) {
            if (!NAME.matcher(name).matches()) {
                throw new IllegalArgumentException(what + " is not [a-z0-9-]{1,32}");
            }
        }
    }

    /**
     * Backup to primary: accepted.
     *
     * @param confirmedEpoch the newest checkpoint that the backup has confirmed and still has; 0 if there is none. A
     *     delta may build on it, a full checkpoint need not.
     * @param armed whether the backup may promote from that checkpoint
     * @param identity tells a backup that remembers whether it has promoted from one that has lost its memory; empty if not known
     */
    record Welcome(TermClaim term, long confirmedEpoch, boolean armed, String identity) implements LinkMessage {

        /** Most characters of {@link #identity}. */
        public static final int MAX_IDENTITY_CHARS = 64;

        private static final Pattern IDENTITY = Pattern.compile("[0-9a-f-]{0," + MAX_IDENTITY_CHARS + "}");

        public Welcome {
            require(confirmedEpoch >= 0, "confirmed epoch is negative: ", confirmedEpoch);
            if (!IDENTITY.matcher(identity).matches()) {
                throw new IllegalArgumentException("identity is not [0-9a-f-]{0,64}");
            }
        }
    }

    /**
     * Backup to primary: not accepted. The connection is closed after it.
     *
     * @param errorClass stable, for programs, such as {@code StaleTerm} or {@code Incompatible}
     * @param reasons for people, one sentence each
     * @param term the newest term that the refusing side knows
     */
    record Refusal(String errorClass, List<String> reasons, TermClaim term) implements LinkMessage {

        private static final Pattern ERROR_CLASS = Pattern.compile("[A-Za-z]{1,64}");

        public Refusal {
            if (!ERROR_CLASS.matcher(errorClass).matches()) {
                throw new IllegalArgumentException("error class is not [A-Za-z]{1,64}");
            }
            reasons = reasons.stream().limit(MAX_REASONS).map(LinkMessage::cut).toList();
        }
    }

    /**
     * Primary to backup: a checkpoint begins.
     *
     * @param full whether it brings all memory. Such a one begins while the guest runs, and its epoch is known only
     *     at its end.
     * @param baseEpoch the checkpoint that a delta builds on; 0 for a full one
     */
    record CheckpointBegin(boolean full, long baseEpoch) implements CheckpointRecord {

        public CheckpointBegin {
            requireBase(full, baseEpoch);
        }
    }

    /**
     * Primary to backup: neighbouring pages of guest memory. A page may come again in the same checkpoint; the last one
     * counts.
     *
     * @param firstPage number of the first page
     * @param pages how many
     * @param zero whether all of them are zero; then there is no data
     * @param data the pages' content
     */
    record Pages(long firstPage, int pages, boolean zero, ByteBuf data) implements Payload {

        /** Most pages of one record with data. Zero pages have no limit. */
        public static final int MAX_PAGES = MAX_PAYLOAD_BYTES / PageSink.PAGE_BYTES;

        public Pages {
            require(firstPage >= 0, "first page is negative: ", firstPage);
            require(firstPage <= Long.MAX_VALUE / PageSink.PAGE_BYTES - Integer.MAX_VALUE, "no such page: ", firstPage);
            require(pages > 0, "number of pages is not positive: ", pages);
            require(zero || pages <= MAX_PAGES, "too many pages in one record: ", pages);
            long expectedBytes = zero ? 0 : (long) pages * PageSink.PAGE_BYTES;
            require(data.readableBytes() == expectedBytes, "pages have wrong length: ", data.readableBytes());
        }

        /** A run of pages that are all zero. */
        public static Pages zero(long firstPage, int pages) {
            return new Pages(firstPage, pages, true, Unpooled.EMPTY_BUFFER);
        }
    }

    /** Primary to backup: a piece of the state of processors and devices; the pieces come in order, after the pages. */
    record DeviceState(ByteBuf data) implements Payload {

        public DeviceState {
            require(data.isReadable(), "a piece of device state is empty: ", 0);
            require(
                    data.readableBytes() <= MAX_PAYLOAD_BYTES,
                    "a piece of device state is too long: ",
                    data.readableBytes());
        }
    }

    /**
     * Primary to backup: the checkpoint is complete if all of this fits.
     *
     * @param epoch the epoch that it ends
     * @param baseEpoch as in its begin
     * @param pageCount pages in all its {@link Pages}, zero and repeated ones included
     * @param byteCount bytes of data in all its {@link Pages}
     * @param deviceStateBytes bytes in all its {@link DeviceState}
     * @param guestAddressesJson what is known of the guest's addresses; empty if nothing
     * @param sha256 digest over all of it, see {@link CheckpointDigest}, in 64 lower-case hexadecimal digits
     */
    record CheckpointEnd(
            long epoch,
            long baseEpoch,
            long pageCount,
            long byteCount,
            long deviceStateBytes,
            String guestAddressesJson,
            String sha256)
            implements CheckpointRecord {

        private static final Pattern SHA256 = Pattern.compile("[0-9a-f]{64}");

        public CheckpointEnd {
            require(epoch > 0, "epoch is not positive: ", epoch);
            require(baseEpoch >= 0 && baseEpoch < epoch, "base epoch is not before the epoch: ", baseEpoch);
            require(pageCount >= 0, "page count is negative: ", pageCount);
            require(byteCount >= 0, "byte count is negative: ", byteCount);
            require(deviceStateBytes >= 0, "length of device state is negative: ", deviceStateBytes);
            require(
                    ByteBufUtil.utf8Bytes(guestAddressesJson) <= MAX_ADDRESSES_BYTES,
                    "guest addresses have too many characters: ",
                    guestAddressesJson.length());
            if (!SHA256.matcher(sha256).matches()) {
                throw new IllegalArgumentException("digest is not 64 hexadecimal digits");
            }
        }
    }

    /** Backup to primary: I have every byte of this checkpoint on an unbroken chain. */
    record Confirm(long epoch) implements LinkMessage {

        public Confirm {
            require(epoch > 0, "epoch is not positive: ", epoch);
        }
    }

    /** Primary to backup: from now on you may promote, from this checkpoint or a newer one that you confirmed. */
    record Armed(long epoch) implements LinkMessage {

        public Armed {
            require(epoch > 0, "epoch is not positive: ", epoch);
        }
    }

    /**
     * Both ways: I am alive.
     *
     * @param sequence counts the sender's heartbeats on this connection from 1
     * @param echoedSequence the newest heartbeat that the sender has received; 0 if none
     * @param echoedAgeNanos how long ago that was, so that its sender can tell the round-trip time
     */
    record Heartbeat(long sequence, long echoedSequence, long echoedAgeNanos) implements LinkMessage {

        public Heartbeat {
            require(sequence > 0, "heartbeat sequence is not positive: ", sequence);
            require(echoedSequence >= 0, "echoed heartbeat is negative: ", echoedSequence);
            require(echoedAgeNanos >= 0, "age of the echoed heartbeat is negative: ", echoedAgeNanos);
        }
    }

    /** Primary to backup: the guest itself has ended, whatever happens to this link. */
    record GuestDeath(Policy policy, String reason) implements LinkMessage {

        /** What the backup shall make of it. */
        public enum Policy {
            /** The hypervisor died under the guest: promote, there is nobody to wait for. */
            PROMOTE,
            /**
             * The guest powered itself off, rebooted or panicked: that is not a failure of the host; do not promote.
             */
            STAY
        }

        public GuestDeath {
            reason = cut(reason);
        }
    }

    /** Primary to backup: forget every checkpoint, and promote none; what they were taken from was not the guest's state. */
    record Revoke(String reason) implements LinkMessage {

        public Revoke {
            reason = cut(reason);
        }
    }

    /** Primary to backup: what a client has sent to the guest; see {@link ClientFrame}. Not part of any checkpoint. */
    record Mirrored(ClientFrame frame) implements LinkMessage {}

    /**
     * Both ways: a line of the control protocol, for or from the wall of the proxy that stands inline beside one of the agents.
     *
     * @param stream tells apart the connections of one tunnel; chosen by the side without a proxy
     * @param line without its end
     */
    record WallLine(int stream, String line) implements LinkMessage {

        /** Most bytes of a line in UTF-8: what the control protocol allows. */
        public static final int MAX_BYTES = 64 << 10;

        public WallLine {
            require(stream > 0, "stream is not positive: ", stream);
            require(ByteBufUtil.utf8Bytes(line) <= MAX_BYTES, "line has too many characters: ", line.length());
        }
    }

    /**
     * Both ways: a stream of {@link WallLine}s begins or ends.
     *
     * @param open whether it begins
     */
    record WallStream(int stream, boolean open) implements LinkMessage {

        public WallStream {
            require(stream > 0, "stream is not positive: ", stream);
        }
    }

    /**
     * The primary tells the backup to take over: the guest stands still where the newest checkpoint ends, and all that it said has
     * left.
     */
    record HandOver(String reason) implements LinkMessage {

        public HandOver {
            reason = cut(reason);
        }
    }

    /**
     * Backup to primary: there is nothing here that could be promoted, and will not be before I am told once more that I may.
     * The last message of the connection.
     */
    record Relinquish(String reason) implements LinkMessage {

        public Relinquish {
            reason = cut(reason);
        }
    }

    private static void require(boolean fits, String complaint, long value) {
        if (!fits) {
            throw new IllegalArgumentException(complaint + value);
        }
    }

    private static void requireBase(boolean full, long baseEpoch) {
        require(baseEpoch >= 0, "base epoch is negative: ", baseEpoch);
        require(!full || baseEpoch == 0, "a full checkpoint names a base: ", baseEpoch);
        require(full || baseEpoch > 0, "a delta names no base: ", baseEpoch);
    }

    private static String cut(String text) {
        return text.length() <= MAX_TEXT_CHARS ? text : text.substring(0, MAX_TEXT_CHARS);
    }
}
