package io.holdfast.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.holdfast.config.HoldfastConfig;
import io.holdfast.control.CommandException;
import io.holdfast.control.ControlClient;
import io.holdfast.control.ControlEvent;
import io.holdfast.control.ControlListener;
import io.holdfast.control.ControlUnavailableException;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.SocketChannel;
import java.nio.channels.WritableByteChannel;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Locale;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.TypeConversionException;

/**
 * Writes down what the proxy captures. The proxy streams to a socket; the file is made here, with the rights of whoever
 * types this.
 */
@Command(
        name = "dump",
        mixinStandardHelpOptions = true,
        description = {
            "Writes captured frames to a pcapng file, or to a pipe for tshark or Wireshark, until a limit or Ctrl-C.",
            "Checksums that the kernel left to a device are completed; a comment at each frame of the guest says its epoch "
                    + "and whether it was held. Directions are the guest's. The lanes never wait: what a slow disk or reader "
                    + "misses is counted, at the end and in the file.",
            "The file has what the guest and its clients said to each other, passwords included. It is made with mode 0600, "
                    + "never over one that is there.",
            "Such as: holdfast --guest redis dump --yes --reason \"case 17\" --out - | tshark -r -"
        })
final class DumpCommand implements Callable<Integer> {

    private static final String STANDARD_OUTPUT = "-";
    private static final String DEFAULT_FILE_LIMIT = "1GiB";
    private static final int BUFFER_BYTES = 256 << 10;
    private static final long REPORT_LIMIT_MILLIS = 2_000;
    private static final long INTERRUPTED_LIMIT_SECONDS = 5;

    @ParentCommand
    private Holdfast holdfast;

    @Option(
            names = "--out",
            required = true,
            paramLabel = "FILE",
            description = "Where to write; - is the standard output.")
    private String out = "";

    @Option(names = "--nic", paramLabel = "N", description = "Only this NIC, counted from 0; default: all.")
    private @Nullable Integer nic;

    @Option(
            names = "--filter",
            paramLabel = "WAY",
            description = "What the guest sends (outbound), what comes for it (inbound), or both; default: both.")
    private String filter = "both";

    @Option(names = "--seconds", paramLabel = "S", description = "End after so many seconds.")
    private @Nullable Long seconds;

    @Option(names = "--frames", paramLabel = "N", description = "End after so many frames.")
    private @Nullable Long frames;

    @Option(
            names = "--max-bytes",
            paramLabel = "SIZE",
            converter = Size.class,
            description = "End before the output is longer, such as 500MiB (at least 128KiB; default: "
                    + DEFAULT_FILE_LIMIT + " for a file, no limit for -).")
    private @Nullable Long maxBytes;

    @Mixin
    private final Confirmation confirmation = new Confirmation();

    private final CountDownLatch finished = new CountDownLatch(1);

    @Override
    public Integer call() throws Exception {
        HoldfastConfig config = holdfast.config();
        String reason = confirmation.reasonFor(
                "Write down what guest %s and its clients say to each other on host %s, passwords included?"
                        .formatted(config.guest(), config.host()));
        CompletableFuture<JsonNode> report = new CompletableFuture<>();
        try (ControlClient client =
                ControlClient.connect(config.proxySocket(), AskingCommand.PATIENCE, reporter(report))) {
            client.execute("subscribe", AskingCommand.arguments());
            try (SocketChannel stream = openStream(client, reason);
                    WritableByteChannel output = openOutput()) {
                endWithTheProcess(stream);
                copy(stream, output);
            }
            return conclude(report);
        } finally {
            finished.countDown();
        }
    }

    private SocketChannel openStream(ControlClient client, String reason)
            throws CommandException, ControlUnavailableException, IOException {
        String socket = client.execute("dump", arguments(reason)).path("socket").asText();
        try {
            return SocketChannel.open(UnixDomainSocketAddress.of(socket));
        } catch (IOException e) {
            throw new IOException(
                    "cannot connect to " + socket + ", where the proxy sends the dump: " + e.getMessage(), e);
        }
    }

    private ObjectNode arguments(String reason) {
        ObjectNode arguments = AskingCommand.arguments().put("filter", filter).put("reason", reason);
        if (nic != null) {
            arguments.put("nic", nic);
        }
        if (seconds != null) {
            arguments.put("seconds", seconds);
        }
        if (frames != null) {
            arguments.put("frames", frames);
        }
        if (maxBytes != null) {
            arguments.put("max_bytes", maxBytes);
        } else if (!out.equals(STANDARD_OUTPUT)) {
            arguments.put("max_bytes", Size.bytes(DEFAULT_FILE_LIMIT));
        }
        return arguments;
    }

    private WritableByteChannel openOutput() throws IOException {
        if (out.equals(STANDARD_OUTPUT)) {
            return new FileOutputStream(FileDescriptor.out).getChannel();
        }
        try {
            return FileChannel.open(
                    Path.of(out),
                    Set.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE),
                    PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
        } catch (FileAlreadyExistsException e) {
            throw new IOException(out + " exists already; choose another file, or remove it", e);
        } catch (IOException e) {
            throw new IOException("cannot make " + out + ": " + e, e);
        }
    }

    /** Ctrl-C: the proxy hears that this is enough, and sends the rest and the end of the stream. */
    private void endWithTheProcess(SocketChannel stream) {
        Thread ender = new Thread(
                () -> {
                    if (finished.getCount() == 0) {
                        return;
                    }
                    try {
                        stream.shutdownOutput();
                        if (!finished.await(INTERRUPTED_LIMIT_SECONDS, TimeUnit.SECONDS)) {
                            holdfast.err().println("holdfast: the end of the dump did not come; it may be incomplete");
                        }
                    } catch (IOException | InterruptedException e) {
                        holdfast.err().println("holdfast: " + e);
                    }
                },
                "dump-end");
        Runtime.getRuntime().addShutdownHook(ender);
    }

    private void copy(SocketChannel stream, WritableByteChannel output) throws IOException {
        ByteBuffer buffer = ByteBuffer.allocateDirect(BUFFER_BYTES);
        while (stream.read(buffer) >= 0) {
            buffer.flip();
            try {
                while (buffer.hasRemaining()) {
                    output.write(buffer);
                }
            } catch (IOException e) {
                if (out.equals(STANDARD_OUTPUT)) {
                    return; // Who reads it has seen enough.
                }
                throw new IOException("cannot write to " + out + ": " + e.getMessage(), e);
            }
            buffer.clear();
        }
    }

    private static ControlListener reporter(CompletableFuture<JsonNode> report) {
        return new ControlListener() {
            @Override
            public void onEvent(ControlEvent event) {
                if (event.name().equals("DUMP_ENDED")) {
                    report.complete(event.data());
                }
            }

            @Override
            public void onDisconnect(String reason) {
                report.completeExceptionally(new IOException(reason));
            }
        };
    }

    private int conclude(CompletableFuture<JsonNode> coming) throws IOException, InterruptedException {
        try {
            JsonNode report = coming.get(REPORT_LIMIT_MILLIS, TimeUnit.MILLISECONDS);
            long missed = report.path("missed").asLong();
            holdfast.err()
                    .printf(
                            Locale.ROOT,
                            "%d frames, %d bytes; %s; ended because %s%n",
                            report.path("frames").asLong(),
                            report.path("bytes").asLong(),
                            missed == 0 ? "none missed" : missed + " MISSED because the output was too slow",
                            report.path("because").asText());
            return ExitCode.OK;
        } catch (ExecutionException | TimeoutException e) {
            throw new IOException("the proxy has ended the dump without a report; it may be incomplete", e);
        }
    }

    /** Bytes, or KiB, MiB or GiB. */
    static final class Size implements ITypeConverter<Long> {

        private static final Pattern SIZE = Pattern.compile("([0-9]{1,9})(B|KiB|MiB|GiB)?");

        Size() {}

        @Override
        public Long convert(String text) {
            return bytes(text);
        }

        static long bytes(String text) {
            Matcher matcher = SIZE.matcher(text);
            if (!matcher.matches()) {
                throw new TypeConversionException("`" + text + "` is not a size; write it like 500MiB");
            }
            long count = Long.parseLong(matcher.group(1));
            String unit = matcher.group(2);
            return switch (unit == null ? "B" : unit) {
                case "KiB" -> count << 10;
                case "MiB" -> count << 20;
                case "GiB" -> count << 30;
                default -> count;
            };
        }
    }
}
