package io.holdfast.agent.link;

import io.holdfast.agent.link.LinkMessage.CheckpointRecord;
import io.holdfast.agent.link.LinkMessage.Confirm;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;

/**
 * Measures how fast full checkpoints of random memory cross loopback: copied, digested, sent, received, digested,
 * staged, confirmed. Arguments: MiB of memory, number of checkpoints.
 */
final class LinkThroughput {

    private LinkThroughput() {}

    public static void main(String[] arguments) throws Exception {
        long bytes = (arguments.length > 0 ? Long.parseLong(arguments[0]) : 96) << 20;
        int rounds = arguments.length > 1 ? Integer.parseInt(arguments[1]) : 12;
        Path keys = Files.createTempDirectory("holdfast-throughput");
        List<Path> files = KeyMaker.make(keys, List.of("a", "b"), 1, Instant.now());
        try {
            measure("plain", LinkSecurity.insecure(), LinkSecurity.insecure(), bytes, rounds);
            measure("TLS", security(keys, "b"), security(keys, "a"), bytes, rounds);
        } finally {
            for (Path file : files) {
                Files.delete(file);
            }
            Files.delete(keys);
        }
    }

    private static void measure(String name, LinkSecurity server, LinkSecurity client, long bytes, int rounds)
            throws Exception {
        MemorySegment memory = Arena.ofAuto().allocate(bytes);
        byte[] page = new byte[1 << 20];
        SplittableRandom random = new SplittableRandom(1);
        for (long at = 0; at < bytes; at += page.length) {
            random.nextBytes(page);
            MemorySegment.copy(page, 0, memory, java.lang.foreign.ValueLayout.JAVA_BYTE, at, page.length);
        }
        try (LinkFixture link = new LinkFixture()) {
            Backup backup = new Backup(bytes);
            InetSocketAddress loopback = new InetSocketAddress(InetAddress.getLoopbackAddress(), 0);
            link.connect(link.serve(server, loopback, backup).address(), client);
            LinkConnection connection = link.primary.connection(0);
            List<Double> rates = new ArrayList<>();
            List<Double> deltaMillis = new ArrayList<>();
            long epoch = 0;
            for (int round = 0; round < rounds; round++) {
                long start = System.nanoTime();
                try (CheckpointWriter writer = CheckpointWriter.full(connection, 60_000_000_000L)) {
                    writer.onPages(0, (int) (bytes / 4096), memory, 0);
                    writer.finish(++epoch, new byte[60_000], "");
                }
                link.primary.awaitMessages((int) epoch);
                rates.add(bytes / 1048576.0 / ((System.nanoTime() - start) / 1e9));

                start = System.nanoTime();
                try (CheckpointWriter writer = CheckpointWriter.delta(connection, 60_000_000_000L, epoch)) {
                    for (int i = 0; i < 80; i++) {
                        writer.onPages(i * 3L, 1, memory, i * 3L * 4096);
                    }
                    writer.finish(++epoch, new byte[60_000], "");
                }
                while (link.primary.messages().size() < epoch) {
                    Thread.onSpinWait();
                }
                deltaMillis.add((System.nanoTime() - start) / 1e6);
            }
            System.out.printf(
                    "%s: full checkpoint of %d MiB at %.0f MB/s (median; best %.0f); 80 scattered pages and 60 kB of device state confirmed in %.2f ms (median)%n",
                    name, bytes >> 20, median(rates) * 1.048576, max(rates) * 1.048576, median(deltaMillis));
        }
    }

    private static double median(List<Double> values) {
        double[] sorted =
                values.stream().mapToDouble(Double::doubleValue).sorted().toArray();
        return sorted[sorted.length / 2];
    }

    private static double max(List<Double> values) {
        return Arrays.stream(values.stream().mapToDouble(Double::doubleValue).toArray())
                .max()
                .orElseThrow();
    }

    private static LinkSecurity security(Path keys, String host) throws LinkException {
        return LinkSecurity.mutualTls(
                keys.resolve(host + ".crt"), keys.resolve(host + ".key"), keys.resolve("ca.crt"), Instant.now());
    }

    private static final class Backup implements LinkListener {

        private final CheckpointStage stage;

        Backup(long bytes) {
            stage = new CheckpointStage(bytes, 2 * bytes, 0);
        }

        @Override
        public void onUp(LinkConnection connection) {}

        @Override
        public void onMessage(LinkConnection connection, LinkMessage message) {
            try {
                stage.accept((CheckpointRecord) message).ifPresent(checkpoint -> {
                    connection.send(new Confirm(checkpoint.epoch()));
                    checkpoint.release();
                });
            } catch (TornCheckpointException e) {
                throw new IllegalStateException(e);
            }
        }

        @Override
        public void onBytes(LinkConnection connection) {}

        @Override
        public void onDown(LinkConnection connection, String reason, boolean endOfFile) {
            stage.discard();
        }
    }
}
