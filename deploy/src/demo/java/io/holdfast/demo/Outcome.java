package io.holdfast.demo;

/** What became of one client's connection. */
enum Outcome {
    /** It was answered to the end. */
    SURVIVED,
    /** It broke. */
    RESET,
    /** It was silent for longer than the guest's limit, although something was due. */
    STUCK
}
