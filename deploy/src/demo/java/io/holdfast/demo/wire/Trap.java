package io.holdfast.demo.wire;

import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Decides how far a conversation goes: everything passes until the trap is sprung, and nothing afterwards, in either
 * direction. It can be set to one of three moments: before a request, before the answer to a request, or in the middle of
 * the bytes.
 *
 * <p><b>Threads.</b> Any.
 */
final class Trap {

    private static final Pattern ID = Pattern.compile("\"id\":\\s*(\\d+)");

    private enum Moment {
        NEVER,
        BEFORE_REQUEST,
        BEFORE_REPLY,
        AMID_BYTES
    }

    private final Runnable onSprung;
    private Moment moment = Moment.NEVER;
    private String request = "";
    private long toPass;
    private @Nullable String awaitedId;
    private boolean sprung;

    /**
     * A trap that is not set.
     *
     * @param onSprung called once; must not block
     */
    Trap(Runnable onSprung) {
        this.onSprung = onSprung;
    }

    /** The request that contains {@code text} is not handed on, after {@code skip} such were. */
    synchronized void setBeforeRequest(String text, long skip) {
        set(Moment.BEFORE_REQUEST, text, skip);
    }

    /** The request that contains {@code text} is handed on, after {@code skip} such were; its answer is not. */
    synchronized void setBeforeReply(String text, long skip) {
        set(Moment.BEFORE_REPLY, text, skip);
    }

    /** Of the bytes from the client that follow, so many are handed on. */
    synchronized void setAmidBytes(long bytes) {
        set(Moment.AMID_BYTES, "", bytes);
    }

    private void set(Moment newMoment, String text, long count) {
        moment = newMoment;
        request = text;
        toPass = count;
        awaitedId = null;
    }

    /** Whether a line from the client is handed on. */
    synchronized boolean passesRequest(String line) {
        boolean asks = moment == Moment.BEFORE_REQUEST || moment == Moment.BEFORE_REPLY;
        if (!sprung && asks && awaitedId == null && line.contains(request) && toPass-- == 0) {
            if (moment == Moment.BEFORE_REQUEST) {
                spring();
            } else {
                awaitedId = idOf(line);
            }
        }
        return !sprung;
    }

    /** Whether a line from the server is handed on. */
    synchronized boolean passesReply(String line) {
        if (!sprung && awaitedId != null && awaitedId.equals(idOf(line))) {
            spring();
        }
        return !sprung;
    }

    /** How many of the client's next bytes are handed on. */
    synchronized int passesOfBytes(int available) {
        if (sprung) {
            return 0;
        }
        if (moment != Moment.AMID_BYTES) {
            return available;
        }
        int passing = (int) Math.min(available, toPass);
        toPass -= passing;
        if (toPass == 0) {
            spring();
        }
        return passing;
    }

    synchronized boolean isSprung() {
        return sprung;
    }

    private void spring() {
        sprung = true;
        onSprung.run();
    }

    private static @Nullable String idOf(String line) {
        Matcher matcher = ID.matcher(line);
        String id = null;
        while (matcher.find()) {
            id = matcher.group(1); // The last one: the message's own follows what it carries.
        }
        return id;
    }
}
