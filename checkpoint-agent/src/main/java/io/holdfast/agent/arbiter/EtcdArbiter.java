package io.holdfast.agent.arbiter;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.holdfast.agent.arbiter.EtcdGateway.UnansweredException;
import io.holdfast.wall.Term;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Base64;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.function.Consumer;
import javax.net.ssl.SSLContext;

/**
 * An arbiter that is a cluster of etcd, which keeps two keys for a guest:
 *
 * <pre>
 *   /holdfast/GUEST/term    {"number":4,"claim":"promotion","owner":"b"}   stays for ever; compared and set
 *   /holdfast/GUEST/owner   b                                              hangs on the lease of who serves alone
 * </pre>
 *
 * The first one decides. It is read, {@linkplain TermRegister judged}, and replaced in a transaction on condition that nobody has
 * replaced it since (its {@code mod_revision}, which is 0 for a key that is not there). So a transaction that arrives late, or
 * twice, changes nothing that somebody else has changed. The second one is for other systems to see that the owner lives.
 *
 * <p>A lease counts from before the question was sent: one that ends here before it ends at etcd is safe.
 */
public final class EtcdArbiter implements Arbiter {

    private static final ObjectMapper JSON = new ObjectMapper();
    private static final String NO_LEASE = "";
    private static final int ROUNDS = 3;
    private static final long NANOS_PER_SECOND = 1_000_000_000L;

    /** What stands in the first key. */
    private record Entry(Optional<Term> term, long modRevision) {}

    private final String termKey;
    private final String ownerKey;
    private final String host;
    private final Duration lease;
    private final EtcdGateway gateway;
    private final QuestionThread thread = new QuestionThread("arbiter");
    private String leaseId = NO_LEASE;

    /**
     * Does not connect yet.
     *
     * @param endpoints tried in this order
     * @param lease whole seconds
     * @param limit for a question to one endpoint
     * @param tls for endpoints with https
     * @param login the user, and the file that has the password
     */
    public EtcdArbiter(
            Pair pair,
            List<URI> endpoints,
            Duration lease,
            Duration limit,
            Optional<SSLContext> tls,
            Optional<EtcdLogin> login) {
        this.termKey = "/holdfast/" + pair.guest() + "/term";
        this.ownerKey = "/holdfast/" + pair.guest() + "/owner";
        this.host = pair.host();
        this.lease = lease;
        this.gateway = new EtcdGateway(endpoints, limit, tls, login);
    }

    @Override
    public void claim(Claim claim, Consumer<Verdict> onVerdict) {
        thread.ask(() -> judge(claim), Verdict.Unreachable::new, onVerdict);
    }

    @Override
    public String kind() {
        return "etcd";
    }

    private Verdict judge(Claim claim) throws InterruptedException {
        try {
            for (int round = 0; round < ROUNDS; round++) {
                Entry entry = read();
                switch (TermRegister.rule(claim, entry.term())) {
                    case HELD, WRITE -> {
                        boolean isWritten =
                                entry.term().isPresent() && entry.term().get().equals(claim.wanted());
                        if (isWritten || replace(entry, claim.wanted())) {
                            Optional<Verdict> granted = grant(claim);
                            if (granted.isPresent()) {
                                return granted.get();
                            }
                        } // Somebody was faster; see who.
                    }
                    case REFUSED -> {
                        return new Verdict.Refused(
                                entry.term(),
                                "etcd has term "
                                        + entry.term().map(Term::toString).orElse("none"));
                    }
                    case UNREGISTERED -> {
                        return new Verdict.Unreachable("etcd has "
                                + entry.term().map(term -> "only term " + term).orElse("no term")
                                + ": nobody knows who has gone on since, so an operator has to decide");
                    }
                }
            }
            return new Verdict.Unreachable("the term has changed " + ROUNDS + " times meanwhile");
        } catch (UnansweredException e) {
            return new Verdict.Unreachable(String.valueOf(e.getMessage()));
        }
    }

    // ---- the term ----

    private Entry read() throws UnansweredException, InterruptedException {
        JsonNode entries = gateway.ask("/v3/kv/range", EtcdGateway.object().put("key", encoded(termKey)))
                .path("kvs");
        if (entries.isEmpty()) {
            return new Entry(Optional.empty(), 0);
        }
        JsonNode entry = entries.get(0);
        return new Entry(
                Optional.of(term(entry.path("value").asText())),
                Long.parseLong(entry.path("mod_revision").asText("0")));
    }

    private boolean replace(Entry seen, Term wanted) throws UnansweredException, InterruptedException {
        ObjectNode transaction = EtcdGateway.object();
        transaction
                .putArray("compare")
                .addObject()
                .put("key", encoded(termKey))
                .put("target", "MOD")
                .put("result", "EQUAL")
                .put("mod_revision", Long.toString(seen.modRevision()));
        put(transaction.putArray("success"), termKey, text(wanted));
        return gateway.ask("/v3/kv/txn", transaction).path("succeeded").asBoolean();
    }

    private static ObjectNode put(ArrayNode operations, String key, String value) {
        return operations
                .addObject()
                .putObject("request_put")
                .put("key", encoded(key))
                .put("value", encoded(value));
    }

    private static String encoded(String text) {
        return Base64.getEncoder().encodeToString(text.getBytes(StandardCharsets.UTF_8));
    }

    private static String text(Term term) {
        return EtcdGateway.object()
                .put("number", term.number())
                .put("claim", term.claim().name().toLowerCase(Locale.ROOT))
                .put("owner", term.owner())
                .toString();
    }

    private Term term(String encoded) throws UnansweredException {
        String value = encoded;
        try {
            value = new String(Base64.getDecoder().decode(encoded), StandardCharsets.UTF_8);
            JsonNode term = JSON.readTree(value);
            return new Term(
                    term.required("number").longValue(),
                    Term.Claim.valueOf(term.required("claim").asText().toUpperCase(Locale.ROOT)),
                    term.required("owner").asText());
        } catch (JsonProcessingException | IllegalArgumentException e) {
            throw new UnansweredException("what stands in " + termKey + " is no term: " + value);
        }
    }

    // ---- the lease ----

    /** @return empty if the term has changed since it was written */
    private Optional<Verdict> grant(Claim claim) throws UnansweredException, InterruptedException {
        if (!claim.leased()) {
            return Optional.of(Verdict.Granted.forGood());
        }
        long askedNanos = System.nanoTime();
        long seconds = leaseId.equals(NO_LEASE) ? 0 : renew();
        if (seconds <= 0) {
            askedNanos = System.nanoTime();
            JsonNode taken = takeLease();
            String takenId = taken.path("ID").asText();
            if (!showOwner(claim.wanted(), takenId)) {
                return Optional.empty();
            }
            leaseId = takenId;
            seconds = seconds(taken);
        }
        return Optional.of(new Verdict.Granted(OptionalLong.of(askedNanos + seconds * NANOS_PER_SECOND)));
    }

    /** @return for how long; 0 if etcd knows it no more */
    private long renew() throws UnansweredException, InterruptedException {
        return seconds(gateway.ask("/v3/lease/keepalive", EtcdGateway.object().put("ID", leaseId))
                .path("result"));
    }

    private JsonNode takeLease() throws UnansweredException, InterruptedException {
        return gateway.ask("/v3/lease/grant", EtcdGateway.object().put("TTL", Long.toString(lease.toSeconds())));
    }

    /** etcd may give more than was asked for; then the owner would be seen to live for longer than it serves. */
    private long seconds(JsonNode granted) {
        return Math.min(granted.path("TTL").asLong(), lease.toSeconds());
    }

    /** @return false, and nothing is shown, if the term has changed meanwhile */
    private boolean showOwner(Term wanted, String hangingOn) throws UnansweredException, InterruptedException {
        ObjectNode transaction = EtcdGateway.object();
        transaction
                .putArray("compare")
                .addObject()
                .put("key", encoded(termKey))
                .put("target", "VALUE")
                .put("result", "EQUAL")
                .put("value", encoded(text(wanted)));
        put(transaction.putArray("success"), ownerKey, host).put("lease", hangingOn);
        return gateway.ask("/v3/kv/txn", transaction).path("succeeded").asBoolean();
    }

    @Override
    public void close() {
        thread.close();
        gateway.close();
    }
}
