/** Where frames enter and leave the process: {@link io.holdfast.port.FramePort} and its guard against ways around it. */
@NullMarked
package io.holdfast.port;

import org.jspecify.annotations.NullMarked;
