package io.holdfast.demo.bench;

import io.holdfast.cli.bench.EngineSession;
import io.holdfast.control.CommandException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import java.util.concurrent.locks.LockSupport;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * An engine without a guest: the wall gets a barrier at every interval, and the commit of the epoch before with it, as if a
 * backup had confirmed it meanwhile. With interval 0 it opens the wall and ends.
 */
@Command(name = "synthetic-engine", mixinStandardHelpOptions = true, description = "Drives a wall without a guest.")
final class SyntheticEngine implements Callable<Integer> {

    @Option(names = "--socket", required = true, description = "the proxy's control socket")
    private Path socket = Path.of("");

    @Option(names = "--interval-millis", required = true, description = "between two barriers; 0 opens the wall")
    private int intervalMillis;

    public static void main(String[] arguments) {
        System.exit(new CommandLine(new SyntheticEngine()).execute(arguments));
    }

    @Override
    public Integer call() throws IOException, CommandException {
        try (EngineSession wall = EngineSession.own(socket)) {
            if (intervalMillis == 0) {
                wall.open();
                System.out.println("open");
            } else {
                drive(wall);
            }
            return 0;
        }
    }

    private void drive(EngineSession wall) throws IOException, CommandException {
        long closed = wall.barrier();
        System.out.println("driving");
        long nextNanos = System.nanoTime();
        while (true) {
            nextNanos += intervalMillis * 1_000_000L;
            LockSupport.parkNanos(nextNanos - System.nanoTime());
            wall.commit(closed);
            closed = wall.barrier();
        }
    }
}
