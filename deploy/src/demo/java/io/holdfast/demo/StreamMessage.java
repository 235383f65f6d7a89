package io.holdfast.demo;

import java.nio.charset.StandardCharsets;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.zip.CRC32;

/**
 * One message of the published stream: its number, a checksum, and filler whose length differs from message to message,
 * so that a stream that was spliced together from two histories cannot look right.
 *
 * @param sequence counted from 1
 */
record StreamMessage(long sequence) {

    private static final int FILLER_LENGTHS = 397;
    private static final Pattern FORM = Pattern.compile("(\\d{1,18}) ([0-9a-f]{8}) (\\.*)");

    String encoded() {
        String filler = ".".repeat((int) (sequence * 31 % FILLER_LENGTHS));
        return "%d %08x %s".formatted(sequence, checksum(sequence, filler), filler);
    }

    /** The message that {@code text} is, or nothing if its bytes are not what a publisher sent. */
    static Optional<StreamMessage> decode(String text) {
        Matcher form = FORM.matcher(text);
        if (!form.matches()) {
            return Optional.empty();
        }
        StreamMessage message = new StreamMessage(Long.parseLong(form.group(1)));
        return message.encoded().equals(text) ? Optional.of(message) : Optional.empty();
    }

    private static long checksum(long sequence, String filler) {
        CRC32 crc = new CRC32();
        crc.update((sequence + filler).getBytes(StandardCharsets.US_ASCII));
        return crc.getValue();
    }
}
