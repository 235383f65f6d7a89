package io.holdfast.agent.arbiter;

import io.holdfast.wall.Term;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;

/**
 * An arbiter that is a command, with the contract of DRBD's {@code fence-peer} handlers (DRBD User's Guide 8.4, 17.5 "The peer
 * fencing interface"), so that those that exist can be used: it sees to it that the other host cannot take the guest, and tells by
 * its exit code whether that is so.
 *
 * <table>
 * <caption>Exit codes</caption>
 * <tr><th>code</th><th>DRBD: the peer's disk</th><th>here</th></tr>
 * <tr><td>3</td><td>was inconsistent already</td><td>granted</td></tr>
 * <tr><td>4</td><td>is outdated now, or was</td><td>granted</td></tr>
 * <tr><td>5</td><td>could not be reached</td><td>a promotion is granted, going alone is not</td></tr>
 * <tr><td>6</td><td>is in use: the peer is primary</td><td>refused</td></tr>
 * <tr><td>7</td><td>its host was fenced</td><td>granted</td></tr>
 * </table>
 *
 * <p>With 5 DRBD takes the peer for dead where its own disk is up to date, and goes on ({@code conn_try_outdate_peer} in {@code
 * drbd_nl.c}); handlers say so after the peer's crash ({@code crm-fence-peer.sh}, when it has placed its constraint). An armed
 * backup is what DRBD calls up to date. But two hosts that do not hear each other may both be told 5, and then only one may go on:
 * it is the backup, because a primary that is refused the right holds its output, and loses nothing.
 *
 * <p>The command knows no terms, so it need not be told of any: a {@linkplain Claim#registration registration} is granted without
 * it. Its right does not end by itself.
 */
public final class ExecArbiter implements Arbiter {

    private static final int PEER_INCONSISTENT = 3;
    private static final int PEER_OUTDATED = 4;
    private static final int PEER_UNREACHABLE = 5;
    private static final int PEER_IS_PRIMARY = 6;
    private static final int PEER_FENCED = 7;

    private final Pair pair;
    private final BoundedCommand command;
    private final QuestionThread thread = new QuestionThread("arbiter");

    public ExecArbiter(List<String> command, Duration limit, Pair pair) {
        this.pair = pair;
        this.command = new BoundedCommand(command, limit);
    }

    @Override
    public void claim(Claim claim, Consumer<Verdict> onVerdict) {
        thread.ask(
                () -> claim.isRegistration()
                        ? Verdict.Granted.forGood()
                        : judge(claim, command.run(environment(claim))),
                Verdict.Unreachable::new,
                onVerdict);
    }

    @Override
    public String kind() {
        return "exec";
    }

    private Map<String, String> environment(Claim claim) {
        Term compared = claim.compared().orElse(claim.wanted());
        Map<String, String> environment = pair.environment(compared.owner());
        environment.put("HOLDFAST_TERM", Long.toString(claim.wanted().number()));
        environment.put("HOLDFAST_CLAIM", claim.wanted().claim().name().toLowerCase(Locale.ROOT));
        environment.put("HOLDFAST_COMPARED_TERM", Long.toString(compared.number()));
        // As drbdadm sets them.
        environment.put("DRBD_RESOURCE", pair.guest());
        environment.put("DRBD_PEER", pair.peerName(compared.owner()));
        environment.put("DRBD_PEERS", pair.peerName(compared.owner()));
        environment.put("DRBD_PEER_ADDRESS", pair.peerAddress());
        environment.put("DRBD_PEER_AF", pair.peerAddress().contains(":") ? "ipv6" : "ipv4");
        return environment;
    }

    private static Verdict judge(Claim claim, BoundedCommand.Result result) {
        if (result.exitCode().isEmpty()) {
            return new Verdict.Unreachable(result.trouble());
        }
        int code = result.exitCode().getAsInt();
        return switch (code) {
            case PEER_INCONSISTENT, PEER_OUTDATED, PEER_FENCED -> Verdict.Granted.forGood();
            case PEER_UNREACHABLE ->
                claim.wanted().claim() == Term.Claim.PROMOTION
                        ? Verdict.Granted.forGood()
                        : new Verdict.Unreachable("exit code 5: the peer cannot be reached, and may have taken over");
            case PEER_IS_PRIMARY -> new Verdict.Refused(Optional.empty(), "exit code 6: the peer is primary");
            default -> new Verdict.Unreachable("exit code " + code + ", which says nothing");
        };
    }

    @Override
    public void close() {
        thread.close();
    }
}
