package io.holdfast.jmh;

import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/**
 * A request and its answer in reverse mode, recorded, by how many connections are open. Who asks is drawn at random, so that
 * the processor's caches do not have the ledger; epochs end as often as with 100,000 requests and two epochs a second. With many
 * connections frames come in batches; then what they need is fetched together.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class ReconcilerBenchmark {

    private static final int REQUESTS_OF_EPOCH = 50_000;
    private static final int REQUESTS = 32;

    @Param({"1", "1000", "100000"})
    public int connections;

    /** How many requests come together. */
    @Param({"1", "32"})
    public int batch;

    @SuppressWarnings("NullAway.Init") // open() does.
    private Connections clients;

    private int[] asking = {};
    private long random = 1;
    private int requests;

    @Setup
    public void open() {
        clients = new Connections(connections);
        asking = new int[batch];
    }

    @TearDown
    public void close() {
        clients.close();
    }

    @Benchmark
    @OperationsPerInvocation(REQUESTS)
    public void askAndAnswer() {
        for (int left = REQUESTS; left > 0; left -= batch) {
            for (int place = 0; place < batch; place++) {
                asking[place] = draw();
            }
            if (batch == 1) {
                clients.askAndAnswer(asking[0]);
            } else {
                clients.askAndAnswer(asking);
            }
        }
        requests += REQUESTS;
        if (requests >= REQUESTS_OF_EPOCH) {
            requests = 0;
            clients.barrier();
            clients.commit(2);
        }
    }

    private int draw() {
        random = random * 6_364_136_223_846_793_005L + 1_442_695_040_888_963_407L;
        return (int) ((random >>> 33) % connections);
    }
}
