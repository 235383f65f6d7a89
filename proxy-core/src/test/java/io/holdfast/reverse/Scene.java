package io.holdfast.reverse;

import static io.holdfast.reverse.ReverseKit.PREFIX;

import io.holdfast.reverse.ReverseKit.Notes;
import io.holdfast.reverse.ReverseKit.Sent;
import io.holdfast.reverse.model.Endpoints;
import io.holdfast.reverse.model.Segment;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.function.IntFunction;
import java.util.function.IntPredicate;
import org.jspecify.annotations.Nullable;

/**
 * One {@link Reconciler}, and connections of which a test plays both ends by hand. An end acknowledges what has reached it: the
 * guest in its own numbering, the client in that which it sees. Nothing is lost, and nothing repeated. What the wall holds stays
 * with it.
 *
 * <p>All numbers begin a little before 2^32.
 */
final class Scene implements AutoCloseable {

    private static final long MILLI = 1_000_000L;

    final Notes notes = new Deliveries();
    private final Reconciler.Settings settings;
    Reconciler reconciler;
    private final List<Dialogue> dialogues = new ArrayList<>();
    private long nowNanos = 1_000 * MILLI;
    private long openEpoch = 1;

    /** With room for everything; no port is held. */
    Scene() {
        this(Admission.FREE);
    }

    Scene(Admission admission) {
        this(port -> admission);
    }

    Scene(IntFunction<Admission> admission) {
        this(1 << 20, 1 << 20, 100, port -> false, admission);
    }

    Scene(List<DatagramRule> datagrams) {
        this(new Reconciler.Settings(
                1 << 20, 1 << 20, 100, port -> false, port -> Admission.FREE, datagrams, PREFIX, ReverseKit.HASH_SEED));
    }

    Scene(long logBytes, Admission admission) {
        this(logBytes, 1 << 20, 100, port -> false, port -> admission);
    }

    Scene(long logBytes, long digestBytes, int maxFlows, IntPredicate heldPorts) {
        this(logBytes, digestBytes, maxFlows, heldPorts, port -> Admission.FREE);
    }

    Scene(long logBytes, long digestBytes, int maxFlows, IntPredicate heldPorts, IntFunction<Admission> admission) {
        this(new Reconciler.Settings(
                logBytes, digestBytes, maxFlows, heldPorts, admission, List.of(), PREFIX, ReverseKit.HASH_SEED));
    }

    private Scene(Reconciler.Settings settings) {
        this.settings = settings;
        reconciler = new Reconciler(settings, notes);
    }

    /** The proxy dies, and a new one finds on disk what was kept. What was noted before is forgotten. */
    void restartProxy() {
        List<KeptTranslation> kept = reconciler.translations();
        reconciler.close();
        reconciler = new Reconciler(settings, notes);
        reconciler.inherit(kept);
        notes.clear();
    }

    /** The proxy's host dies, and another proxy takes its place. What was noted before is forgotten. */
    void replaceProxy() {
        reconciler.close();
        reconciler = new Reconciler(settings, notes);
        notes.clear();
    }

    // ---- the guest's life ----

    /** The open epoch is closed. */
    void barrier() {
        reconciler.onBarrier(openEpoch++, nowNanos);
        dialogues.forEach(Dialogue::save);
    }

    /** The backup has the checkpoint of the last barrier. */
    void commit() {
        reconciler.onCommit(openEpoch - 1);
    }

    void checkpoint() {
        barrier();
        commit();
    }

    /** The guest dies and is restored from the checkpoint of the last barrier; what was noted before is forgotten. */
    void failOver() {
        failOver(reconciler.nextOrder());
    }

    void failOver(ReplayOrder order) {
        reconciler.onGuestLost();
        restore(order);
    }

    void restore(ReplayOrder order) {
        restore(openEpoch - 1, order);
    }

    /** As if the guest said that this is its checkpoint; it is that of the last barrier. */
    void restore(long epoch, ReplayOrder order) {
        notes.clear();
        dialogues.forEach(Dialogue::restore);
        reconciler.onGuestRestored(epoch, order, nowNanos);
    }

    /** What was noted before is forgotten. */
    void goLive() {
        notes.clear();
        reconciler.goLive(nowNanos);
    }

    void elapse(long millis) {
        nowNanos += millis * MILLI;
        reconciler.onTime(nowNanos);
    }

    /** A frame of any kind, behind a prefix of its own. */
    void clientSends(byte[] frame) {
        reconciler.onClientFrame(0, behindPrefix(frame), PREFIX, frame.length, nowNanos);
    }

    void guestSends(byte[] frame) {
        reconciler.onGuestFrame(0, behindPrefix(frame), PREFIX, frame.length, nowNanos);
    }

    private static MemorySegment behindPrefix(byte[] frame) {
        byte[] bytes = new byte[PREFIX + frame.length];
        System.arraycopy(frame, 0, bytes, PREFIX, frame.length);
        return MemorySegment.ofArray(bytes);
    }

    @Override
    public void close() {
        reconciler.close();
    }

    /** A connection that nobody has opened yet. */
    Dialogue dialogue() {
        return dialogue(ReverseKit.client(dialogues.size()));
    }

    Dialogue dialogue(Endpoints client) {
        Dialogue dialogue = new Dialogue(client);
        dialogues.add(dialogue);
        return dialogue;
    }

    /** A connection that is open. */
    Dialogue open() {
        Dialogue dialogue = dialogue();
        dialogue.open();
        return dialogue;
    }

    /** The same to another of the guest's ports. */
    Dialogue open(int guestPort) {
        Dialogue dialogue = dialogue(ReverseKit.client(dialogues.size(), guestPort));
        dialogue.open();
        return dialogue;
    }

    private final class Deliveries extends Notes {

        @Override
        public boolean toGuest(int nic, MemorySegment memory, long offsetBytes, int lengthBytes) {
            boolean taken = super.toGuest(nic, memory, offsetBytes, lengthBytes);
            if (taken) {
                dialogues.forEach(dialogue -> dialogue.reachGuest(toGuest.getLast()));
            }
            return taken;
        }

        @Override
        public void toClient(int nic, MemorySegment memory, long offsetBytes, int lengthBytes) {
            super.toClient(nic, memory, offsetBytes, lengthBytes);
            dialogues.forEach(dialogue -> dialogue.reachClient(toClient.getLast()));
        }
    }

    /** What the guest knows of a connection. */
    private record Saved(int next, int has, int clock) {}

    /** One connection. */
    final class Dialogue {

        final Endpoints client;
        /** What each end sends next, and has of the other. */
        int clientNext = -5;

        int clientHas;
        int guestNext;
        int guestHas;

        int clientClock = -3;
        int guestClock = -4;
        /** What the guest will answer a SYN with. */
        int guestFirst = -7;

        int guestWindowScale = ReverseKit.OFFER.windowScale();
        private @Nullable Saved saved;

        private Dialogue(Endpoints client) {
            this.client = client;
        }

        void open() {
            syn();
            synAck();
            acknowledge();
        }

        void syn() {
            clientSends(syn(Segment.SYN)
                    .sequence(clientNext++)
                    .windowScale(ReverseKit.OFFER.windowScale())
                    .timestamps(clientClock, 0));
        }

        void synAck() {
            guestNext = guestFirst;
            guestSends(syn(Segment.SYN | Segment.ACK)
                    .sequence(guestNext++)
                    .acknowledgment(guestHas)
                    .windowScale(guestWindowScale)
                    .timestamps(guestClock, clientClock));
        }

        private static Segment.Builder syn(int flags) {
            return Segment.withFlags(flags)
                    .window(64_000)
                    .mss(ReverseKit.OFFER.maximumSegmentSize())
                    .sackPermitted(true);
        }

        /** The client sends bytes. */
        void ask(String text) {
            clientSends(fromClient(Segment.PSH | Segment.ACK).payload(ReverseKit.bytes(text)));
            clientNext += text.length();
        }

        /** The guest sends bytes. */
        void answer(String text) {
            guestSends(fromGuest(Segment.PSH | Segment.ACK).payload(ReverseKit.bytes(text)));
            guestNext += text.length();
        }

        /** The client acknowledges all that it has. */
        void acknowledge() {
            clientSends(fromClient(Segment.ACK));
        }

        /** So does the guest. */
        void guestAcknowledges() {
            guestSends(fromGuest(Segment.ACK));
        }

        /** What the client would say next. */
        Segment.Builder fromClient(int flags) {
            return Segment.withFlags(flags)
                    .sequence(clientNext)
                    .acknowledgment(clientHas)
                    .window(500)
                    .timestamps(++clientClock, guestClock);
        }

        /** What the guest would say next, in its own numbering. */
        Segment.Builder fromGuest(int flags) {
            return Segment.withFlags(flags)
                    .sequence(guestNext)
                    .acknowledgment(guestHas)
                    .window(500)
                    .timestamps(++guestClock, clientClock);
        }

        void clientSends(Segment.Builder segment) {
            MemorySegment frame = ReverseKit.frame(client, segment);
            reconciler.onClientFrame(0, frame, PREFIX, ReverseKit.length(frame), nowNanos);
        }

        void guestSends(Segment.Builder segment) {
            MemorySegment frame = ReverseKit.frame(client.reversed(), segment);
            reconciler.onGuestFrame(0, frame, PREFIX, ReverseKit.length(frame), nowNanos);
        }

        // ---- what has come of it ----

        List<Segment> toGuest() {
            return of(notes.toGuest);
        }

        List<Segment> toClient() {
            return of(notes.toClient);
        }

        List<Segment> held() {
            return of(notes.held);
        }

        /** The bytes of this connection that left, as text. */
        String said(List<Segment> segments) {
            StringBuilder text = new StringBuilder();
            segments.forEach(segment -> text.append(ReverseKit.text(segment)));
            return text.toString();
        }

        private List<Segment> of(List<Sent> sent) {
            return sent.stream()
                    .filter(each -> each.isOf(client))
                    .map(Sent::segment)
                    .toList();
        }

        private void reachGuest(Sent sent) {
            if (sent.isOf(client)) {
                guestHas = furthest(guestHas, sent.segment());
            }
        }

        private void reachClient(Sent sent) {
            if (sent.isOf(client)) {
                clientHas = furthest(clientHas, sent.segment());
            }
        }

        private static int furthest(int has, Segment segment) {
            boolean begins = segment.has(Segment.SYN);
            boolean further = segment.length() > 0 && segment.endSequence() - has > 0;
            return begins || further ? segment.endSequence() : has;
        }

        private void save() {
            saved = new Saved(guestNext, guestHas, guestClock);
        }

        private void restore() {
            if (saved != null) {
                guestNext = saved.next;
                guestHas = saved.has;
                guestClock = saved.clock;
            }
        }
    }
}
