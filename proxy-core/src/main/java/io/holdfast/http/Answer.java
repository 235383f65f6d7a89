package io.holdfast.http;

import java.nio.charset.StandardCharsets;

/**
 * What a client gets.
 *
 * @param status of HTTP, such as 200
 * @param contentType with its character set, if it is text
 * @param caching the {@code Cache-Control} header
 * @param body not to be changed any more
 */
// An array, because that is what is sent; answers are not compared.
@SuppressWarnings("ArrayRecordComponent")
public record Answer(int status, String contentType, String caching, byte[] body) {

    /** True now, and perhaps not in a moment. */
    public static final String NEVER_KEEP = "no-store";

    /** What is at this path never changes. */
    public static final String KEEP_FOREVER = "public, max-age=31536000, immutable";

    private static final String PLAIN_TEXT = "text/plain; charset=utf-8";

    /** Something that changes. */
    public static Answer current(String contentType, byte[] body) {
        return new Answer(200, contentType, NEVER_KEEP, body);
    }

    /** One line for people. */
    public static Answer line(int status, String line) {
        return new Answer(status, PLAIN_TEXT, NEVER_KEEP, (line + "\n").getBytes(StandardCharsets.UTF_8));
    }
}
