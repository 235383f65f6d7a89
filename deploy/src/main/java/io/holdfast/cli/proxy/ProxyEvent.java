package io.holdfast.cli.proxy;

/** What a proxy tells those who have subscribed to its control socket; {@code control-protocol.md} has the data of each. */
enum ProxyEvent {
    /** An early checkpoint is asked for. */
    WALL_PRESSURE,
    /** The wall's state has changed. */
    WALL_STATE,
    /** Somebody else uses an address of the guest. */
    ADDRESS_CONFLICT,
    /** An old owner has answered, or the time of a probe is over. */
    PROBE_ENDED,
    /** Something speaks behind a wall that is shut. */
    SILENCE_BROKEN,
    /** This host itself speaks as the guest, past a wall that is shut. */
    ADDRESS_LEAK,
    /** A dump has ended. */
    DUMP_ENDED,
    /** The proxy is about to end. */
    PORT_FAILED
}
