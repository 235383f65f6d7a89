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
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What the wall must remember over a restart: the highest term that it has seen, and whether that was sealed (INV-7). */
final class WallTerms {

    private static final Logger LOG = LoggerFactory.getLogger(WallTerms.class);
    private static final String FILE_NAME = "wall-term";

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
        return new BufferWall(incarnation, term, last.map(TermRecord::sealed).orElse(false));
    }

    /**
     * Returns when this is on disk.
     *
     * @throws CommandException if it is not; whatever the term was needed for must not happen then
     */
    void keep(Term term, boolean sealed) throws CommandException {
        if (term.number() == 0) {
            return; // A wall that never had a term begins as one anyway.
        }
        TermRecord record = new TermRecord(term.number(), word(term.claim()), term.owner(), sealed);
        if (file.term().filter(record::equals).isPresent()) {
            return;
        }
        try {
            file.store(record);
        } catch (TermFileException | StaleTermException e) {
            LOG.error("term {} cannot be kept", record, e);
            throw new CommandException(
                    "TermNotKept", "the term is not on disk, so it does not count: " + e.getMessage());
        }
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
