/** One place for every setting: default, range, unit and text. */
@NullMarked
package io.holdfast.config;

import org.jspecify.annotations.NullMarked;
