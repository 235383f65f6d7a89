package io.holdfast.arp;

import java.lang.foreign.MemorySegment;

/**
 * A frame that is ready to be sent, again and again.
 *
 * @param form what it is
 * @param memory the whole frame, off-heap, and nothing else; not to be written to
 */
public record AnnounceFrame(AnnounceForm form, MemorySegment memory) {}
