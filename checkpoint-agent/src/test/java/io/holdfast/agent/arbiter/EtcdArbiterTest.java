package io.holdfast.agent.arbiter;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import io.holdfast.wall.Term;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Against a real etcd. */
class EtcdArbiterTest {

    private static final Duration LEASE = Duration.ofSeconds(2);
    private static final Duration LIMIT = Duration.ofSeconds(10);
    private static final int RACES = 50;
    private static final Term FIRST = new Term(1, Term.Claim.PROMOTION, "a");

    @TempDir
    static Path directory;

    private static Etcd etcd;
    private static final AtomicInteger GUESTS = new AtomicInteger();

    private final List<AutoCloseable> open = new ArrayList<>();
    private final String guest = "guest-" + GUESTS.incrementAndGet();
    private Arbiter ofA;
    private Arbiter ofB;

    @BeforeAll
    static void start() throws IOException {
        etcd = new Etcd(directory);
    }

    @AfterAll
    static void stop() throws InterruptedException {
        etcd.close();
    }

    @BeforeEach
    void connect() {
        ofA = arbiter("a", List.of(etcd.endpoint()), LIMIT);
        ofB = arbiter("b", List.of(etcd.endpoint()), LIMIT);
    }

    @AfterEach
    void close() throws Exception {
        for (AutoCloseable each : open) {
            each.close();
        }
    }

    @Test
    void shouldGrantThePromotionOfABackupThatWasArmedUnderTheRegisteredTerm() throws Exception {
        ask(ofA, Claim.registration(FIRST));
        assertThat(ask(ofB, promotionOfB(FIRST))).isInstanceOf(Verdict.Granted.class);
    }

    @Test
    void shouldGrantExactlyOneOfTwoClaimsThatAreMadeAtOnce() throws Exception {
        Term term = FIRST;
        ask(ofA, Claim.registration(term));
        for (int race = 0; race < RACES; race++) {
            CompletableFuture<Verdict> alone = begin(ofA, aloneOfA(term));
            CompletableFuture<Verdict> promotion = begin(ofB, promotionOfB(term));
            List<Verdict> verdicts = List.of(verdictOf(alone), verdictOf(promotion));
            assertThat(verdicts).filteredOn(Verdict.Granted.class::isInstance).hasSize(1);
            assertThat(verdicts).filteredOn(Verdict.Refused.class::isInstance).hasSize(1);
            boolean primaryWon = verdicts.getFirst() instanceof Verdict.Granted;
            term = primaryWon ? term.aloneOf("a") : term.promotionOf("b");
        }
    }

    @Test
    void shouldRefuseAndNameTheTermThatStandsInTheWay() throws Exception {
        ask(ofA, Claim.registration(FIRST));
        ask(ofA, aloneOfA(FIRST));
        assertThat(ask(ofB, promotionOfB(FIRST)))
                .isInstanceOfSatisfying(
                        Verdict.Refused.class,
                        refused -> assertThat(refused.newest()).contains(FIRST.aloneOf("a")));
    }

    /** Also of a claim that was written though nobody heard of it. */
    @Test
    void shouldGrantAgainWhatItHasGrantedTheSameHost() throws Exception {
        ask(ofA, Claim.registration(FIRST));
        try (AnswerEater eater = new AnswerEater(etcd.endpoint(), "/v3/kv/txn")) {
            Arbiter unheard = arbiter("b", List.of(eater.endpoint()), Duration.ofSeconds(5));
            assertThat(ask(unheard, promotionOfB(FIRST))).isInstanceOf(Verdict.Unreachable.class);
            assertThat(eater.eaten()).isPositive();
        }
        assertThat(ask(ofA, aloneOfA(FIRST))).isInstanceOf(Verdict.Refused.class);
        assertThat(ask(ofB, promotionOfB(FIRST))).isInstanceOf(Verdict.Granted.class);
    }

    /** Data that were lost, or never there, must not let an overtaken checkpoint win. */
    @Test
    void shouldGrantNothingWhereNoTermIsRegistered() throws Exception {
        assertThat(ask(ofB, promotionOfB(FIRST))).isInstanceOf(Verdict.Unreachable.class);
        assertThat(ask(ofA, aloneOfA(FIRST))).isInstanceOf(Verdict.Unreachable.class);
    }

    @Test
    void shouldGrantNothingWhereOnlyAnOlderTermIsRegistered() throws Exception {
        ask(ofA, Claim.registration(FIRST));
        Term unregistered = new Term(5, Term.Claim.ALONE, "a");
        assertThat(ask(ofB, promotionOfB(unregistered))).isInstanceOf(Verdict.Unreachable.class);
    }

    @Test
    void shouldNeverLetARegistrationTakeBackANewerTerm() throws Exception {
        ask(ofA, Claim.registration(FIRST));
        ask(ofB, promotionOfB(FIRST));
        assertThat(ask(ofA, Claim.registration(FIRST))).isInstanceOf(Verdict.Refused.class);
    }

    @Test
    void shouldShowTheOwnerForAsLongAsItRenewsItsLeaseAndKeepTheTermForEver() throws Exception {
        ask(ofA, Claim.registration(FIRST));
        Claim claim = aloneOfA(FIRST);
        ask(ofA, claim);
        for (int renewal = 0; renewal < 4; renewal++) {
            TimeUnit.MILLISECONDS.sleep(LEASE.toMillis() / 3);
            ask(ofA, Claim.renewal(claim.wanted()));
        }
        assertThat(value("owner")).contains("a");
        await().atMost(LIMIT).until(() -> value("owner").isEmpty());
        assertThat(value("term")).contains("{\"number\":2,\"claim\":\"alone\",\"owner\":\"a\"}");
    }

    @Test
    void shouldCountTheLeaseFromBeforeItWasAskedFor() throws Exception {
        ask(ofA, Claim.registration(FIRST));
        long beforeNanos = System.nanoTime();
        Verdict verdict = ask(ofA, aloneOfA(FIRST));
        long afterNanos = System.nanoTime();
        assertThat(verdict).isInstanceOfSatisfying(Verdict.Granted.class, granted -> {
            long until = granted.leaseUntilNanos().orElseThrow();
            assertThat(until - beforeNanos).isGreaterThanOrEqualTo(LEASE.toNanos());
            assertThat(until - afterNanos).isLessThan(LEASE.toNanos());
        });
    }

    @ParameterizedTest
    @ValueSource(strings = {"/v3/lease/grant", "/v3/lease/keepalive"})
    void shouldNotCountTheLeaseFromWhenTheQuestionArrived(String path) throws Exception {
        ask(ofA, Claim.registration(FIRST));
        AtomicLong arrivedNanos = new AtomicLong();
        try (AnswerEater front =
                AnswerEater.lateWith(etcd.endpoint(), path, () -> arrivedNanos.set(System.nanoTime()))) {
            Arbiter arbiter = arbiter("a", List.of(front.endpoint()), LIMIT);
            Verdict verdict = ask(arbiter, aloneOfA(FIRST));
            if (arrivedNanos.get() == 0) {
                verdict = ask(arbiter, Claim.renewal(FIRST.aloneOf("a")));
            }
            assertThat(arrivedNanos.get()).isNotZero();
            long untilNanos = ((Verdict.Granted) verdict).leaseUntilNanos().orElseThrow();
            assertThat(untilNanos - arrivedNanos.get()).isLessThan(LEASE.toNanos());
        }
    }

    /** The lease would end it. */
    @Test
    void shouldKeepATermForEverThatIsWrittenWhileALeaseLasts() throws Exception {
        ask(ofA, Claim.registration(FIRST));
        Term alone = FIRST.aloneOf("a");
        ask(ofA, aloneOfA(FIRST));
        ask(ofA, aloneOfA(alone));
        await().atMost(LIMIT).until(() -> value("owner").isEmpty());
        assertThat(value("term")).contains("{\"number\":3,\"claim\":\"alone\",\"owner\":\"a\"}");
    }

    @Test
    void shouldTakeNoLeaseForATermThatIsOnlyRegistered() throws Exception {
        assertThat(ask(ofA, Claim.registration(FIRST))).isEqualTo(Verdict.Granted.forGood());
        assertThat(value("owner")).isEmpty();
    }

    /** etcd keeps each until it ends. */
    @Test
    void shouldTakeOneLeaseHoweverOftenItIsRenewed() throws Exception {
        ask(ofA, Claim.registration(FIRST));
        ask(ofA, aloneOfA(FIRST));
        Set<String> before = leases();
        for (int renewal = 0; renewal < 3; renewal++) {
            ask(ofA, Claim.renewal(FIRST.aloneOf("a")));
        }
        assertThat(before).containsAll(leases());
    }

    /** etcd gives no lease shorter than 2 s, and the owner would be taken to serve for longer than was agreed. */
    @Test
    void shouldServeNoLongerThanItAskedForThoughEtcdGivesMore() throws Exception {
        Duration shorter = Duration.ofSeconds(1);
        Pair pair = new Pair(guest, "a", new InetSocketAddress(InetAddress.getLoopbackAddress(), 1));
        Arbiter brief =
                new EtcdArbiter(pair, List.of(etcd.endpoint()), shorter, LIMIT, Optional.empty(), Optional.empty());
        open.add(brief);
        ask(brief, Claim.registration(FIRST));
        for (Claim claim : List.of(aloneOfA(FIRST), Claim.renewal(FIRST.aloneOf("a")))) {
            Verdict verdict = ask(brief, claim);
            long untilNanos = ((Verdict.Granted) verdict).leaseUntilNanos().orElseThrow();
            assertThat(untilNanos - System.nanoTime()).isLessThan(shorter.toNanos());
        }
    }

    @Test
    void shouldGrantNothingByATermThatChangesWhileTheLeaseIsTaken() throws Exception {
        ask(ofA, Claim.registration(FIRST));
        try (AnswerEater front = AnswerEater.lateWith(
                etcd.endpoint(),
                "/v3/lease/grant",
                () -> begin(ofB, promotionOfB(FIRST)).join())) {
            Arbiter late = arbiter("a", List.of(front.endpoint()), LIMIT);
            assertThat(ask(late, Claim.renewal(FIRST))).isInstanceOf(Verdict.Refused.class);
        }
        assertThat(value("owner")).contains("b");
    }

    @Test
    void shouldShowTheOwnerThoughTheFirstAttemptHadNoAnswer() throws Exception {
        ask(ofA, Claim.registration(FIRST));
        ask(ofA, aloneOfA(FIRST));
        await().atMost(LIMIT).until(() -> value("owner").isEmpty());
        AtomicBoolean failing = new AtomicBoolean(true);
        try (AnswerEater front = AnswerEater.lateWith(etcd.endpoint(), "/v3/kv/txn", () -> {
            if (failing.getAndSet(false)) {
                throw new IllegalStateException("once, by the test");
            }
        })) {
            Arbiter arbiter = arbiter("a", List.of(front.endpoint()), LIMIT);
            Claim renewal = Claim.renewal(FIRST.aloneOf("a"));
            assertThat(ask(arbiter, renewal)).isInstanceOf(Verdict.Unreachable.class);
            assertThat(ask(arbiter, renewal)).isInstanceOf(Verdict.Granted.class);
            assertThat(value("owner")).contains("a");
        }
    }

    @Test
    void shouldTakeAnotherLeaseWhenTheLastOneHasRunOut() throws Exception {
        ask(ofA, Claim.registration(FIRST));
        Claim claim = aloneOfA(FIRST);
        ask(ofA, claim);
        await().atMost(LIMIT).until(() -> value("owner").isEmpty());
        assertThat(ask(ofA, Claim.renewal(claim.wanted()))).isInstanceOf(Verdict.Granted.class);
        assertThat(value("owner")).contains("a");
    }

    @Test
    void shouldRefuseToRenewTheLeaseOfATermThatIsOver() throws Exception {
        ask(ofA, Claim.registration(FIRST));
        ask(ofB, promotionOfB(FIRST));
        assertThat(ask(ofA, Claim.renewal(FIRST))).isInstanceOf(Verdict.Refused.class);
    }

    @Test
    void shouldAskTheNextEndpointWhenOneDoesNotAnswer() throws Exception {
        Arbiter second = arbiter("a", List.of(Etcd.nowhere(), etcd.endpoint()), LIMIT);
        assertThat(ask(second, Claim.registration(FIRST))).isInstanceOf(Verdict.Granted.class);
    }

    @Test
    void shouldBeUnreachableWhileEtcdIsStoppedAndKnowTheTermAfterwards() throws Exception {
        ask(ofA, Claim.registration(FIRST));
        ask(ofA, aloneOfA(FIRST));
        etcd.stop();
        assertThat(ask(ofB, promotionOfB(FIRST))).isInstanceOf(Verdict.Unreachable.class);
        etcd.start();
        await().atMost(LIMIT).until(() -> ask(ofB, promotionOfB(FIRST)) instanceof Verdict.Refused);
    }

    /** Somebody else's data. */
    @Test
    void shouldGrantNothingWhereSomethingElseStandsInPlaceOfATerm() throws Exception {
        EtcdGateway gateway = gateway();
        gateway.ask(
                "/v3/kv/put",
                EtcdGateway.object()
                        .put("key", encoded("/holdfast/" + guest + "/term"))
                        .put("value", encoded("no term")));
        assertThat(ask(ofA, Claim.registration(FIRST)))
                .isInstanceOfSatisfying(
                        Verdict.Unreachable.class,
                        unreachable -> assertThat(unreachable.reason()).contains("is no term"));
    }

    private Arbiter arbiter(String host, List<URI> endpoints, Duration limit) {
        Pair pair = new Pair(guest, host, new InetSocketAddress(InetAddress.getLoopbackAddress(), 1));
        Arbiter arbiter = new EtcdArbiter(pair, endpoints, LEASE, limit, Optional.empty(), Optional.empty());
        open.add(arbiter);
        return arbiter;
    }

    private EtcdGateway gateway() {
        EtcdGateway gateway = new EtcdGateway(List.of(etcd.endpoint()), LIMIT, Optional.empty(), Optional.empty());
        open.add(gateway);
        return gateway;
    }

    private Optional<String> value(String key) throws Exception {
        JsonNode entries = gateway()
                .ask("/v3/kv/range", EtcdGateway.object().put("key", encoded("/holdfast/" + guest + "/" + key)))
                .path("kvs");
        return entries.isEmpty()
                ? Optional.empty()
                : Optional.of(new String(
                        Base64.getDecoder().decode(entries.get(0).path("value").asText()), StandardCharsets.UTF_8));
    }

    private Set<String> leases() throws Exception {
        return Set.copyOf(gateway()
                .ask("/v3/lease/leases", EtcdGateway.object())
                .path("leases")
                .findValuesAsText("ID"));
    }

    private static String encoded(String text) {
        return Base64.getEncoder().encodeToString(text.getBytes(StandardCharsets.UTF_8));
    }

    private static Claim promotionOfB(Term armedUnder) {
        return Claim.after(armedUnder, armedUnder.promotionOf("b"));
    }

    private static Claim aloneOfA(Term armedUnder) {
        return Claim.after(armedUnder, armedUnder.aloneOf("a"));
    }

    private static CompletableFuture<Verdict> begin(Arbiter arbiter, Claim claim) {
        CompletableFuture<Verdict> verdict = new CompletableFuture<>();
        arbiter.claim(claim, verdict::complete);
        return verdict;
    }

    private static Verdict ask(Arbiter arbiter, Claim claim) throws Exception {
        return verdictOf(begin(arbiter, claim));
    }

    private static Verdict verdictOf(CompletableFuture<Verdict> verdict) throws Exception {
        return verdict.get(30, TimeUnit.SECONDS);
    }
}
