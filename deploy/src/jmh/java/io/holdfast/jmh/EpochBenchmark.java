package io.holdfast.jmh;

import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/**
 * How long frames wait for a barrier, a commit, and for the turn of what the commit leaves to be done, when every connection
 * has asked in the epoch.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class EpochBenchmark {

    @Param({"1000", "100000"})
    public int connections;

    @SuppressWarnings("NullAway.Init") // open() does.
    private Connections clients;

    @Setup
    public void open() {
        clients = new Connections(connections);
    }

    @TearDown
    public void close() {
        clients.close();
    }

    @Setup(Level.Invocation)
    public void ask() {
        clients.commit(1);
        for (int connection = 0; connection < connections; connection++) {
            clients.askAndAnswer(connection);
        }
    }

    @Benchmark
    public void barrier() {
        clients.barrier();
    }

    @Benchmark
    public void barrierAndCommit() {
        clients.barrier();
        clients.commit(1);
    }

    @Benchmark
    public void barrierAndCommitAndTime() {
        clients.barrier();
        clients.commit(1);
        clients.reconciler().onTime(0);
    }
}
