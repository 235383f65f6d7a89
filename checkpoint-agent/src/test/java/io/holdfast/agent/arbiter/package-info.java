@NullMarked
package io.holdfast.agent.arbiter;

import org.jspecify.annotations.NullMarked;
