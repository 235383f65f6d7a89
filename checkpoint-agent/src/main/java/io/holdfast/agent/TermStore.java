package io.holdfast.agent;

import io.holdfast.control.StaleTermException;
import io.holdfast.control.TermFile;
import io.holdfast.control.TermFileException;
import io.holdfast.control.TermRecord;
import io.holdfast.wall.Term;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;

/**
 * What an agent must know again after it was restarted: the term, whether a backup of it may promote, and which proxy has the
 * uplink under it. All of it is replaced at once, so that no term is ever addressed to the wrong wall.
 *
 * <p><b>Threads.</b> All methods may be called by any thread.
 */
final class TermStore {

    /** That the uplink was never taken under a term in which connections became unknown. */
    static final long NEVER = 0;

    private static final String FILE_NAME = "agent-term";
    private static final String ARMED = "backup-armed";
    private static final String RELINQUISHED = "backup-relinquished";
    private static final String RESTORED = "guest-restored";
    private static final String TAKEN = "uplink-taken";
    private static final String UNKNOWN_SINCE = "numbering-lost-in";
    private static final String SERVICE = "service";
    private static final String IDENTITY = "identity";
    private static final String ARMED_BACKUP = "armed-backup";

    /** What the guest has to do with the term, by the knowledge of its owner. */
    private enum Service {
        /** It may have run under it. */
        BEGUN,
        /** It has not yet. */
        CLAIMED,
        /** It has not, or that is over, and it never will. */
        FORGONE
    }

    /** All that is stored with a term. */
    private record Standing(
            String identity,
            Optional<String> armedBackup,
            boolean relinquished,
            Service service,
            boolean restored,
            boolean taken,
            long numberingLostIn) {

        /** Of files of earlier versions the worse is assumed. */
        static Standing of(Map<String, String> words) {
            boolean armed = Boolean.parseBoolean(words.getOrDefault(ARMED, "false"));
            return new Standing(
                    words.getOrDefault(IDENTITY, ""),
                    armed ? Optional.of(words.getOrDefault(ARMED_BACKUP, "")) : Optional.empty(),
                    Boolean.parseBoolean(words.getOrDefault(RELINQUISHED, "false")),
                    Service.valueOf(
                            words.getOrDefault(SERVICE, Service.BEGUN.name()).toUpperCase(Locale.ROOT)),
                    Boolean.parseBoolean(words.getOrDefault(RESTORED, "true")),
                    Boolean.parseBoolean(words.getOrDefault(TAKEN, "false")),
                    Long.parseLong(words.getOrDefault(UNKNOWN_SINCE, "0")));
        }

        Map<String, String> words() {
            return Map.of(
                    IDENTITY, identity.isEmpty() ? UUID.randomUUID().toString() : identity,
                    ARMED, Boolean.toString(armedBackup.isPresent()),
                    ARMED_BACKUP, armedBackup.orElse(""),
                    RELINQUISHED, Boolean.toString(relinquished),
                    SERVICE, service.name().toLowerCase(Locale.ROOT),
                    RESTORED, Boolean.toString(restored),
                    TAKEN, Boolean.toString(taken),
                    UNKNOWN_SINCE, Long.toString(numberingLostIn));
        }

        /** Of a guest that was started here. */
        Standing atFirst() {
            return new Standing(identity, Optional.empty(), false, Service.BEGUN, false, false, NEVER);
        }

        /** Of a guest that goes on alone nothing changes; that of a promotion is restored. */
        Standing under(Term next, Service service) {
            boolean restoredThen = restored || next.claim() == Term.Claim.PROMOTION;
            return new Standing(identity, Optional.empty(), false, service, restoredThen, taken, numberingLostIn);
        }

        Standing with(Service now) {
            return new Standing(identity, armedBackup, relinquished, now, restored, taken, numberingLostIn);
        }

        Standing withArmed(String backup) {
            return new Standing(identity, Optional.of(backup), false, service, restored, taken, numberingLostIn);
        }

        Standing withRelinquished() {
            return new Standing(identity, Optional.empty(), true, service, restored, taken, numberingLostIn);
        }

        Standing withTaken(long lostIn) {
            return new Standing(identity, armedBackup, relinquished, service, restored, true, lostIn);
        }

        Standing withGivenBack() {
            return new Standing(identity, armedBackup, relinquished, service, true, false, NEVER);
        }
    }

    private final TermFile file;

    private TermStore(TermFile file) {
        this.file = file;
    }

    static TermStore open(Path stateDirectory) throws TermFileException {
        return new TermStore(TermFile.open(stateDirectory.resolve(FILE_NAME)));
    }

    /** The highest term that this host has seen; {@link Term#none()} before the first. */
    Term term() {
        return file.term()
                .map(stored -> new Term(stored.number(), WallLink.claim(stored.claim()), stored.owner()))
                .orElse(Term.none());
    }

    /**
     * Tells a host that remembers from one that has lost its memory, or has come in another's place: a random text, made with the
     * first thing that is stored here. Empty before.
     */
    String identity() {
        return standing().identity();
    }

    /** Whether a backup of this term was ever told that it may promote. */
    boolean isBackupArmed() {
        return standing().armedBackup().isPresent();
    }

    /** The {@link #identity} of that backup; empty if it is not known. */
    String armedBackup() {
        return standing().armedBackup().orElse("");
    }

    /** Whether a backup that was armed has promised not to promote, and none was armed since. */
    boolean isRelinquished() {
        return standing().relinquished();
    }

    /** Whether this host has claimed the term, and no guest has run under it. */
    boolean isOnlyClaimed() {
        return standing().service() == Service.CLAIMED;
    }

    /** Whether this host owns the term, and will never run the guest under it. */
    boolean isForgone() {
        return standing().service() == Service.FORGONE;
    }

    /** Whether this host's proxy has taken the uplink from the peer's, whatever the configuration says. */
    boolean isUplinkTaken() {
        return standing().taken();
    }

    /**
     * Whether the guest may have been restored from a checkpoint since it was started, so that its connections may have other
     * numbers than their clients know.
     */
    boolean isGuestRestored() {
        return standing().restored();
    }

    /**
     * The number of the term under which the uplink was taken from a proxy that alone knew how connections were numbered, or
     * {@link #NEVER}.
     */
    long numberingLostIn() {
        return standing().numberingLostIn();
    }

    /** Stores the term of a guest that is started for the first time. On disk when this returns. */
    synchronized void storeFirst(Term first) throws TermFileException, StaleTermException {
        write(first, standing().atFirst());
    }

    /** Stores a higher term, of which no backup is armed yet. On disk when this returns. */
    synchronized void store(Term next) throws TermFileException, StaleTermException {
        write(next, standing().under(next, Service.BEGUN));
    }

    /** Stores a higher term that this host claims, before a guest runs under it. On disk when this returns. */
    synchronized void storeClaimed(Term next) throws TermFileException, StaleTermException {
        write(next, standing().under(next, Service.CLAIMED));
    }

    /** Stores that the guest may have run under this term from now on. On disk when this returns. */
    synchronized void storeServiceBegun() throws TermFileException, StaleTermException {
        write(term(), standing().with(Service.BEGUN));
    }

    /** Stores that the guest will never run here under this term. On disk when this returns. */
    synchronized void storeForgone() throws TermFileException, StaleTermException {
        write(term(), standing().under(term(), Service.FORGONE));
    }

    /**
     * Stores that a backup of this term may promote from now on. On disk when this returns.
     *
     * @param backup its {@link #identity}
     */
    synchronized void storeArmed(String backup) throws TermFileException, StaleTermException {
        write(term(), standing().withArmed(backup));
    }

    /** Stores that no backup of this term may promote, by its own promise. On disk when this returns. */
    synchronized void storeRelinquished() throws TermFileException, StaleTermException {
        write(term(), standing().withRelinquished());
    }

    /**
     * Stores a term, the newest or a higher one, under which this host's proxy has the uplink. On disk when this returns.
     *
     * <p>Whoever was restored behind the other proxy is unknown to this one (INV-12).
     */
    synchronized void storeTaken(Term under) throws TermFileException, StaleTermException {
        Standing now = standing();
        Standing next = now.under(under, under.equals(term()) ? now.service() : Service.BEGUN);
        write(under, next.withTaken(next.restored() ? under.number() : NEVER));
    }

    /** Stores that the peer's proxy has the uplink again, for a guest that is restored behind it. */
    synchronized void storeGivenBack() throws TermFileException, StaleTermException {
        write(term(), standing().withGivenBack());
    }

    private Standing standing() {
        return Standing.of(file.properties());
    }

    private void write(Term next, Standing standing) throws TermFileException, StaleTermException {
        file.store(new TermRecord(next.number(), WallLink.claim(next), next.owner(), false), standing.words());
    }
}
