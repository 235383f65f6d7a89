package io.holdfast.agent.link;

import io.netty.handler.codec.DecoderException;
import io.netty.handler.ssl.NotSslRecordException;
import java.io.IOException;
import java.net.ConnectException;
import java.nio.channels.ClosedChannelException;
import java.security.cert.CertPathValidatorException;
import java.security.cert.CertificateExpiredException;
import javax.net.ssl.SSLException;
import org.jspecify.annotations.Nullable;

/** Says in an operator's words why a connection failed. */
final class LinkFailure {

    private LinkFailure() {}

    /**
     * Whether the peer's kernel ended the connection: its process is gone or has closed it, with or without bytes
     * unread.
     */
    static boolean isEndOfFile(Throwable failure) {
        if (failure instanceof ClosedChannelException) {
            return true;
        }
        String message = String.valueOf(failure.getMessage());
        return failure instanceof IOException
                && (message.startsWith("Connection reset") || message.startsWith("Broken pipe"));
    }

    static String describe(Throwable failure) {
        Throwable cause =
                failure instanceof DecoderException && failure.getCause() != null ? failure.getCause() : failure;
        return switch (cause) {
            case LinkException e -> String.valueOf(e.getMessage());
            case NotSslRecordException ignored ->
                "the peer speaks no TLS; it has `insecure: true` or is no Holdfast agent";
            case SSLException e -> describeTls(e);
            case OutOfMemoryError e -> "no memory left for what the peer sends: " + e.getMessage();
            case ConnectException e -> String.valueOf(e.getMessage());
            default -> cause.toString();
        };
    }

    private static String describeTls(SSLException failure) {
        String message = String.valueOf(failure.getMessage());
        if (causeOf(failure, CertificateExpiredException.class) != null) {
            return "the peer's certificate has expired; make a new one with `holdfast keys`";
        }
        if (causeOf(failure, CertPathValidatorException.class) != null || message.contains("certification path")) {
            return "the peer's certificate does not come from our authority: " + message;
        }
        if (message.contains("Empty client certificate chain")) {
            return "the peer showed no certificate of our authority";
        }
        if (message.contains("fatal alert") && message.contains("certificate")) {
            return "the peer refused our certificate (%s); both must come from one authority".formatted(message);
        }
        return "TLS failed: " + (failure.getCause() == null ? message : message + ": " + failure.getCause());
    }

    private static @Nullable Throwable causeOf(Throwable failure, Class<? extends Throwable> type) {
        for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
            if (type.isInstance(cause)) {
                return cause;
            }
        }
        return null;
    }
}
