/**
 * A tripwire in the line between two programs, for tests that kill a host at an exact step of the protocol. Nothing of
 * this is part of the distribution.
 */
@NullMarked
package io.holdfast.demo.wire;

import org.jspecify.annotations.NullMarked;
