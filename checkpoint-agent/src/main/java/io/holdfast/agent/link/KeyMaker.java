package io.holdfast.agent.link;

import java.io.IOException;
import java.math.BigInteger;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.SecureRandom;
import java.security.cert.X509Certificate;
import java.security.spec.ECGenParameterSpec;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Date;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;
import org.bouncycastle.asn1.x500.X500Name;
import org.bouncycastle.asn1.x509.BasicConstraints;
import org.bouncycastle.asn1.x509.ExtendedKeyUsage;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.asn1.x509.GeneralName;
import org.bouncycastle.asn1.x509.GeneralNames;
import org.bouncycastle.asn1.x509.KeyPurposeId;
import org.bouncycastle.asn1.x509.KeyUsage;
import org.bouncycastle.cert.CertIOException;
import org.bouncycastle.cert.X509v3CertificateBuilder;
import org.bouncycastle.cert.jcajce.JcaX509CertificateConverter;
import org.bouncycastle.cert.jcajce.JcaX509ExtensionUtils;
import org.bouncycastle.cert.jcajce.JcaX509v3CertificateBuilder;
import org.bouncycastle.operator.OperatorCreationException;
import org.bouncycastle.operator.jcajce.JcaContentSignerBuilder;

/**
 * Makes the key material of one cluster: an authority of its own, and a key with a certificate for each host (X.509,
 * RFC 5280; ECDSA on P-256).
 *
 * <p>{@code ca.crt} and {@code HOST.crt}, {@code HOST.key} go to the host. {@code ca.key} is needed only to make more
 * certificates, and whoever has it can join the cluster: keep it off the hosts.
 */
public final class KeyMaker {

    /** Name of the authority's files, without extension. */
    static final String AUTHORITY = "ca";

    /** Certificates are valid since yesterday, so that a host whose clock is slow accepts them. */
    private static final Duration BACKDATED = Duration.ofDays(1);

    private static final Pattern HOST = Pattern.compile("[a-z0-9-]{1,32}");
    private static final int SERIAL_BITS = 127;

    private final SecureRandom random = new SecureRandom();
    private final Date notBefore;
    private final Date notAfter;

    private KeyMaker(Instant now, int days) {
        this.notBefore = Date.from(now.minus(BACKDATED));
        this.notAfter = Date.from(now.plus(Duration.ofDays(days)));
    }

    /**
     * Writes everything into a directory, which is made if need be. All files are for their owner only, and none may
     * exist.
     *
     * @param hosts names, as their configuration has them
     * @param days how long the certificates are valid from {@code now}
     * @return the files
     */
    public static List<Path> make(Path directory, List<String> hosts, int days, Instant now) throws LinkException {
        if (days < 1) {
            throw new LinkException("certificates must be valid for at least a day, not %d".formatted(days));
        }
        Set<String> names = new LinkedHashSet<>(List.of(AUTHORITY));
        for (String host : hosts) {
            if (!HOST.matcher(host).matches()) {
                throw new LinkException("host name `%s` is not [a-z0-9-]{1,32}".formatted(host));
            }
            if (!names.add(host)) {
                throw new LinkException("host name `%s` is given twice or taken by the authority".formatted(host));
            }
        }
        refuseToOverwrite(directory, names);
        try {
            Files.createDirectories(directory);
            return new KeyMaker(now, days).write(directory, hosts);
        } catch (IOException e) {
            throw new LinkException("cannot make the directory %s: %s".formatted(directory, e), e);
        } catch (GeneralSecurityException | OperatorCreationException e) {
            throw new LinkException("cannot make keys: " + e.getMessage(), e);
        }
    }

    private static void refuseToOverwrite(Path directory, Set<String> names) throws LinkException {
        for (String name : names) {
            for (Path file : List.of(certificateFile(directory, name), keyFile(directory, name))) {
                if (Files.exists(file)) {
                    throw new LinkException("%s exists; nothing was written".formatted(file));
                }
            }
        }
    }

    private List<Path> write(Path directory, List<String> hosts)
            throws LinkException, GeneralSecurityException, OperatorCreationException, CertIOException {
        List<Path> written = new ArrayList<>();
        KeyPair authorityKeys = newKeys();
        X509Certificate authority = certifyAuthority(authorityKeys);
        written.addAll(writePair(directory, AUTHORITY, authority, authorityKeys.getPrivate()));
        for (String host : hosts) {
            KeyPair keys = newKeys();
            X509Certificate certificate = certifyHost(host, keys.getPublic(), authority, authorityKeys.getPrivate());
            written.addAll(writePair(directory, host, certificate, keys.getPrivate()));
        }
        return written;
    }

    private X509Certificate certifyAuthority(KeyPair keys)
            throws GeneralSecurityException, OperatorCreationException, CertIOException {
        // The serial number in the name keeps authorities of two clusters apart in error messages.
        BigInteger serial = newSerial();
        X500Name name =
                new X500Name("CN=Holdfast authority %x".formatted(serial.shiftRight(SERIAL_BITS - Integer.SIZE)));
        X509v3CertificateBuilder certificate = new JcaX509v3CertificateBuilder(
                        name, serial, notBefore, notAfter, name, keys.getPublic())
                .addExtension(Extension.basicConstraints, true, new BasicConstraints(0))
                .addExtension(Extension.keyUsage, true, new KeyUsage(KeyUsage.keyCertSign | KeyUsage.cRLSign))
                .addExtension(
                        Extension.subjectKeyIdentifier,
                        false,
                        new JcaX509ExtensionUtils().createSubjectKeyIdentifier(keys.getPublic()));
        return sign(certificate, keys.getPrivate());
    }

    private X509Certificate certifyHost(String host, PublicKey key, X509Certificate authority, PrivateKey authorityKey)
            throws GeneralSecurityException, OperatorCreationException, CertIOException {
        JcaX509ExtensionUtils identifiers = new JcaX509ExtensionUtils();
        // A host listens and connects, so its certificate is good for both.
        ExtendedKeyUsage bothEnds =
                new ExtendedKeyUsage(new KeyPurposeId[] {KeyPurposeId.id_kp_serverAuth, KeyPurposeId.id_kp_clientAuth});
        X509v3CertificateBuilder certificate = new JcaX509v3CertificateBuilder(
                        authority, newSerial(), notBefore, notAfter, new X500Name("CN=" + host), key)
                .addExtension(Extension.basicConstraints, true, new BasicConstraints(false))
                .addExtension(Extension.keyUsage, true, new KeyUsage(KeyUsage.digitalSignature))
                .addExtension(Extension.extendedKeyUsage, false, bothEnds)
                .addExtension(
                        Extension.subjectAlternativeName,
                        false,
                        new GeneralNames(new GeneralName(GeneralName.dNSName, host)))
                .addExtension(Extension.subjectKeyIdentifier, false, identifiers.createSubjectKeyIdentifier(key))
                .addExtension(
                        Extension.authorityKeyIdentifier, false, identifiers.createAuthorityKeyIdentifier(authority));
        return sign(certificate, authorityKey);
    }

    private static X509Certificate sign(X509v3CertificateBuilder certificate, PrivateKey key)
            throws GeneralSecurityException, OperatorCreationException {
        return new JcaX509CertificateConverter()
                .getCertificate(certificate.build(new JcaContentSignerBuilder("SHA256withECDSA").build(key)));
    }

    private KeyPair newKeys() throws GeneralSecurityException {
        KeyPairGenerator generator = KeyPairGenerator.getInstance("EC");
        generator.initialize(new ECGenParameterSpec("secp256r1"), random);
        return generator.generateKeyPair();
    }

    private BigInteger newSerial() {
        return new BigInteger(SERIAL_BITS, random).setBit(SERIAL_BITS - 1);
    }

    private static List<Path> writePair(Path directory, String name, X509Certificate certificate, PrivateKey key)
            throws LinkException {
        Path certificateFile = certificateFile(directory, name);
        Path keyFile = keyFile(directory, name);
        PemFiles.writeCertificate(certificateFile, certificate);
        PemFiles.writeKey(keyFile, key);
        return List.of(certificateFile, keyFile);
    }

    private static Path certificateFile(Path directory, String name) {
        return directory.resolve(name + ".crt");
    }

    private static Path keyFile(Path directory, String name) {
        return directory.resolve(name + ".key");
    }
}
