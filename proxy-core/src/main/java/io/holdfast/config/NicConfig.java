package io.holdfast.config;

/**
 * One network card of the guest and its way out.
 *
 * @param guestPort the interface towards the guest, such as its tap
 * @param uplink the interface towards router and clients
 */
public record NicConfig(String guestPort, String uplink) {}
