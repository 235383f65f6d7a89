/** Flyweights over memory for layer 2 to 4 headers, checksums, and the off-heap {@link io.holdfast.frame.FrameRing}. Depends on nothing. */
@NullMarked
package io.holdfast.frame;

import org.jspecify.annotations.NullMarked;
