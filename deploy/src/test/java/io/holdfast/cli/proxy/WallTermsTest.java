package io.holdfast.cli.proxy;

import static org.assertj.core.api.Assertions.assertThat;

import io.holdfast.control.TermFile;
import io.holdfast.control.TermRecord;
import io.holdfast.wall.BufferWall;
import io.holdfast.wall.Term;
import io.holdfast.wall.WallState;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class WallTermsTest {

    private static final Term ALONE = new Term(3, Term.Claim.ALONE, "a");

    @TempDir
    Path directory;

    @Test
    void shouldRememberThatALeaseHasSealedTheWall() throws Exception {
        WallTerms terms = WallTerms.open(directory);
        terms.keep(ALONE, false, false);
        terms.keep(ALONE, true, true);
        BufferWall restarted = WallTerms.open(directory).wall("a0");
        assertThat(restarted.state()).isEqualTo(WallState.SEALED);
        assertThat(restarted.isSealedByLease()).isTrue();
    }

    @Test
    void shouldForgetTheLeaseOfAnEarlierTerm() throws Exception {
        WallTerms terms = WallTerms.open(directory);
        terms.keep(ALONE, true, true);
        terms.keep(ALONE.aloneOf("a"), false, false);
        assertThat(WallTerms.open(directory).wall("a0").isSealedByLease()).isFalse();
        terms.keep(ALONE.aloneOf("a"), true, false);
        assertThat(WallTerms.open(directory).wall("a1").isSealedByLease()).isFalse();
    }

    /** It keeps what it does not know. */
    @Test
    void shouldForgetTheLeaseOfAnEarlierTermThatAnOlderHoldfastHasCarriedOver() throws Exception {
        WallTerms.open(directory).keep(ALONE, true, true);
        TermFile.open(directory.resolve("wall-term")).store(new TermRecord(4, TermRecord.ALONE, "a", true));
        BufferWall restarted = WallTerms.open(directory).wall("a0");
        assertThat(restarted.state()).isEqualTo(WallState.SEALED);
        assertThat(restarted.isSealedByLease()).isFalse();
    }

    @Test
    void shouldReadAFileThatSaysNothingOfLeases() throws Exception {
        TermFile.open(directory.resolve("wall-term")).store(new TermRecord(3, TermRecord.ALONE, "a", true));
        BufferWall restarted = WallTerms.open(directory).wall("a0");
        assertThat(restarted.state()).isEqualTo(WallState.SEALED);
        assertThat(restarted.isSealedByLease()).isFalse();
    }
}
