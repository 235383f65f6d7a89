package io.holdfast.cli.proxy;

import io.holdfast.bridge.TranslationBook;
import io.holdfast.control.CommandException;
import io.holdfast.control.TranslationFile;
import io.holdfast.reverse.KeptTranslation;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps on disk how connections are translated, so that they outlive the proxy.
 *
 * <p><b>Threads.</b> One of its own, and the command thread.
 */
final class TranslationKeeper implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(TranslationKeeper.class);
    private static final String FILE_NAME = "translations";

    /** A connection that a client opens anew between the same ports waits for it. */
    private static final Duration INTERVAL = Duration.ofMillis(200);

    private final TranslationBook book;
    private final TranslationFile file;
    private final Thread thread;
    private long keptVersion;

    TranslationKeeper(Path stateDirectory, TranslationBook book) {
        this.book = book;
        this.file = new TranslationFile(stateDirectory.resolve(FILE_NAME));
        this.thread = Thread.ofPlatform().name("translation-keeper").daemon().unstarted(this::keepUntilInterrupted);
    }

    /** Takes over what an earlier life has left; before frames are carried. */
    void start() {
        try {
            List<KeptTranslation> found = file.read();
            book.inherit(found);
            if (!found.isEmpty()) {
                LOG.info("{} connections of this proxy's earlier life go on, translated as before", found.size());
            }
        } catch (IOException e) {
            LOG.error("{}; connections that an earlier life of this proxy knew are reset", e.getMessage());
            book.inheritNothing();
        }
        keptVersion = book.version();
        thread.start();
    }

    private void keepUntilInterrupted() {
        try {
            while (true) {
                Thread.sleep(INTERVAL);
                keepIfChanged();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void keepIfChanged() {
        try {
            if (book.version() != keptVersion) {
                keep();
            }
        } catch (IOException e) {
            LOG.warn("translations cannot be kept, trying again: {}", e.getMessage());
        }
    }

    private synchronized void keep() throws IOException {
        long version = book.version();
        List<KeptTranslation> translations = book.translations();
        file.write(translations);
        book.onKept(translations);
        keptVersion = version;
    }

    /** Returns when the translations of a restored guest are on disk; nothing must leave under them before. */
    void keepNow() throws CommandException {
        try {
            keep();
        } catch (IOException e) {
            throw new CommandException(
                    "TranslationsNotKept",
                    "the translations are not on disk, so the guest does not go on: " + e.getMessage());
        }
    }

    @Override
    public void close() throws InterruptedException {
        thread.interrupt();
        thread.join();
    }
}
