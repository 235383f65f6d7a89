package io.holdfast.config;

import java.util.List;
import java.util.Locale;

/** The rules that tie the settings of an arbiter together. */
final class ArbiterChecks {

    private static final List<Setting<?>> OF_ETCD = List.of(
            Settings.ARBITER_ENDPOINTS,
            Settings.ARBITER_AUTHORITY,
            Settings.ARBITER_CERTIFICATE,
            Settings.ARBITER_KEY,
            Settings.ARBITER_USER,
            Settings.ARBITER_PASSWORD_FILE);
    private static final List<Setting<?>> OF_EXEC = List.of(Settings.ARBITER_COMMAND);

    private final SectionValues arbiter;
    private final Problems problems;

    ArbiterChecks(SectionValues arbiter, Problems problems) {
        this.arbiter = arbiter;
        this.problems = problems;
    }

    void check() {
        arbiter.find(Settings.ARBITER_KIND).ifPresent(kind -> {
            switch (kind) {
                case NONE -> refuse(kind, OF_ETCD, OF_EXEC);
                case ETCD -> {
                    require(Settings.ARBITER_ENDPOINTS);
                    refuse(kind, OF_EXEC);
                    checkEtcd();
                }
                case EXEC -> {
                    require(Settings.ARBITER_COMMAND);
                    refuse(kind, OF_ETCD);
                }
            }
        });
    }

    private void checkEtcd() {
        goesWith(Settings.ARBITER_CERTIFICATE, Settings.ARBITER_KEY);
        goesWith(Settings.ARBITER_KEY, Settings.ARBITER_CERTIFICATE);
        goesWith(Settings.ARBITER_CERTIFICATE, Settings.ARBITER_AUTHORITY);
        goesWith(Settings.ARBITER_USER, Settings.ARBITER_PASSWORD_FILE);
        goesWith(Settings.ARBITER_PASSWORD_FILE, Settings.ARBITER_USER);
        arbiter.find(Settings.ARBITER_LEASE)
                .filter(lease -> lease.toMillisPart() != 0)
                .ifPresent(lease -> problems.add(
                        arbiter.line(Settings.ARBITER_LEASE),
                        "`lease` must be whole seconds; etcd knows nothing finer"));
        arbiter.find(Settings.ARBITER_LEASE)
                .flatMap(lease -> arbiter.find(Settings.ARBITER_TIME_LIMIT)
                        .filter(limit -> limit.multipliedBy(2).compareTo(lease) > 0))
                .ifPresent(limit -> problems.add(
                        arbiter.line(Settings.ARBITER_TIME_LIMIT),
                        "`time-limit` must be at most half of `lease`, or one lost answer ends it"));
    }

    private void require(Setting<?> setting) {
        if (!arbiter.names(setting)) {
            problems.add(
                    arbiter.line(Settings.ARBITER_KIND),
                    "missing key `" + setting.key() + "` in `agent.arbiter`: " + setting.text());
        }
    }

    private void goesWith(Setting<?> setting, Setting<?> other) {
        if (arbiter.names(setting) && !arbiter.names(other)) {
            problems.add(
                    arbiter.line(setting), "`" + setting.key() + "` in `agent.arbiter` needs `" + other.key() + "`");
        }
    }

    @SafeVarargs
    private void refuse(ArbiterKind kind, List<Setting<?>>... groups) {
        for (List<Setting<?>> group : groups) {
            group.stream()
                    .filter(arbiter::names)
                    .forEach(setting -> problems.add(
                            arbiter.line(setting),
                            "`" + setting.key() + "` does not go with `kind: "
                                    + kind.name().toLowerCase(Locale.ROOT) + "`"));
        }
    }
}
