/** The threads that move frames between the guest's ports and the uplink. Start at {@link io.holdfast.bridge.Bridge}. */
@NullMarked
package io.holdfast.bridge;

import org.jspecify.annotations.NullMarked;
