/** Measurements that the hot path takes without allocating. */
@NullMarked
package io.holdfast.measure;

import org.jspecify.annotations.NullMarked;
