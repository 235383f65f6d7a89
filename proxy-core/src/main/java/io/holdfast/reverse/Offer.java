package io.holdfast.reverse;

import io.holdfast.frame.TcpOptions;

/**
 * What one end has said of itself in its SYN. If a restored guest says anything else, the client's end and the guest's no
 * longer fit.
 *
 * @param maximumSegmentSize in bytes; 0 if it was not said
 * @param windowScale a power of two; {@link TcpOptions#NO_WINDOW_SCALE} if it was not said
 * @param sackPermitted RFC 2018
 * @param timestamps RFC 7323
 */
record Offer(int maximumSegmentSize, int windowScale, boolean sackPermitted, boolean timestamps) {

    /** The largest that counts (RFC 7323, section 2.3). */
    private static final int MAX_WINDOW_SCALE = 14;

    static Offer of(TcpOptions options) {
        return new Offer(
                options.maximumSegmentSize(),
                Math.min(options.windowScale(), MAX_WINDOW_SCALE),
                options.isSackPermitted(),
                options.hasTimestamps());
    }

    boolean scalesWindow() {
        return windowScale != TcpOptions.NO_WINDOW_SCALE;
    }
}
