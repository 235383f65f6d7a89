package io.holdfast.testkit;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;

/** A tap in the calling thread's network namespace, and the one who fetches frames from it, as QEMU does. */
public final class Tap implements AutoCloseable {

    private static final int O_RDWR = 2;
    private static final long TUNSETIFF = 0x400454caL;
    private static final short IFF_TAP_NO_PI = 0x1002;
    private static final int IFREQ_BYTES = 40;
    private static final int FRAME_BYTES = 2048;

    private static final MethodHandle OPEN = variadic("open", ValueLayout.ADDRESS, ValueLayout.JAVA_INT);
    private static final MethodHandle IOCTL = Linker.nativeLinker()
            .downcallHandle(
                    symbol("ioctl"),
                    FunctionDescriptor.of(
                            ValueLayout.JAVA_INT, ValueLayout.JAVA_INT, ValueLayout.JAVA_LONG, ValueLayout.ADDRESS),
                    Linker.Option.firstVariadicArg(2));
    private static final MethodHandle READ = Linker.nativeLinker()
            .downcallHandle(
                    symbol("read"),
                    FunctionDescriptor.of(
                            ValueLayout.JAVA_LONG, ValueLayout.JAVA_INT, ValueLayout.ADDRESS, ValueLayout.JAVA_LONG));
    private static final MethodHandle CLOSE = Linker.nativeLinker()
            .downcallHandle(symbol("close"), FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.JAVA_INT));

    private final Arena arena = Arena.ofAuto();
    private final MemorySegment frame = arena.allocate(FRAME_BYTES);
    private final int descriptor;

    /** Makes one that is up. */
    public Tap(String name) {
        try {
            descriptor = (int) OPEN.invokeExact(arena.allocateFrom("/dev/net/tun"), O_RDWR);
            MemorySegment request = arena.allocate(IFREQ_BYTES, 8);
            request.setString(0, name);
            request.set(ValueLayout.JAVA_SHORT, 16, IFF_TAP_NO_PI);
            int result = (int) IOCTL.invokeExact(descriptor, TUNSETIFF, request);
            if (descriptor < 0 || result < 0) {
                throw new IllegalStateException("no tap " + name + ": it takes root and /dev/net/tun");
            }
        } catch (RuntimeException | Error e) {
            throw e;
        } catch (Throwable e) {
            throw new IllegalStateException(e);
        }
        Shell.run("ip", "link", "set", name, "addrgenmode", "none", "up");
    }

    /** Waits for a frame. */
    public byte[] fetch() {
        try {
            long lengthBytes = (long) READ.invokeExact(descriptor, frame, (long) FRAME_BYTES);
            if (lengthBytes < 0) {
                throw new IllegalStateException("the tap cannot be read");
            }
            return frame.asSlice(0, lengthBytes).toArray(ValueLayout.JAVA_BYTE);
        } catch (RuntimeException | Error e) {
            throw e;
        } catch (Throwable e) {
            throw new IllegalStateException(e);
        }
    }

    /** Nobody may be fetching. */
    @Override
    public void close() {
        try {
            if ((int) CLOSE.invokeExact(descriptor) < 0) {
                throw new IllegalStateException("the tap is closed already");
            }
        } catch (RuntimeException | Error e) {
            throw e;
        } catch (Throwable e) {
            throw new IllegalStateException(e);
        }
    }

    private static MethodHandle variadic(String name, ValueLayout... arguments) {
        return Linker.nativeLinker()
                .downcallHandle(
                        symbol(name),
                        FunctionDescriptor.of(ValueLayout.JAVA_INT, arguments),
                        Linker.Option.firstVariadicArg(arguments.length));
    }

    private static MemorySegment symbol(String name) {
        return Linker.nativeLinker().defaultLookup().findOrThrow(name);
    }
}
