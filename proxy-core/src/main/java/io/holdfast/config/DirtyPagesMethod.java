package io.holdfast.config;

/** How the agent finds the pages that a guest has changed. */
public enum DirtyPagesMethod {

    /** The fastest that works. */
    AUTO,

    /** All memory is compared with a copy. */
    COMPARISON,

    /** Soft-dirty bits, through /proc. */
    SOFT_DIRTY,

    /** PAGEMAP_SCAN and a library in QEMU. */
    PAGEMAP_SCAN
}
