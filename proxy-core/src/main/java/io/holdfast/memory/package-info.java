/** Memory outside the heap that Java's own arenas cannot give. */
@NullMarked
package io.holdfast.memory;

import org.jspecify.annotations.NullMarked;
