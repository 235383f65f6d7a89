/** What the benchmark needs that no operator does. Nothing of this is part of the distribution. */
@NullMarked
package io.holdfast.demo.bench;

import org.jspecify.annotations.NullMarked;
