package io.holdfast.demo;

/**
 * Contradicted data: a client was told something that the guest's state, or what another client was told, denies.
 *
 * @param kind what went wrong
 * @param subject the key or channel that it went wrong with
 * @param detail what was seen and what should have been seen, for people
 */
record Violation(Kind kind, String subject, String detail) {

    enum Kind {
        /** The guest acknowledged a write and no longer has it. */
        LOST_WRITE,
        /** A reply does not follow from the replies before it, or the guest's state denies it. */
        CONTRADICTED_REPLY,
        /** A message of the stream is missing. */
        GAP,
        /** Something happened or arrived twice. */
        DUPLICATE,
        /** Bytes that nobody sent. */
        GARBLED
    }
}
