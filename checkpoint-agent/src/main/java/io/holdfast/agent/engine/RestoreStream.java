package io.holdfast.agent.engine;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;

/**
 * Turns the device state that QEMU wrote on {@code xen-save-devices-state} into a migration stream that a waiting QEMU
 * takes: both begin with "QEVM" and a version, but the stream then names the machine in a configuration section
 * (QEMU's migration/savevm.c, QEMU_VM_CONFIGURATION), which the saved state leaves out.
 */
final class RestoreStream {

    private static final byte[] MAGIC = "QEVM".getBytes(StandardCharsets.US_ASCII);
    /** Magic and a four-byte version. */
    private static final int HEADER_BYTES = 8;

    private static final byte CONFIGURATION_SECTION = 0x07;

    private RestoreStream() {}

    /**
     * @param machine the versioned name of the machine, such as {@code pc-i440fx-7.2}
     * @throws EngineException if {@code deviceState} is none
     */
    static byte[] of(byte[] deviceState, String machine) throws EngineException {
        if (deviceState.length <= HEADER_BYTES
                || !ByteBuffer.wrap(deviceState, 0, MAGIC.length).equals(ByteBuffer.wrap(MAGIC))) {
            throw new EngineException(
                    "%d bytes of device state that do not begin with \"QEVM\": the checkpoint is not one of QEMU's"
                            .formatted(deviceState.length));
        }
        byte[] name = machine.getBytes(StandardCharsets.US_ASCII);
        ByteArrayOutputStream stream = new ByteArrayOutputStream(deviceState.length + name.length + 5);
        stream.write(deviceState, 0, HEADER_BYTES);
        stream.write(CONFIGURATION_SECTION);
        stream.writeBytes(ByteBuffer.allocate(Integer.BYTES).putInt(name.length).array());
        stream.writeBytes(name);
        stream.write(deviceState, HEADER_BYTES, deviceState.length - HEADER_BYTES);
        return stream.toByteArray();
    }
}
