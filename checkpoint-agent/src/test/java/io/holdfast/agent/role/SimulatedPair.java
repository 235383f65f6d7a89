package io.holdfast.agent.role;

import io.holdfast.agent.arbiter.Claim;
import io.holdfast.agent.arbiter.TermRegister;
import io.holdfast.agent.arbiter.Verdict;
import io.holdfast.wall.BufferWall;
import io.holdfast.wall.Epoch;
import io.holdfast.wall.Term;
import io.holdfast.wall.WallRefusal;
import io.holdfast.wall.WallState;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/**
 * Two hosts with a proxy and an agent each, a link, a guest and its clients, as a set of single steps that a scheduler
 * may take in any order. The walls and the roles are the real ones; hypervisor, disks, sockets and time are models.
 *
 * <p>The guest counts: each of its steps emits a frame with the next number of its <i>history</i>. A promotion begins a
 * new history that branches off at the checkpoint's number. The clients' view is contradicted if, of one history, a number
 * beyond a branching point has been seen: the branch does not know that it was ever sent. That is the one thing that must
 * never happen (INV-1); {@link #violations()} collects it.
 */
final class SimulatedPair {

    static final long MILLI = 1_000_000;
    private static final FailureDetector.Settings PATIENCE =
            new FailureDetector.Settings(500 * MILLI, 300 * MILLI, 100 * MILLI);
    private static final long ARBITERS_LEASE_NANOS = 600 * MILLI;
    private static final long NO_SESSION = 0;
    private static final int WALL_LIMIT_FRAMES = 40;
    private static final int HIGH_WATER_FRAMES = 20;

    record Frame(int history, int number) {}

    record GuestState(int history, int number) {}

    /** What the simulated bug is, to see that the checks see it. */
    enum Sabotage {
        NONE,
        CONFIRM_BEFORE_STAGED,
        COMMIT_WHEN_SHIPPED,
        BARRIER_AFTER_RESUME,
        OPEN_ON_BACKUP_LOSS,
        PROMOTE_UNARMED,
        HELLO_WITHOUT_DRAIN,
        RELINQUISH_AND_KEEP,
        HAND_OVER_AND_RESUME,
        FORGO_AFTER_SERVICE,
        TRUST_ANY_BACKUP,
        ARM_UNDER_AN_OLDER_TERM,
        GRANT_BOTH,
        GRANT_AFTER_LOSS_OF_DATA
    }

    /** What stands between a backup and a promotion. */
    enum Guard {
        NOTHING,
        ARBITER,
        ARBITER_AND_FENCE;

        boolean arbitrates() {
            return this != NOTHING;
        }
    }

    static final class Disk {
        Term term;
        /** Of whoever remembers all this. */
        final int identity;

        boolean armed;
        String armedBackup = "";
        /** That a guest has not run under the term that this host has claimed. */
        boolean onlyClaimed;

        boolean forgone;
        boolean relinquished;
        Term wallTerm = Term.none();
        boolean wallSealed;
        boolean wallSealedByLease;

        Disk(Term term, int identity) {
            this.term = term;
            this.identity = identity;
        }

        void storeTerm(Term next) {
            term = next;
            armed = false;
            armedBackup = "";
            relinquished = false;
            onlyClaimed = false;
            forgone = false;
        }

        void storeArmed(String backup) {
            armed = true;
            armedBackup = backup;
            relinquished = false;
        }

        void storeRelinquished() {
            armed = false;
            armedBackup = "";
            relinquished = true;
        }

        String identity() {
            return Integer.toHexString(identity);
        }
    }

    private sealed interface Message {
        record Hello(Term term, boolean hasGuest) implements Message {}

        record Welcome(Term term, String identity, boolean armed) implements Message {}

        record Refusal(String errorClass, Term term) implements Message {}

        record Checkpoint(long epoch, long baseEpoch, GuestState state) implements Message {}

        record Confirm(long epoch) implements Message {}

        record Armed() implements Message {}

        record Revoke() implements Message {}

        record Death(boolean failover) implements Message {}

        record Relinquish() implements Message {}

        record HandOver() implements Message {}

        record Heartbeat() implements Message {}
    }

    /** One connection; it is lost with an end of file unless the network is cut. */
    private static final class Connection {
        final long session;
        final Host primary;
        final Host backup;
        final Deque<Message> toBackup = new ArrayDeque<>();
        final Deque<Message> toPrimary = new ArrayDeque<>();
        /** By which the primary's shell knows it. */
        long sessionOfPrimary;

        boolean closedForPrimary;
        boolean closedForBackup;

        Connection(long session, Host primary, Host backup) {
            this.session = session;
            this.sessionOfPrimary = session;
            this.primary = primary;
            this.backup = backup;
        }
    }

    static final class Host {
        final String name;
        Disk disk;
        boolean frozen;
        /** The next guest that is restored here does not run. */
        boolean failsToRestore;
        /** Nothing that the agent writes here gets to the disk, for as long as this lasts. */
        boolean diskIsFull;
        /** No hypervisor here can be given a guest, for as long as this lasts. */
        boolean startsNoGuest;

        // the guest
        @Nullable
        GuestState guest;

        boolean guestPaused;

        // the proxy
        @Nullable
        BufferWall wall;

        final Deque<Frame> inKernel = new ArrayDeque<>();

        @Nullable
        Frame stampedFrame;

        long stampOfStampedFrame;
        final Deque<Frame> ring = new ArrayDeque<>();
        final Deque<Long> ringStamps = new ArrayDeque<>();
        final Deque<Runnable> wallCommands = new ArrayDeque<>();
        boolean pressureReported;
        long heldReportedOfEpoch = Epoch.NONE;
        long nextIncarnation = 1;

        // the agent
        boolean agentAlive;
        long agentLife;

        @Nullable
        PrimaryRole primary;

        @Nullable
        BackupRole backup;

        final Deque<Runnable> engine = new ArrayDeque<>();
        /** Claims on their way to the arbiter, and back. */
        final Deque<Runnable> claims = new ArrayDeque<>();

        boolean cutFromArbiter;
        /** Whether a primary has looked for its guest, and so for a backup. */
        boolean connects;

        long wallOwnedByLife;
        long helloNumber;

        @Nullable
        GuestState captured;

        long capturedBaseEpoch;

        final Map<Long, GuestState> checkpoints = new HashMap<>();

        @Nullable
        GuestState capturedBeforeBarrier;

        Host(String name, Term term) {
            this.name = name;
            this.disk = new Disk(term, name.hashCode());
        }

        boolean isPrimary() {
            return agentAlive && primary != null;
        }

        boolean isProtected() {
            return primary != null && primary.isProtected();
        }
    }

    final Host a = new Host("a", new Term(1, Term.Claim.PROMOTION, "a"));
    final Host b = new Host("b", Term.none());
    private final Sabotage sabotage;
    private final boolean passBeforeArming;
    private final Guard guard;
    /** The newest that the arbiter knows; null before the first, and after it has lost its data. */
    private @Nullable Term arbitersTerm;

    /** A third of what the arbiter does is never heard of. */
    boolean losesAnswers;

    long nowNanos = 1;
    /** Whether a barrier never gives up a drain. */
    boolean drainsAlways;
    /** Whether the power switch answers each time. */
    boolean fencesAlways;

    private @Nullable Connection connection;
    private boolean cut;
    private long cutNanos;
    private long nextSession = 1;
    private int nextHistory = 1;
    private final Map<Integer, Integer> newestSeen = new HashMap<>();
    private final List<GuestState> branches = new ArrayList<>();
    private final List<String> violations = new ArrayList<>();
    private final Deque<String> journal = new ArrayDeque<>();
    int released;
    int promotions;
    /** Frames dropped at a limit, and commits that were too late: the next owner's guest repeats what was in them. */
    int lossesOnPurpose;

    SimulatedPair(Sabotage sabotage, boolean passBeforeArming, Guard guard) {
        this.sabotage = sabotage;
        this.passBeforeArming = passBeforeArming;
        this.guard = guard;
        a.guest = new GuestState(0, 0);
        startProxy(a);
        startProxy(b);
        startAgent(a);
        startAgent(b);
    }

    List<String> violations() {
        return violations;
    }

    String journal() {
        return String.join("\n", journal);
    }

    Host host(int index) {
        return index == 0 ? a : b;
    }

    private Host other(Host host) {
        return host == a ? b : a;
    }

    private void note(String text) {
        journal.add(nowNanos / MILLI + " ms " + text);
        if (journal.size() > 400) {
            journal.removeFirst();
        }
    }

    // ---- steps of the guest and the packet path ----

    boolean guestRuns(Host host) {
        return host.guest != null && !host.guestPaused && !host.frozen;
    }

    void guestStep(Host host) {
        GuestState state = host.guest;
        if (state == null || !guestRuns(host)) {
            return;
        }
        host.guest = new GuestState(state.history(), state.number() + 1);
        if (host.inKernel.size() < WALL_LIMIT_FRAMES) {
            host.inKernel.add(new Frame(state.history(), state.number() + 1));
        } else {
            lossesOnPurpose++;
        }
    }

    /** The capture thread: first reads the stamp, then, some other time, hands the frame to the ring. */
    void captureStep(Host host) {
        BufferWall wall = host.wall;
        if (wall == null || host.frozen) {
            return;
        }
        Frame stamped = host.stampedFrame;
        if (stamped != null) {
            host.stampedFrame = null;
            boolean hasRoom = host.ring.size() < WALL_LIMIT_FRAMES;
            lossesOnPurpose += hasRoom ? 0 : 1;
            if (host.stampOfStampedFrame > wall.discardThrough() && hasRoom) {
                host.ring.add(stamped);
                host.ringStamps.add(host.stampOfStampedFrame);
                reportPressure(host);
                reportHeld(host, host.stampOfStampedFrame);
            }
            return;
        }
        host.stampedFrame = host.inKernel.poll();
        host.stampOfStampedFrame = wall.openEpoch();
    }

    /** Once for each barrier and each hello; the agent hears of it later. */
    private void reportPressure(Host host) {
        if (host.ring.size() <= HIGH_WATER_FRAMES || host.pressureReported) {
            return;
        }
        host.pressureReported = true;
        long life = host.agentLife;
        host.wallCommands.add(() -> {
            if (host.primary != null && host.agentLife == life) {
                runPrimary(host, host.primary.onHighWater(nowNanos));
            }
        });
    }

    /** Once for each epoch. */
    private void reportHeld(Host host, long epoch) {
        if (host.heldReportedOfEpoch == epoch) {
            return;
        }
        host.heldReportedOfEpoch = epoch;
        long life = host.agentLife;
        host.wallCommands.add(() -> {
            if (host.primary != null && host.agentLife == life) {
                runPrimary(host, host.primary.onOutputHeld(epoch, nowNanos));
            }
        });
    }

    void releaseStep(Host host) {
        BufferWall wall = host.wall;
        Long stamp = host.ringStamps.peek();
        if (wall == null || stamp == null || host.frozen) {
            return;
        }
        long releaseThrough = wall.releaseThrough();
        if (stamp <= wall.discardThrough() || wall.isLeaseOver(nowNanos)) {
            host.ringStamps.poll();
            host.ring.poll();
        } else if (stamp <= releaseThrough) {
            host.ringStamps.poll();
            clientSees(host, host.ring.remove());
        }
    }

    boolean mayRelease(Host host) {
        BufferWall wall = host.wall;
        Long stamp = host.ringStamps.peek();
        return wall != null && stamp != null && (stamp <= wall.releaseThrough() || stamp <= wall.discardThrough());
    }

    boolean hasMessage(boolean toBackup) {
        Connection c = connection;
        return c != null && !(toBackup ? c.toBackup : c.toPrimary).isEmpty();
    }

    private void clientSees(Host host, Frame frame) {
        released++;
        note("clients see " + frame + " from " + host.name + " (" + (host.wall == null ? "" : host.wall.state()) + ")");
        Integer before = newestSeen.put(frame.history(), frame.number());
        if (before != null && before >= frame.number()) {
            violations.add("out of order: " + before + " before " + frame);
        }
        if (servesAlone(a) && servesAlone(b)) {
            violations.add("both hosts serve alone when clients see " + frame + " from " + host.name);
        }
        for (GuestState branch : branches) {
            if (branch.history() == frame.history() && frame.number() > branch.number()) {
                violations.add("clients see " + frame + " after a promotion at " + branch);
            }
        }
    }

    /** INV-9: the next term that an armed backup claims must be above its primary's. */
    private void checkFollower(Term ofPrimary) {
        Connection c = connection;
        BackupRole follower =
                c == null || c.closedForPrimary ? null : c.backup.backup; // Or its successor, which hears nothing.
        if (follower != null && follower.term().isStaleAgainst(ofPrimary)) {
            violations.add("a backup of term " + follower.term() + " is armed by a primary of term " + ofPrimary);
        }
    }

    private boolean servesAlone(Host host) {
        BufferWall wall = host.wall;
        return wall != null && wall.state() == WallState.ALONE && !wall.isLeaseOver(nowNanos);
    }

    /** Whether the wall lets anything leave that its guest says. */
    boolean mayServe(Host host) {
        BufferWall wall = host.wall;
        return servesAlone(host) || (wall != null && wall.state() == WallState.PROTECTED);
    }

    // ---- steps of the arbiter ----

    void arbiterStep(Host host) {
        Runnable next = host.claims.poll();
        if (next != null) {
            next.run();
        }
    }

    /** Whoever it is may not have heard of it yet. */
    boolean isAloneGranted() {
        return arbitersTerm != null && arbitersTerm.claim() == Term.Claim.ALONE;
    }

    /** The lease counts from now, however long the answer takes. */
    private void claim(Host host, Claim claim) {
        long life = host.agentLife;
        OptionalLong leaseUntil = OptionalLong.of(nowNanos + ARBITERS_LEASE_NANOS);
        host.claims.add(() -> {
            boolean heard = !host.cutFromArbiter && !(losesAnswers && nowNanos % 3 == 0);
            Verdict verdict = host.cutFromArbiter ? new Verdict.Unreachable("cut off") : decide(claim, leaseUntil);
            Verdict answer = heard ? verdict : new Verdict.Unreachable("no answer");
            note(host.name + " claims " + claim + ": " + verdict + (heard ? "" : ", unheard"));
            host.claims.add(() -> answer(host, life, claim, answer));
        });
    }

    private Verdict decide(Claim claim, OptionalLong leaseUntil) {
        TermRegister.Ruling ruling = TermRegister.rule(claim, Optional.ofNullable(arbitersTerm));
        boolean sabotaged = sabotage == Sabotage.GRANT_BOTH
                || (sabotage == Sabotage.GRANT_AFTER_LOSS_OF_DATA && arbitersTerm == null);
        return switch (sabotaged ? TermRegister.Ruling.WRITE : ruling) {
            case WRITE, HELD -> {
                arbitersTerm = claim.wanted();
                yield claim.leased() ? new Verdict.Granted(leaseUntil) : Verdict.Granted.forGood();
            }
            case REFUSED -> new Verdict.Refused(Optional.ofNullable(arbitersTerm), "newer");
            case UNREGISTERED -> new Verdict.Unreachable("not registered");
        };
    }

    private void answer(Host host, long life, Claim claim, Verdict verdict) {
        if (!host.agentAlive || host.agentLife != life) {
            return;
        }
        if (host.frozen) { // It hears when it goes on, however late that is.
            host.claims.add(() -> answer(host, life, claim, verdict));
            return;
        }
        if (host.primary != null) {
            runPrimary(host, host.primary.onVerdict(claim, verdict, nowNanos));
        } else if (host.backup != null) {
            run(host, host.backup.onVerdict(claim, verdict, nowNanos));
        }
    }

    void loseDataOfArbiter() {
        if (arbitersTerm != null) {
            note("LOSS of the arbiter's data");
            arbitersTerm = null;
        }
    }

    // ---- steps of the agents ----

    void engineStep(Host host) {
        if (!host.frozen && host.agentAlive) {
            Runnable next = host.engine.poll();
            if (next != null) {
                next.run();
            }
        }
    }

    void wallStep(Host host) {
        if (!host.frozen && host.wall != null) {
            endLease(host, host.wall);
            Runnable next = host.wallCommands.poll();
            if (next != null) {
                next.run();
            }
        }
    }

    void deliverStep(boolean toBackup) {
        Connection c = connection;
        if (c == null || cut) {
            return;
        }
        Host receiver = toBackup ? c.backup : c.primary;
        if (receiver.frozen || !receiver.agentAlive) {
            return;
        }
        Message message = (toBackup ? c.toBackup : c.toPrimary).poll();
        if (message == null) {
            noticeEnd(c, toBackup, receiver);
        } else if (toBackup) {
            backupReceives(c, receiver, message);
        } else {
            primaryReceives(c, receiver, message);
        }
    }

    private void noticeEnd(Connection c, boolean atBackup, Host receiver) {
        if (atBackup && c.closedForBackup) {
            c.closedForBackup = false;
            if (receiver.backup != null) {
                run(receiver, receiver.backup.onSessionLost(c.session, nowNanos));
            }
        }
        if (!atBackup && c.closedForPrimary) {
            connection = null;
            if (receiver.primary != null && c.sessionOfPrimary != NO_SESSION) {
                runPrimary(receiver, receiver.primary.onLinkDown(c.session, "end of file", nowNanos));
            }
        }
    }

    void tickStep(Host host) {
        if (host.frozen || !host.agentAlive) {
            return;
        }
        if (host.primary != null) {
            noticeSilence(host, host.primary);
            if (connection == null && !cut && host.connects && other(host).agentAlive && other(host).backup != null) {
                connection = new Connection(nextSession++, host, other(host));
                connection.toBackup.add(new Message.Hello(host.primary.term(), !host.primary.isGuestLost()));
            } else if (connection == null
                    && !cut
                    && host.connects
                    && other(host).isPrimary()) {
                meetRival(host, host.primary, Objects.requireNonNull(other(host).primary));
            } else if (connection != null && connection.primary == host && connection.toBackup.isEmpty()) {
                connection.toBackup.add(new Message.Heartbeat());
            }
            if (host.primary != null) { // It may have stepped down before the rival.
                runPrimary(host, host.primary.onTick(nowNanos));
            }
        } else if (host.backup != null) {
            run(host, host.backup.onTick(nowNanos));
        }
    }

    /** Of the primary; the backup's role does so itself. */
    private void noticeSilence(Host host, PrimaryRole role) {
        Connection c = connection;
        if (c != null && c.primary == host && cut && nowNanos - cutNanos > PATIENCE.silenceNanos()) {
            connection = null;
            runPrimary(host, role.onLinkDown(c.session, "silence", nowNanos));
        }
    }

    private void meetRival(Host host, PrimaryRole role, PrimaryRole rival) {
        runPrimary(
                host, role.onRefused(rival.deposes() ? BackupRole.STALE_TERM : BackupRole.TERM_UNSERVED, rival.term()));
    }

    private void backupReceives(Connection c, Host host, Message message) {
        BackupRole role = host.backup;
        if (role == null) {
            return;
        }
        role.onBytes(c.session, nowNanos);
        switch (message) {
            case Message.Hello hello -> {
                if (hello.hasGuest()) {
                    run(host, role.onGuestElsewhere());
                }
                run(host, role.onHello(c.session, hello.term(), List.of(), nowNanos));
            }
            case Message.Checkpoint checkpoint -> {
                if (sabotage == Sabotage.CONFIRM_BEFORE_STAGED && nowNanos % 4 == 0) {
                    c.toPrimary.add(new Message.Confirm(checkpoint.epoch()));
                    return; // And lose it.
                }
                boolean fits = checkpoint.baseEpoch() == Epoch.NONE || checkpoint.baseEpoch() == role.confirmedEpoch();
                if (fits) {
                    host.checkpoints.put(checkpoint.epoch(), checkpoint.state());
                }
                run(host, role.onStaged(c.session, checkpoint.epoch(), checkpoint.baseEpoch()));
            }
            case Message.Armed armed -> run(host, role.onArmed(c.session));
            case Message.Revoke revoke -> run(host, role.onRevoked(c.session, "wrong"));
            case Message.HandOver handOver -> run(host, role.onHandOver(c.session, "test", nowNanos));
            case Message.Death death -> run(host, role.onGuestDeath(c.session, "died", death.failover(), nowNanos));
            default -> {}
        }
    }

    private void primaryReceives(Connection c, Host host, Message message) {
        PrimaryRole role = host.primary;
        if (role == null) {
            return;
        }
        switch (message) {
            case Message.Welcome welcome -> {
                Term followed = sabotage == Sabotage.ARM_UNDER_AN_OLDER_TERM ? role.term() : welcome.term();
                runPrimary(host, role.onLinkUp(c.session, followed, welcome.identity(), welcome.armed(), nowNanos));
            }
            case Message.Relinquish relinquish -> runPrimary(host, role.onRelinquished(c.sessionOfPrimary, "test"));
            case Message.Refusal refusal -> {
                connection = null;
                runPrimary(host, role.onRefused(refusal.errorClass(), refusal.term()));
            }
            case Message.Confirm confirm ->
                runPrimary(host, role.onConfirmed(c.sessionOfPrimary, confirm.epoch(), nowNanos));
            default -> {}
        }
    }

    private void runPrimary(Host host, List<PrimaryEffect> effects) {
        for (PrimaryEffect effect : effects) {
            PrimaryRole role = host.primary;
            if (role == null) {
                return;
            }
            perform(host, role, effect);
        }
    }

    private void perform(Host host, PrimaryRole role, PrimaryEffect effect) {
        long life = host.agentLife;
        if (!(effect instanceof PrimaryEffect.Commit)) {
            note(host.name + " " + effect);
        }
        switch (effect) {
            case PrimaryEffect.Precopy precopy ->
                host.engine.add(() -> runPrimary(host, role.onPrecopied(precopy.session(), nowNanos)));
            case PrimaryEffect.PauseGuest pause ->
                host.engine.add(() -> {
                    host.guestPaused = true;
                    runPrimary(host, role.onGuestPaused(nowNanos));
                });
            case PrimaryEffect.ResumeGuest resume -> host.engine.add(() -> host.guestPaused = false);
            case PrimaryEffect.CaptureState capture ->
                host.engine.add(() -> {
                    host.captured = host.guest;
                    host.capturedBaseEpoch = capture.baseEpoch();
                    if (sabotage == Sabotage.BARRIER_AFTER_RESUME) {
                        host.captured = host.capturedBeforeBarrier;
                    }
                    if (host.guest != null) {
                        runPrimary(host, role.onStateCaptured(capture.epoch(), nowNanos));
                    }
                });
            case PrimaryEffect.PlaceBarrier barrier -> {
                host.capturedBeforeBarrier = host.guest;
                if (sabotage == Sabotage.BARRIER_AFTER_RESUME) {
                    host.guestPaused = false;
                }
                wallCommand(host, wall -> {
                    while (host.stampedFrame != null || !host.inKernel.isEmpty()) {
                        captureStep(host); // the drain
                        if (!drainsAlways && nowNanos % 3 == 0) {
                            break; // which may give up: late frames get the later stamp
                        }
                    }
                    host.pressureReported = false;
                    host.heldReportedOfEpoch = Epoch.NONE;
                    long epoch =
                            wall.barrier(life, wall.incarnation(), role.term().number());
                    boolean atLimit = host.ring.size() > WALL_LIMIT_FRAMES * 3 / 4;
                    runPrimary(host, role.onBarrierPlaced(epoch, atLimit, nowNanos));
                });
            }
            case PrimaryEffect.Ship ship -> {
                GuestState state = host.captured;
                Connection c = connection;
                if (c != null && c.session == ship.session() && state != null) {
                    c.toBackup.add(new Message.Checkpoint(ship.epoch(), host.capturedBaseEpoch, state));
                }
                if (sabotage == Sabotage.COMMIT_WHEN_SHIPPED) {
                    perform(host, role, new PrimaryEffect.Commit(ship.epoch(), nowNanos + 100 * MILLI));
                }
            }
            case PrimaryEffect.DropCaptured drop -> host.captured = null;
            case PrimaryEffect.StoreArmed store -> {
                if (host.diskIsFull) {
                    runPrimary(host, role.onArmingFailed(store, "disk full"));
                } else {
                    host.disk.storeArmed(store.backup());
                    runPrimary(host, role.onArmedStored(store));
                }
            }
            case PrimaryEffect.StoreRelinquished store -> {
                if (!host.diskIsFull) {
                    host.disk.storeRelinquished();
                }
            }
            case PrimaryEffect.SendArmed armed -> {
                checkFollower(role.term());
                send(host, armed.session(), new Message.Armed());
            }
            case PrimaryEffect.ReportGuestDeath death ->
                send(host, connection == null ? 0 : connection.session, new Message.Death(death.failover()));
            case PrimaryEffect.Commit commit ->
                wallCommand(
                        host,
                        wall -> wall.commit(
                                life,
                                wall.incarnation(),
                                role.term().number(),
                                commit.epoch(),
                                commit.leaseUntilNanos(),
                                nowNanos));
            case PrimaryEffect.SuspendWall suspend -> {
                if (sabotage == Sabotage.OPEN_ON_BACKUP_LOSS) {
                    perform(host, role, new PrimaryEffect.OpenWall("sabotage"));
                } else {
                    wallCommand(
                            host,
                            wall -> wall.suspend(
                                    life, wall.incarnation(), role.term().number(), suspend.reason()));
                }
            }
            case PrimaryEffect.OpenWall open -> openWall(host, role.term(), open.reason(), open.leaseUntilNanos());
            case PrimaryEffect.AskArbiter ask -> claim(host, ask.claim());
            case PrimaryEffect.GoAlone go -> {
                if (host.diskIsFull) {
                    runPrimary(host, role.onAloneNotStored(nowNanos));
                    return;
                }
                host.disk.storeTerm(go.term());
                sayHelloOf(host, go.term());
                runPrimary(host, role.onAloneGranted(go.term(), go.reason()));
            }
            case PrimaryEffect.CloseLink close -> closeByPrimary(host);
            case PrimaryEffect.RefuseBackup refuse -> {
                Connection c = connection;
                if (c != null && c.primary == host) {
                    c.sessionOfPrimary = NO_SESSION;
                }
                closeByPrimary(host);
            }
            case PrimaryEffect.Audit text -> {}
            case PrimaryEffect.SealWall seal -> sealWall(host, role.term());
            case PrimaryEffect.DiscardHeld discard ->
                wallCommand(host, wall -> {
                    drain(host);
                    wall.discard(life, wall.incarnation(), role.term().number());
                });
            case PrimaryEffect.RevokeCheckpoints revoke -> send(host, revoke.session(), new Message.Revoke());
            case PrimaryEffect.Note text -> {}
            case PrimaryEffect.DrainWall drain -> {
                if (sabotage == Sabotage.HAND_OVER_AND_RESUME) {
                    host.guestPaused = false;
                    wallCommand(
                            host,
                            wall -> wall.open(
                                    life, wall.incarnation(), role.term().number(), "sabotage"));
                }
                drainWall(host, life);
            }
            case PrimaryEffect.HandOver handOver -> send(host, handOver.session(), new Message.HandOver());
            case PrimaryEffect.StepDown stepDown -> {
                sealWall(host, stepDown.newer());
                host.guest = null;
                if (!host.diskIsFull) {
                    host.disk.storeTerm(stepDown.newer());
                }
                stopAgent(host);
                startAgentAsBackup(host);
            }
        }
    }

    private void openWall(Host host, Term term, String reason, OptionalLong leaseUntil) {
        long life = host.agentLife;
        wallCommand(host, wall -> {
            if (leaseUntil.isPresent()) {
                wall.openUntil(life, wall.incarnation(), term.number(), reason, leaseUntil.getAsLong(), nowNanos);
            } else {
                wall.open(life, wall.incarnation(), term.number(), reason);
            }
        });
    }

    /** What has come before is still on its way to the role, and then the end. */
    private void closeByPrimary(Host host) {
        Connection c = connection;
        if (c != null && c.primary == host) {
            c.closedForPrimary = true;
            if (c.backup.backup != null) {
                run(c.backup, c.backup.backup.onSessionLost(c.session, nowNanos));
            }
        }
    }

    private void send(Host from, long session, Message message) {
        Connection c = connection;
        if (c != null && c.session == session) {
            (c.primary == from ? c.toBackup : c.toPrimary).add(message);
        }
    }

    /** Asks again and again whether all has left that may. */
    private void drainWall(Host host, long life) {
        host.wallCommands.add(() -> {
            if (host.primary == null || host.agentLife != life) {
                return;
            }
            if (mayRelease(host)) {
                drainWall(host, life);
            } else {
                runPrimary(host, host.primary.onWallDrained());
            }
        });
    }

    private void endLease(Host host, BufferWall wall) {
        if (wall.sealIfLeaseEnded(nowNanos)) {
            note(host.name + " wall seals itself");
            keepSealed(host, wall.term(), true);
        }
    }

    private void sealWall(Host host, Term term) {
        BufferWall wall = host.wall;
        if (wall != null) {
            endLease(host, wall);
            wall.seal(term, "sealed");
        }
        keepSealed(host, term, wall != null && wall.isSealedByLease());
    }

    private static void keepSealed(Host host, Term term, boolean byLease) {
        host.disk.wallTerm = term;
        host.disk.wallSealed = true;
        host.disk.wallSealedByLease = byLease;
    }

    private interface WallCommand {
        void on(BufferWall wall) throws WallRefusal;
    }

    /** Sends a command over the control socket; it arrives later, or never if either end dies before. */
    private void wallCommand(Host host, WallCommand command) {
        BufferWall addressed = host.wall;
        host.wallCommands.add(() -> {
            BufferWall wall = host.wall;
            if (wall == null || wall != addressed) {
                return;
            }
            try {
                command.on(wall);
            } catch (WallRefusal refusal) {
                lossesOnPurpose++;
                note(host.name + " wall refuses: " + refusal.getMessage());
                if (refusal.reason() != WallRefusal.Reason.LEASE_EXPIRED) {
                    connectToWallAnew(host);
                }
            }
        });
    }

    /** As the shell does after a refusal: whoever displaced us, or a restart, shows in the answer to hello. */
    private void connectToWallAnew(Host host) {
        if (host.primary != null) {
            runPrimary(host, host.primary.onWallDown(nowNanos));
            sayHello(host);
        }
    }

    private void run(Host host, List<BackupEffect> effects) {
        for (BackupEffect effect : effects) {
            BackupRole role = host.backup;
            if (role == null) {
                return;
            }
            perform(host, role, effect);
        }
    }

    private void perform(Host host, BackupRole role, BackupEffect effect) {
        long life = host.agentLife;
        if (!(effect instanceof BackupEffect.Apply)) {
            note(host.name + " " + effect);
        }
        switch (effect) {
            case BackupEffect.StartStandby start -> startStandby(host, role);
            case BackupEffect.StoreTerm store ->
                host.engine.add(() -> {
                    if (host.diskIsFull) {
                        run(host, role.onTermNotStored(store.term(), "test", nowNanos));
                        return;
                    }
                    if (!store.term().equals(host.disk.term)) {
                        host.disk.storeTerm(store.term());
                    }
                    run(host, role.onTermStored(store.term(), nowNanos));
                });
            case BackupEffect.ClaimTerm claim ->
                host.engine.add(() -> {
                    if (host.diskIsFull) {
                        run(host, role.onTermNotStored(claim.term(), "test", nowNanos));
                        return;
                    }
                    host.disk.storeTerm(claim.term());
                    host.disk.onlyClaimed = true;
                    run(host, role.onTermStored(claim.term(), nowNanos));
                });
            case BackupEffect.StoreServiceBegun begun ->
                host.engine.add(() -> {
                    if (host.diskIsFull) {
                        run(host, role.onServiceBegunNotStored("test", nowNanos));
                        return;
                    }
                    host.disk.onlyClaimed = sabotage == Sabotage.FORGO_AFTER_SERVICE;
                    run(host, role.onServiceBegunStored());
                });
            case BackupEffect.StoreForgone forgone -> storeForgone(host, role);
            case BackupEffect.SendWelcome welcome -> {
                if (!host.disk.term.equals(welcome.term())) {
                    violations.add(host.name + " follows " + welcome.term() + ", which is not on its disk");
                }
                send(
                        host,
                        welcome.session(),
                        new Message.Welcome(
                                welcome.term(),
                                sabotage == Sabotage.TRUST_ANY_BACKUP ? "" : host.disk.identity(),
                                welcome.armed()));
            }
            case BackupEffect.SendRefusal refusal -> {
                Connection c = connection;
                if (c != null && c.session == refusal.session()) {
                    c.toPrimary.add(new Message.Refusal(refusal.errorClass(), refusal.term()));
                }
            }
            case BackupEffect.Confirm confirm -> {
                if (sabotage == Sabotage.PROMOTE_UNARMED) {
                    run(host, role.onArmed(confirm.session()));
                    if (nowNanos % 4 == 0) {
                        return;
                    }
                }
                send(host, confirm.session(), new Message.Confirm(confirm.epoch()));
                if (sabotage == Sabotage.RELINQUISH_AND_KEEP && nowNanos % 4 == 0) {
                    send(host, confirm.session(), new Message.Relinquish());
                }
            }
            case BackupEffect.Apply apply -> {}
            case BackupEffect.Relinquish relinquish -> {
                Connection c = connection;
                if (c != null && c.session == relinquish.session()) {
                    c.toPrimary.add(new Message.Relinquish());
                    c.closedForPrimary = true;
                }
            }
            case BackupEffect.CloseSession close -> {
                Connection c = connection;
                if (c != null && c.session == close.session()) {
                    c.closedForPrimary = true;
                }
            }
            case BackupEffect.OwnWall own -> ownWallForPromotion(host, role, life, own);
            // No guest speaks elsewhere, unless the promotion is wrong, which this must not hide.
            case BackupEffect.ProbeAddresses probe ->
                host.wallCommands.add(() -> {
                    if (host.agentLife == life && host.agentAlive) {
                        run(host, role.onProbeUnanswered());
                    }
                });
            case BackupEffect.AbandonGuest abandon -> {
                sealWall(host, role.term());
                host.engine.add(() -> {
                    if (host.guest != null) {
                        violations.add(host.name + " abandons its guest");
                    }
                    run(host, role.onGuestAbandoned());
                });
            }
            case BackupEffect.RestoreGuest restore ->
                host.engine.add(() -> {
                    GuestState at = host.checkpoints.get(restore.epoch());
                    if (at == null) {
                        violations.add(
                                host.name + " promotes checkpoint " + restore.epoch() + ", which it does not have");
                        return;
                    }
                    if (host.startsNoGuest) {
                        run(host, role.onGuestNotStarted("test", nowNanos));
                        return;
                    }
                    if (host.failsToRestore) {
                        host.failsToRestore = false;
                        run(host, role.onRestoreFailed("test"));
                        return;
                    }
                    branches.add(at);
                    promotions++;
                    note("promotion at " + at);
                    if (newestSeen.getOrDefault(at.history(), 0) > at.number()) {
                        violations.add("clients have seen " + newestSeen.get(at.history()) + " of history "
                                + at.history() + ", but the promoted guest is at " + at);
                    }
                    host.guest = new GuestState(nextHistory++, 0);
                    host.guestPaused = false;
                    run(host, role.onGuestRestored());
                });
            case BackupEffect.OpenWallAndAnnounce open ->
                openWall(host, role.term(), open.reason(), open.leaseUntilNanos());
            case BackupEffect.AskArbiter ask -> claim(host, ask.claim());
            case BackupEffect.Fence fence ->
                host.engine.add(() -> {
                    if (!fencesAlways && nowNanos % 3 == 0) {
                        run(host, role.onFenceFailed("no power switch", nowNanos));
                    } else {
                        crashHost(other(host));
                        run(host, role.onFenced(nowNanos));
                    }
                });
            case BackupEffect.BecomePrimary become -> {
                host.backup = null;
                host.checkpoints.clear();
                host.primary = newPrimaryRole(host, become.lastEpoch(), become.aloneRight());
                lookForGuest(host, host.primary);
                BufferWall wall = host.wall;
                if (wall != null && host.wallOwnedByLife == life) {
                    runPrimary(host, host.primary.onWallUp(wall.openEpoch(), nowNanos));
                }
            }
            case BackupEffect.Note text -> {}
        }
    }

    /** Tries until it is written. */
    private void storeForgone(Host host, BackupRole role) {
        host.engine.add(() -> {
            if (host.diskIsFull) {
                storeForgone(host, role);
            } else {
                host.disk.forgone = true;
                run(host, role.onForgone());
            }
        });
    }

    /** Not over a guest that runs there still, and that its agent has forgotten with its disk. */
    private void startStandby(Host host, BackupRole role) {
        host.engine.add(() -> {
            if (host.guest == null) {
                run(host, role.onStandbyReady());
            } else {
                startStandby(host, role);
            }
        });
    }

    private void ownWallForPromotion(Host host, BackupRole role, long life, BackupEffect.OwnWall own) {
        host.wallCommands.add(() -> {
            if (host.agentLife != life || !host.agentAlive || host.wall == null) {
                return;
            }
            try {
                hello(host, host.wall, life, own.term(), own.openEpochAtLeast());
                host.disk.wallTerm = own.term();
                host.disk.wallSealed = false;
                host.wallOwnedByLife = life;
                run(host, role.onWallOwned());
            } catch (WallRefusal refusal) {
                note(host.name + " wall refuses: " + refusal.getMessage());
            }
        });
    }

    private void hello(Host host, BufferWall wall, long life, Term term, long openEpochAtLeast) throws WallRefusal {
        // What an earlier guest on this host left in the kernel must get a stamp of the old term.
        if (sabotage != Sabotage.HELLO_WITHOUT_DRAIN) {
            drain(host);
        }
        wall.hello(life, term, openEpochAtLeast);
        host.pressureReported = false;
        host.heldReportedOfEpoch = Epoch.NONE;
    }

    private void drain(Host host) {
        while (host.stampedFrame != null || !host.inKernel.isEmpty()) {
            captureStep(host);
        }
    }

    // ---- life and death ----

    private PrimaryRole newPrimaryRole(Host host, long lastEpoch) {
        boolean uncontested = host.disk.term.number() == 1 || host.disk.relinquished;
        return newPrimaryRole(host, lastEpoch, uncontested ? AloneRight.uncontested() : AloneRight.toBeClaimed());
    }

    private PrimaryRole newPrimaryRole(Host host, long lastEpoch, AloneRight right) {
        PrimaryRole.Settings settings = new PrimaryRole.Settings(50 * MILLI, 30, 3, 100 * MILLI, 100 * MILLI);
        Disk disk = host.disk;
        boolean servesAlone = !disk.armed && (disk.term.number() > 1 || passBeforeArming || disk.relinquished);
        PrimaryRole.Beginning beginning =
                new PrimaryRole.Beginning(disk.term, lastEpoch, disk.armed, disk.armedBackup, servesAlone);
        return guard.arbitrates()
                ? PrimaryRole.withArbiter(settings, beginning, PATIENCE.graceNanos(), right)
                : PrimaryRole.withoutArbiter(settings, beginning);
    }

    void startAgent(Host host) {
        boolean owner = host.disk.term.owner().equals(host.name);
        boolean forgoes = owner && host.disk.onlyClaimed && !host.disk.forgone;
        if (host.agentAlive || (forgoes && host.diskIsFull)) {
            return;
        }
        host.disk.forgone |= forgoes;
        if (owner && !host.disk.forgone) {
            host.agentAlive = true;
            host.agentLife++;
            host.primary = newPrimaryRole(host, Epoch.NONE);
            sayHello(host);
            lookForGuest(host, host.primary);
        } else {
            startAgentAsBackup(host);
        }
    }

    /** Also of a term of its own, if a newer one could not be written. */
    private void startAgentAsBackup(Host host) {
        host.agentAlive = true;
        host.agentLife++;
        Safeguards safeguards = new Safeguards(guard.arbitrates(), guard == Guard.ARBITER_AND_FENCE, true);
        host.backup = new BackupRole(host.name, host.disk.term, host.disk.forgone, PATIENCE, safeguards);
        run(host, host.backup.onStart());
    }

    /** That takes time, and nothing else waits for it. Only a backup that is armed gains from knowing that there is none. */
    private void lookForGuest(Host host, PrimaryRole role) {
        host.connects = false;
        host.engine.add(() -> {
            host.connects = host.guest != null || host.disk.armed;
            if (host.guest != null) {
                runPrimary(host, role.onStart(host.guestPaused, nowNanos));
            } else if (host.connects) {
                runPrimary(host, role.onStartWithoutGuest());
            }
        });
    }

    /** Of a guest that goes on alone; its wall is up, or says hello when it is. */
    private void sayHelloOf(Host host, Term term) {
        long life = host.agentLife;
        PrimaryRole role = host.primary;
        wallCommand(host, wall -> {
            if (role == host.primary && role != null) {
                hello(host, wall, life, term, role.lastEpoch() + 1);
                host.disk.wallTerm = term;
                host.disk.wallSealed = false;
                host.wallOwnedByLife = life;
                runPrimary(host, role.onWallUp(wall.openEpoch(), nowNanos));
            }
        });
    }

    private void sayHello(Host host) {
        long life = host.agentLife;
        host.wallCommands.add(() -> {
            PrimaryRole role = host.primary;
            BufferWall wall = host.wall;
            if (wall == null || role == null || !host.agentAlive || host.agentLife != life) {
                return;
            }
            try {
                hello(host, wall, life, role.term(), role.lastEpoch() + 1);
                host.disk.wallTerm = role.term();
                host.disk.wallSealed = false;
                host.wallOwnedByLife = life;
                runPrimary(host, role.onWallUp(wall.openEpoch(), nowNanos));
            } catch (WallRefusal refusal) {
                note(host.name + " wall refuses: " + refusal.getMessage());
                if (wall.isSealedByLease() && wall.term().equals(role.term())) {
                    runPrimary(host, role.onLeaseSealed());
                }
            }
        });
    }

    private void stopAgent(Host host) {
        host.agentAlive = false;
        host.primary = null;
        host.backup = null;
        host.engine.clear();
        host.claims.clear();
        host.checkpoints.clear();
        if (host.wall != null) {
            long life = host.agentLife;
            BufferWall wall = host.wall;
            host.wallCommands.add(() -> wall.ownerLost(life)); // after the commands that are already in the socket
        }
        Connection c = connection;
        if (c != null && c.primary == host) {
            c.closedForBackup = true;
            connection = null;
            if (!cut && c.backup.backup != null) {
                endOfFileAfter(c);
            }
        } else if (c != null && c.backup == host) {
            c.closedForPrimary = true;
        }
    }

    /** What had been sent still arrives before the end of file. */
    private void endOfFileAfter(Connection c) {
        while (!c.toBackup.isEmpty() && nowNanos % 2 == 0) {
            backupReceives(c, c.backup, c.toBackup.remove());
        }
        if (c.backup.backup != null) {
            run(c.backup, c.backup.backup.onSessionLost(c.session, nowNanos));
        }
    }

    void crashAgent(Host host) {
        if (host.agentAlive) {
            note("CRASH agent " + host.name);
            stopAgent(host);
        }
    }

    void crashProxy(Host host) {
        if (host.wall != null) {
            note("CRASH proxy " + host.name);
            host.wall = null;
            host.wallCommands.clear();
            host.ring.clear();
            host.ringStamps.clear();
            host.inKernel.clear();
            host.stampedFrame = null;
            if (host.primary != null) {
                runPrimary(host, host.primary.onWallDown(nowNanos));
            }
        }
    }

    void startProxy(Host host) {
        if (host.wall == null) {
            String incarnation = host.name + host.nextIncarnation++;
            host.wall = host.disk.wallSealed && host.disk.wallSealedByLease
                    ? BufferWall.sealedByLease(incarnation, host.disk.wallTerm)
                    : new BufferWall(incarnation, host.disk.wallTerm, host.disk.wallSealed);
            host.wallOwnedByLife = 0;
            if (host.primary != null) {
                sayHello(host);
            }
        }
    }

    void crashHost(Host host) {
        note("CRASH host " + host.name);
        host.guest = null;
        host.guestPaused = false;
        crashAgent(host);
        crashProxy(host);
        host.frozen = false;
    }

    /** It comes back as one that has never seen a term. */
    void loseDisk(Host host) {
        if (!host.agentAlive && host.wall == null) {
            note("LOSS of the disk of " + host.name);
            host.disk = new Disk(Term.none(), host.disk.identity + 1);
        }
    }

    void killHypervisor(Host host) {
        if (host.guest != null) {
            note("KILL hypervisor of " + host.name);
            host.guest = null;
            host.guestPaused = false;
            if (host.primary != null && host.primary.deposes()) {
                runPrimary(host, host.primary.onHypervisorGone());
            }
        }
    }

    /** The backup's hypervisor, with the memory of its checkpoints. */
    void killStandby(Host host) {
        if (host.backup != null) {
            note("KILL standby of " + host.name);
            List<BackupEffect> effects = host.backup.onStandbyLost("killed");
            if (!effects.isEmpty()) { // Too late to be noticed in a promotion.
                host.checkpoints.clear();
            }
            run(host, effects);
        }
    }

    /** In an orderly way; a primary's is as good as a crash. */
    void stopBackupAgent(Host host) {
        if (host.agentAlive && host.backup != null) {
            note("STOP agent " + host.name);
            run(host, host.backup.onStop("test"));
            stopAgent(host);
        }
    }

    void switchOver(Host host) {
        PrimaryRole role = host.primary;
        if (role != null && role.whyNotSwitchOver().isEmpty()) {
            note("SWITCHOVER from " + host.name);
            runPrimary(host, role.onSwitchoverAsked("test", nowNanos));
        }
    }

    /** What clients have not seen of that history up to there. */
    int unseenBefore(GuestState state) {
        return state.number() - newestSeen.getOrDefault(state.history(), 0);
    }

    List<GuestState> branches() {
        return branches;
    }

    void cutNetwork() {
        note("CUT");
        cut = true;
        cutNanos = nowNanos;
    }

    void healNetwork() {
        if (cut) {
            note("HEAL");
            cut = false;
            Connection c = connection;
            if (c != null) {
                c.toBackup.clear();
                c.toPrimary.clear();
                c.closedForBackup = true;
                c.closedForPrimary = true;
            }
        }
    }

    String describe() {
        return describe(a) + "; " + describe(b) + "; connection " + (connection != null) + ", cut " + cut;
    }

    private String describe(Host host) {
        return "%s: guest %s%s, wall %s, primary %s, backup %s"
                .formatted(
                        host.name,
                        host.guest,
                        host.guestPaused ? " paused" : "",
                        host.wall == null ? "dead" : host.wall.state(),
                        host.primary == null ? "no" : "epoch " + host.primary.lastEpoch(),
                        host.backup == null ? "no" : host.backup.whyNotPromote());
    }
}
