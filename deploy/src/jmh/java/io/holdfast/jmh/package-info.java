/** JMH benchmarks of what has no I/O, clock or thread. Nothing of this is part of the distribution. */
@NullMarked
package io.holdfast.jmh;

import org.jspecify.annotations.NullMarked;
