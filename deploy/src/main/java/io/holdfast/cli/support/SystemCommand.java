package io.holdfast.cli.support;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** Runs a program of the system's for what it prints, both outputs together. */
final class SystemCommand {

    private static final long LIMIT_SECONDS = 10;

    private SystemCommand() {}

    /**
     * The last of what it prints.
     *
     * @param mostBytes of that; the beginning gives way
     * @throws IOException if it cannot be run, fails or does not end within ten seconds
     */
    static String output(int mostBytes, List<String> command) throws IOException, InterruptedException {
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        try {
            process.getOutputStream().close();
            CompletableFuture<String> printed =
                    CompletableFuture.supplyAsync(() -> tail(process.getInputStream(), mostBytes));
            String text = printed.get(LIMIT_SECONDS, TimeUnit.SECONDS);
            if (!process.waitFor(LIMIT_SECONDS, TimeUnit.SECONDS)) {
                throw new IOException("it does not end");
            }
            if (process.exitValue() != 0) {
                throw new IOException("exit code " + process.exitValue() + ": " + text.strip());
            }
            return text;
        } catch (TimeoutException e) {
            throw new IOException("no end within " + LIMIT_SECONDS + " s", e);
        } catch (ExecutionException e) {
            throw new IOException(e.getCause());
        } finally {
            process.destroyForcibly();
        }
    }

    private static String tail(InputStream in, int mostBytes) {
        byte[] kept = new byte[0];
        try {
            for (byte[] next = in.readNBytes(mostBytes); next.length > 0; next = in.readNBytes(mostBytes)) {
                kept = joined(kept, next, mostBytes);
            }
        } catch (IOException e) {
            // It was ended; what came before is what there is.
        }
        return new String(kept, StandardCharsets.UTF_8);
    }

    private static byte[] joined(byte[] first, byte[] second, int mostBytes) {
        int kept = Math.min(first.length, mostBytes - second.length);
        byte[] both = new byte[kept + second.length];
        System.arraycopy(first, first.length - kept, both, 0, kept);
        System.arraycopy(second, 0, both, kept, second.length);
        return both;
    }
}
