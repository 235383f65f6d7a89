/**
 * Shows captured frames to an operator: copied beside the packet path, written as pcapng. Start at
 * {@link io.holdfast.dump.Dump}.
 */
@NullMarked
package io.holdfast.dump;

import org.jspecify.annotations.NullMarked;
