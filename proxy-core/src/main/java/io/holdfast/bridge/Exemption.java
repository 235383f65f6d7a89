package io.holdfast.bridge;

import java.lang.foreign.MemorySegment;

/** Tells which frames the operator exempted from being held (INV-3: never TCP, never a fragment). */
@FunctionalInterface
public interface Exemption {

    /** Exempts nothing. */
    Exemption NONE = (memory, offsetBytes, lengthBytes) -> false;

    boolean isExempt(MemorySegment memory, long offsetBytes, int lengthBytes);
}
