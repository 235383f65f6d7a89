package io.holdfast.cli.page;

/**
 * What one second was like. NaN is what nobody knows: no frame left, no checkpoint was taken, the agent did not answer.
 *
 * @param epochSeconds when it was over, on the wall clock
 * @param holdP50Millis of the frames that left in it, half were held no longer
 * @param holdP99Millis of those, 99 of 100 were held no longer
 * @param pauseMillis how long the guest stood still at a checkpoint, on average
 * @param heldBytes were held at its end
 */
record Sample(long epochSeconds, double holdP50Millis, double holdP99Millis, double pauseMillis, long heldBytes) {}
