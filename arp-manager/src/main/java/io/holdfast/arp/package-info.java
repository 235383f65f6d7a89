@NullMarked
package io.holdfast.arp;

import org.jspecify.annotations.NullMarked;
