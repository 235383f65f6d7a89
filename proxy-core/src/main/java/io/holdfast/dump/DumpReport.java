package io.holdfast.dump;

/**
 * What a dump came to.
 *
 * @param writtenFrames in the stream
 * @param writtenBytes the stream's length
 * @param missedFrames went their way without being in the stream, because its reader was too slow
 */
public record DumpReport(DumpEnd end, long writtenFrames, long writtenBytes, long missedFrames) {}
