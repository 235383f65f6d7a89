/** The control protocol: newline-delimited JSON on a Unix domain socket, in the manner of QMP. */
@NullMarked
package io.holdfast.control;

import org.jspecify.annotations.NullMarked;
