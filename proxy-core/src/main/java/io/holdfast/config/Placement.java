package io.holdfast.config;

/** Where the proxy stands. */
public enum Placement {
    /** On the guest's host, between its tap and the uplink; another one stands on the other host. */
    BESIDE,
    /** In front of both hosts; it outlives the primary, and with it the input log and the ledgers. */
    INLINE
}
