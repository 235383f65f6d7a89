package io.holdfast.agent.arbiter;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.holdfast.agent.arbiter.EtcdGateway.UnansweredException;
import io.holdfast.agent.link.KeyMaker;
import io.holdfast.agent.link.PemFiles;
import io.holdfast.wall.Term;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Against a real etcd that serves only users, of whom Holdfast's may touch the keys of its guest and no other. */
class EtcdLoginTest {

    private static final Duration LEASE = Duration.ofSeconds(5);
    private static final Duration LIMIT = Duration.ofSeconds(10);
    private static final Duration TOKEN_LIFE = Duration.ofSeconds(1);
    private static final String ROOT = "root";
    private static final String USER = "holdfast-a";
    private static final String PASSWORD = "correct horse";
    private static final Term FIRST = new Term(1, Term.Claim.PROMOTION, "a");

    @TempDir
    Path directory;

    private final List<AutoCloseable> open = new ArrayList<>();
    private Etcd etcd;

    @BeforeEach
    void start() throws Exception {
        etcd = Etcd.withTokensOf(TOKEN_LIFE, directory);
        open.add(etcd);
    }

    @AfterEach
    void close() throws Exception {
        for (AutoCloseable each : open.reversed()) {
            each.close();
        }
    }

    @Test
    void shouldGrantToAUserWhoMayTouchTheGuestsKeysOnly() throws Exception {
        demandLogins();
        Arbiter arbiter = arbiter("guest", login(PASSWORD));
        assertThat(ask(arbiter, Claim.registration(FIRST))).isInstanceOf(Verdict.Granted.class);
        assertThat(ask(arbiter, Claim.after(FIRST, FIRST.aloneOf("a")))).isInstanceOf(Verdict.Granted.class);
    }

    @Test
    void shouldNameTheUserWhoMayNotTouchTheKeys() throws Exception {
        demandLogins();
        assertThat(trouble(arbiter("another", login(PASSWORD))))
                .contains("`agent.arbiter.user` needs a role that may read and write");
    }

    @Test
    void shouldNameThePasswordThatIsWrong() throws Exception {
        demandLogins();
        assertThat(trouble(arbiter("guest", login("wrong horse"))))
                .contains("the password in `agent.arbiter.password-file` is wrong");
    }

    @Test
    void shouldNameAPasswordFileThatIsNoText() throws Exception {
        demandLogins();
        Path latin1 = Files.write(directory.resolve("latin-1"), "pass\u00e9".getBytes(StandardCharsets.ISO_8859_1));
        assertThat(trouble(arbiter("guest", Optional.of(new EtcdLogin(USER, latin1)))))
                .contains("the password in " + latin1 + " is not UTF-8");
    }

    @Test
    void shouldNameTheSettingsOfALoginThatIsMissing() throws Exception {
        demandLogins();
        assertThat(trouble(arbiter("guest", Optional.empty())))
                .contains("set `agent.arbiter.user` and `password-file`");
    }

    @Test
    void shouldSayThatThereAreNoLogins() throws Exception {
        assertThat(trouble(arbiter("guest", login(PASSWORD)))).contains("leave out `agent.arbiter.user`");
    }

    /** The lease, too: it is asked for in a stream, which tells errors in another way. */
    @Test
    void shouldLogInAgainWhenItsTokenHasEnded() throws Exception {
        demandLogins();
        Arbiter arbiter = arbiter("guest", login(PASSWORD));
        ask(arbiter, Claim.registration(FIRST));
        Term alone = FIRST.aloneOf("a");
        ask(arbiter, Claim.after(FIRST, alone));
        for (int renewal = 0; renewal < 2; renewal++) {
            TimeUnit.MILLISECONDS.sleep(TOKEN_LIFE.toMillis() * 5 / 2);
            assertThat(ask(arbiter, Claim.renewal(alone))).isInstanceOf(Verdict.Granted.class);
        }
    }

    /** Which forgets simple tokens. */
    @Test
    void shouldLogInAgainAfterEtcdWasRestarted() throws Exception {
        demandLogins();
        Arbiter arbiter = arbiter("guest", login(PASSWORD));
        ask(arbiter, Claim.registration(FIRST));
        etcd.stop();
        etcd.start();
        assertThat(ask(arbiter, Claim.registration(FIRST))).isInstanceOf(Verdict.Granted.class);
    }

    @Test
    void shouldLogInAgainWhenUsersWereChanged() throws Exception {
        etcd.close();
        Path keys = directory.resolve("keys");
        KeyMaker.make(keys, List.of("signer"), 2, Instant.now());
        Path publicKey = writePublicKeyOf(keys.resolve("signer.crt"));
        etcd = Etcd.withTokensOfARevision(
                Files.createDirectory(directory.resolve("revision")), publicKey, keys.resolve("signer.key"));
        open.add(etcd);
        demandLogins();
        Arbiter arbiter = arbiter("guest", login(PASSWORD));
        ask(arbiter, Claim.registration(FIRST));
        EtcdGateway root = gateway(Optional.of(new EtcdLogin(ROOT, passwordFile(PASSWORD))));
        root.ask("/v3/auth/user/add", credentials("somebody"));
        assertThat(ask(arbiter, Claim.registration(FIRST))).isInstanceOf(Verdict.Granted.class);
    }

    /** From now on: {@value #USER} has the keys of the guest {@code guest}. */
    private void demandLogins() throws IOException, InterruptedException, UnansweredException {
        EtcdGateway gateway = gateway(Optional.empty());
        gateway.ask("/v3/auth/user/add", credentials(ROOT));
        gateway.ask("/v3/auth/user/grant", object("user", ROOT).put("role", ROOT));
        gateway.ask("/v3/auth/user/add", credentials(USER));
        gateway.ask("/v3/auth/role/add", object("name", "of-guest"));
        ObjectNode permission = object("name", "of-guest");
        permission
                .putObject("perm")
                .put("permType", "READWRITE")
                .put("key", encoded("/holdfast/guest/"))
                .put("range_end", encoded("/holdfast/guest0"));
        gateway.ask("/v3/auth/role/grant", permission);
        gateway.ask("/v3/auth/user/grant", object("user", USER).put("role", "of-guest"));
        gateway.ask("/v3/auth/enable", EtcdGateway.object());
    }

    private Arbiter arbiter(String guest, Optional<EtcdLogin> login) {
        Pair pair = new Pair(guest, "a", new InetSocketAddress(InetAddress.getLoopbackAddress(), 1));
        Arbiter arbiter = new EtcdArbiter(pair, List.of(etcd.endpoint()), LEASE, LIMIT, Optional.empty(), login);
        open.add(arbiter);
        return arbiter;
    }

    private EtcdGateway gateway(Optional<EtcdLogin> login) {
        EtcdGateway gateway = new EtcdGateway(List.of(etcd.endpoint()), LIMIT, Optional.empty(), login);
        open.add(gateway);
        return gateway;
    }

    private Optional<EtcdLogin> login(String password) throws IOException {
        return Optional.of(new EtcdLogin(USER, passwordFile(password)));
    }

    private Path passwordFile(String password) throws IOException {
        return Files.writeString(directory.resolve("password"), password + "\n");
    }

    private static Path writePublicKeyOf(Path certificate) throws Exception {
        X509Certificate read = PemFiles.readCertificate(certificate);
        String body = Base64.getMimeEncoder(64, new byte[] {'\n'})
                .encodeToString(read.getPublicKey().getEncoded());
        return Files.writeString(
                certificate.resolveSibling("signer.pub"),
                "-----BEGIN PUBLIC KEY-----\n" + body + "\n-----END PUBLIC KEY-----\n");
    }

    private static ObjectNode credentials(String name) {
        return object("name", name).put("password", PASSWORD);
    }

    private static ObjectNode object(String key, String value) {
        return EtcdGateway.object().put(key, value);
    }

    private static String encoded(String text) {
        return Base64.getEncoder().encodeToString(text.getBytes(StandardCharsets.UTF_8));
    }

    private static String trouble(Arbiter arbiter) throws Exception {
        Verdict verdict = ask(arbiter, Claim.registration(FIRST));
        assertThat(verdict).isInstanceOf(Verdict.Unreachable.class);
        return ((Verdict.Unreachable) verdict).reason();
    }

    private static Verdict ask(Arbiter arbiter, Claim claim) throws Exception {
        CompletableFuture<Verdict> verdict = new CompletableFuture<>();
        arbiter.claim(claim, verdict::complete);
        return verdict.get(30, TimeUnit.SECONDS);
    }
}
