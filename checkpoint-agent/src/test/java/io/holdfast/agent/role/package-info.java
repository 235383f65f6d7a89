@NullMarked
package io.holdfast.agent.role;

import org.jspecify.annotations.NullMarked;
