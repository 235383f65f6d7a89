package io.holdfast.jmh;

import io.holdfast.wall.BufferWall;
import io.holdfast.wall.Epoch;
import io.holdfast.wall.Term;
import io.holdfast.wall.WallRefusal;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;

/** What the wall is asked for every frame, and what it is told for every epoch. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class BufferWallBenchmark {

    private static final String INCARNATION = "bench";
    private static final long OWNER = 1;
    private static final long TERM = 1;

    private final BufferWall wall = new BufferWall(INCARNATION, Term.none(), false);

    @Setup
    public void own() throws WallRefusal {
        wall.hello(OWNER, new Term(TERM, Term.Claim.PROMOTION, "bench"), Epoch.FIRST);
        barrierAndCommit();
    }

    /** The stamp of a frame, and whether it may leave. */
    @Benchmark
    public boolean stampAndCheckFrontier() {
        long stamp = wall.openEpoch();
        return stamp <= wall.releaseThrough() && stamp > wall.discardThrough();
    }

    @Benchmark
    public long barrierAndCommit() throws WallRefusal {
        long closed = wall.barrier(OWNER, INCARNATION, TERM);
        return wall.commit(OWNER, INCARNATION, TERM, closed, 1, 0);
    }
}
