package io.holdfast.agent.link;

import io.holdfast.agent.link.LinkMessage.DeviceState;
import io.holdfast.agent.link.LinkMessage.Pages;
import io.netty.buffer.ByteBuf;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/**
 * SHA-256 over one checkpoint, computed alike at both ends (INV-11): each run of pages with its place, each piece of
 * device state, and everything that the end says except the digest. TLS already protects the bytes on the way; this
 * also finds what goes wrong in front of it and behind it, and records that were lost, repeated or swapped.
 */
final class CheckpointDigest {

    private static final byte PAGES_TAG = 1;
    private static final byte DEVICE_STATE_TAG = 2;
    private static final byte END_TAG = 3;

    private final MessageDigest sha256 = newSha256();
    private final ByteBuffer fixed = ByteBuffer.allocate(64);

    void update(Pages pages) {
        fixed.put(PAGES_TAG).putLong(pages.firstPage()).putInt(pages.pages()).put((byte) (pages.zero() ? 1 : 0));
        updateFixed();
        update(pages.data());
    }

    void update(DeviceState piece) {
        fixed.put(DEVICE_STATE_TAG).putInt(piece.data().readableBytes());
        updateFixed();
        update(piece.data());
    }

    /**
     * Of everything so far and the end; begins anew afterwards.
     *
     * @return 64 lower-case hexadecimal digits
     */
    String finish(
            long epoch,
            long baseEpoch,
            long pageCount,
            long byteCount,
            long deviceStateBytes,
            String guestAddressesJson) {
        fixed.put(END_TAG)
                .putLong(epoch)
                .putLong(baseEpoch)
                .putLong(pageCount)
                .putLong(byteCount)
                .putLong(deviceStateBytes);
        updateFixed();
        return HexFormat.of().formatHex(sha256.digest(guestAddressesJson.getBytes(StandardCharsets.UTF_8)));
    }

    private void updateFixed() {
        sha256.update(fixed.flip());
        fixed.clear();
    }

    private void update(ByteBuf data) {
        for (ByteBuffer part : data.nioBuffers()) {
            sha256.update(part);
        }
    }

    private static MessageDigest newSha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java platform has SHA-256", e);
        }
    }
}
