package io.holdfast.reverse;

/** Why a restored guest could not be brought to where a client has seen it; the connection is then reset (INV-12). */
public enum Divergence {
    /** It sent other bytes than the client has. */
    BYTES,
    /** It answered the client's SYN with other options. */
    OFFER,
    /** It ended its stream before the end of what the client has. */
    END,
    /** It reset the connection. */
    RESET,
    /** It did not come so far within the time that there was. */
    TIME,
    /** The proxy has been restarted since the checkpoint, and does not know what the client had been told. */
    FORGOTTEN
}
