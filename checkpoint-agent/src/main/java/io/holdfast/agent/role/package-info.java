/** Every decision about pausing, confirming, promoting and sealing: pure state machines that answer events with effects. */
@NullMarked
package io.holdfast.agent.role;

import org.jspecify.annotations.NullMarked;
