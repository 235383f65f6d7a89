package io.holdfast.config;

/** What the proxy does with the guest's output. */
public enum ProxyMode {
    /** Every frame is held until the backup has confirmed the state that sent it. */
    WALL,
    /**
     * Connections whose clients' view is known whole are released at once, and reconciled with the guest after a failover;
     * the rest is held.
     */
    REVERSE,
    /** A bridge that holds nothing: clients may see output of a state that is lost. For demonstration only. */
    OFF
}
