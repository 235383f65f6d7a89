/**
 * Model hosts that speak TCP through frames in memory: deterministic, single-threaded, with time and randomness passed in. What
 * stands between two of them can be run through many lives of a guest and be judged by what its peers reject.
 *
 * <p>{@link io.holdfast.reverse.model.ModelTcp} is one end of one connection, {@link io.holdfast.reverse.model.ModelHost} a
 * guest with its applications, and {@link io.holdfast.reverse.model.SegmentCodec} turns segments into frames and back.
 */
@NullMarked
package io.holdfast.reverse.model;

import org.jspecify.annotations.NullMarked;
