/** The decision when output may leave: pure state, no I/O, no clock, no threads. Start at {@link io.holdfast.wall.BufferWall}. */
@NullMarked
package io.holdfast.wall;

import org.jspecify.annotations.NullMarked;
