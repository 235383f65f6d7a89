package io.holdfast.port;

/**
 * What a port has done since it was opened, in frames.
 *
 * @param capturedFrames handed to the sink
 * @param kernelDroppedFrames lost in the kernel because capture was too slow
 * @param truncatedFrames captured shorter than they were, therefore not handed on
 * @param sentFrames accepted by the kernel
 * @param sendErrorFrames refused by the kernel
 */
public record PortCounters(
        long capturedFrames, long kernelDroppedFrames, long truncatedFrames, long sentFrames, long sendErrorFrames) {}
