package io.holdfast.arp;

import java.lang.foreign.MemorySegment;
import java.util.Optional;

/**
 * A frame that is ready to be sent, again and again.
 *
 * @param form what it is
 * @param station whose it is, and so its MAC address and VLAN tags
 * @param address what is announced, as text; empty for a RARP, which knows none
 * @param memory the whole frame, off-heap, and nothing else; not to be written to
 */
public record AnnounceFrame(
        AnnounceForm form, GuestAddresses.Station station, Optional<String> address, MemorySegment memory) {}
