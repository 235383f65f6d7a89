package io.holdfast.cli.proxy;

/** Where the guest of an inline proxy may live, as the configuration of a NIC calls its ports. */
enum GuestPlace {
    PRIMARY(0),
    BACKUP(1);

    /** Its number among a NIC's ports. */
    private final int port;

    GuestPlace(int port) {
        this.port = port;
    }

    int port() {
        return port;
    }
}
