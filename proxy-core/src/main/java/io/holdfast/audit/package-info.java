/** What was decided about a guest, by whom and why, in a file that outlives the programs. */
@NullMarked
package io.holdfast.audit;

import org.jspecify.annotations.NullMarked;
