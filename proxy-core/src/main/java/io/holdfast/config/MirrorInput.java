package io.holdfast.config;

/** What of the clients' frames is copied to the backup. */
public enum MirrorInput {
    /** Nothing. */
    OFF,
    /** TCP: a segment that comes twice does no harm. */
    TCP,
    /** All but ARP. */
    ALL
}
