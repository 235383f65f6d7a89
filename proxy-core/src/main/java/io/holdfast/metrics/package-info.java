/** Registry, HTTP endpoint and the proxy's meter binders. */
@NullMarked
package io.holdfast.metrics;

import org.jspecify.annotations.NullMarked;
