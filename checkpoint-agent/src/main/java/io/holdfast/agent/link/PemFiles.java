package io.holdfast.agent.link;

import java.io.IOException;
import java.io.Reader;
import java.io.Writer;
import java.nio.channels.Channels;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.PrivateKey;
import java.security.cert.CertificateException;
import java.security.cert.X509Certificate;
import java.util.Set;
import org.bouncycastle.asn1.pkcs.PrivateKeyInfo;
import org.bouncycastle.cert.X509CertificateHolder;
import org.bouncycastle.cert.jcajce.JcaX509CertificateConverter;
import org.bouncycastle.openssl.PEMKeyPair;
import org.bouncycastle.openssl.PEMParser;
import org.bouncycastle.openssl.jcajce.JcaPEMKeyConverter;
import org.bouncycastle.openssl.jcajce.JcaPEMWriter;
import org.bouncycastle.util.io.pem.PemObject;
import org.jspecify.annotations.Nullable;

/** Certificates and keys in files of PEM form, with errors that name the file. */
public final class PemFiles {

    private static final Set<PosixFilePermission> OWNER_ONLY = PosixFilePermissions.fromString("rw-------");

    private PemFiles() {}

    /** The first one in the file. */
    public static X509Certificate readCertificate(Path file) throws LinkException {
        try {
            if (read(file) instanceof X509CertificateHolder holder) {
                return new JcaX509CertificateConverter().getCertificate(holder);
            }
        } catch (CertificateException e) {
            throw new LinkException(
                    "%s holds a certificate that cannot be used: %s".formatted(file, e.getMessage()), e);
        }
        throw new LinkException("%s does not begin with a certificate in PEM form".formatted(file));
    }

    /**
     * PKCS #8, or the older form that {@code openssl ecparam} writes.
     *
     * @throws LinkException also if everybody can read the file
     */
    public static PrivateKey readKey(Path file) throws LinkException {
        try {
            if (Files.getPosixFilePermissions(file).contains(PosixFilePermission.OTHERS_READ)) {
                throw new LinkException("everybody can read the key %s; run `chmod 600 %s`".formatted(file, file));
            }
            Object content = read(file);
            if (content instanceof PEMKeyPair pair) {
                content = pair.getPrivateKeyInfo();
            }
            if (content instanceof PrivateKeyInfo key) {
                return new JcaPEMKeyConverter().getPrivateKey(key);
            }
        } catch (IOException e) {
            throw new LinkException("cannot read the key %s: %s".formatted(file, e), e);
        }
        throw new LinkException("%s does not begin with an unencrypted key in PEM form".formatted(file));
    }

    /** As {@link #writeKey}. */
    static void writeCertificate(Path file, X509Certificate certificate) throws LinkException {
        write(file, certificate);
    }

    /**
     * PKCS #8, readable and writable by the owner only.
     *
     * @throws LinkException also if the file exists
     */
    static void writeKey(Path file, PrivateKey key) throws LinkException {
        write(file, new PemObject("PRIVATE KEY", key.getEncoded()));
    }

    private static void write(Path file, Object content) throws LinkException {
        try (Writer text = Channels.newWriter(
                        Files.newByteChannel(
                                file,
                                Set.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE),
                                PosixFilePermissions.asFileAttribute(OWNER_ONLY)),
                        StandardCharsets.US_ASCII);
                JcaPEMWriter pem = new JcaPEMWriter(text)) {
            pem.writeObject(content);
        } catch (FileAlreadyExistsException e) {
            throw new LinkException("%s exists; nothing is overwritten".formatted(file), e);
        } catch (IOException e) {
            throw new LinkException("cannot write %s: %s".formatted(file, e), e);
        }
    }

    private static @Nullable Object read(Path file) throws LinkException {
        try (Reader text = Files.newBufferedReader(file, StandardCharsets.US_ASCII);
                PEMParser pem = new PEMParser(text)) {
            return pem.readObject();
        } catch (IOException e) {
            throw new LinkException("cannot read %s: %s".formatted(file, e), e);
        }
    }
}
