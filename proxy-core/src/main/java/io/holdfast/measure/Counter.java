package io.holdfast.measure;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;

/**
 * A count that costs its writer no more than a plain field.
 *
 * <p><b>Threads.</b> One thread writes; any thread reads, a little late.
 */
public final class Counter {

    private static final VarHandle VALUE;

    static {
        try {
            VALUE = MethodHandles.lookup().findVarHandle(Counter.class, "value", long.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private long value;

    /** Counts one more. */
    public void increment() {
        VALUE.setRelease(this, value + 1);
    }

    /** Counts {@code more}. */
    public void add(long more) {
        VALUE.setRelease(this, value + more);
    }

    public long value() {
        return (long) VALUE.getAcquire(this);
    }
}
