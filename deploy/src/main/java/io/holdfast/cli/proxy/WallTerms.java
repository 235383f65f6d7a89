package io.holdfast.cli.proxy;

import io.holdfast.control.CommandException;
import io.holdfast.control.StaleTermException;
import io.holdfast.control.TermFile;
import io.holdfast.control.TermFileException;
import io.holdfast.control.TermRecord;
import io.holdfast.wall.BufferWall;
import io.holdfast.wall.Term;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What the wall must remember over a restart: the highest term that it has seen, and whether that was sealed (INV-7), and by a lease
 * that had run out, which lets the same host go on under a newer one.
 */
final class WallTerms {

    private static final Logger LOG = LoggerFactory.getLogger(WallTerms.class);
    private static final String FILE_NAME = "wall-term";
    /** The number of the term whose lease had run out: an older Holdfast carries it over to newer terms. */
    private static final String SEALED_BY_LEASE = "sealed-by-lease";

    private final TermFile file;

    private WallTerms(TermFile file) {
        this.file = file;
    }

    static WallTerms open(Path stateDirectory) throws TermFileException {
        return new WallTerms(TermFile.open(stateDirectory.resolve(FILE_NAME)));
    }

    /** A wall that begins where the last one ended. */
    BufferWall wall(String incarnation) {
        Optional<TermRecord> last = file.term();
        Term term = last.map(WallTerms::term).orElse(Term.none());
        boolean sealed = last.map(TermRecord::sealed).orElse(false);
        String leaseEndedOf = file.properties().getOrDefault(SEALED_BY_LEASE, "");
        return sealed && leaseEndedOf.equals(Long.toString(term.number()))
                ? BufferWall.sealedByLease(incarnation, term)
                : new BufferWall(incarnation, term, sealed);
    }

    /**
     * Returns when this is on disk.
     *
     * @param byLease whether it is sealed because a lease had run out
     * @throws CommandException if it is not; whatever the term was needed for must not happen then
     */
    void keep(Term term, boolean sealed, boolean byLease) throws CommandException {
        if (term.number() == 0) {
            return; // A wall that never had a term begins as one anyway.
        }
        TermRecord record = new TermRecord(term.number(), word(term.claim()), term.owner(), sealed);
        Map<String, String> properties = properties(term, byLease);
        if (file.term().filter(record::equals).isPresent() && file.properties().equals(properties)) {
            return;
        }
        try {
            file.store(record, properties);
        } catch (TermFileException | StaleTermException e) {
            LOG.error("term {} cannot be kept", record, e);
            throw new CommandException(
                    "TermNotKept", "the term is not on disk, so it does not count: " + e.getMessage());
        }
    }

    private static Map<String, String> properties(Term term, boolean byLease) {
        return byLease ? Map.of(SEALED_BY_LEASE, Long.toString(term.number())) : Map.of();
    }

    /** How the control protocol and the file write a claim. */
    static String word(Term.Claim claim) {
        return claim.name().toLowerCase(Locale.ROOT);
    }

    private static Term term(TermRecord record) {
        Term.Claim claim = record.claim().equals(TermRecord.PROMOTION) ? Term.Claim.PROMOTION : Term.Claim.ALONE;
        return new Term(record.number(), claim, record.owner());
    }
}
