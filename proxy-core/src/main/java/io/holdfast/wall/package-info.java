/** The decision when output may leave: pure state, no I/O, no clock, no threads.. */
@NullMarked
package io.holdfast.wall;

import org.jspecify.annotations.NullMarked;
