package io.holdfast.bridge;

/** Makes the threads that move frames. */
final class LaneThread {

    static final long JOIN_MILLIS = 2_000;

    interface Body {
        void run() throws Exception;
    }

    private LaneThread() {}

    static Thread of(String name, Body body, LaneFailure onFailure) {
        Thread thread = new Thread(
                () -> {
                    try {
                        body.run();
                    } catch (Throwable e) {
                        onFailure.onLaneFailure(name, e); // Nothing is swallowed: without this lane we are not whole.
                    }
                },
                name);
        thread.setDaemon(true);
        return thread;
    }
}
