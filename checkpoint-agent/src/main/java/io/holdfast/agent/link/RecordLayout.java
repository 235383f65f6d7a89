package io.holdfast.agent.link;

/** Offsets and sizes of greeting and record header; see the package's description. */
final class RecordLayout {

    static final int GREETING_BYTES = 8;
    /** {@code HFLK} */
    static final int GREETING_MAGIC = 0x48464c4b;
    /** Version of the framing, in the greeting. */
    static final int FRAMING_VERSION = 1;

    static final int GREETING_MAGIC_OFFSET = 0;
    static final int GREETING_VERSION_OFFSET = 4;

    static final int HEADER_BYTES = 8;
    /** {@code HF} */
    static final int RECORD_MAGIC = 0x4846;

    static final int MAGIC_OFFSET = 0;
    static final int TYPE_OFFSET = 2;
    static final int RESERVED_OFFSET = 3;
    static final int LENGTH_OFFSET = 4;

    static final int MAX_BODY_BYTES = 1 << 20;

    /** First page, number of pages, zero flag: what stands before the data in the body of a run of pages. */
    static final int PAGES_FIXED_BYTES = Long.BYTES + Integer.BYTES + 1;

    private RecordLayout() {}
}
