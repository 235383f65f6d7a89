package io.holdfast.cli;

import io.holdfast.agent.HoldfastAgent;
import io.holdfast.cli.proxy.Cables;
import io.holdfast.cli.proxy.HoldfastProxy;
import io.holdfast.config.HoldfastConfig;
import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * What a proxy in reverse mode, which has all metrics that there are, and an agent tell when they are scraped, and whether that is
 * what an expression of PromQL asks for.
 */
final class ExportedMetrics {

    /** A metric with what is asked of its labels; not what a recording rule made, which has a colon in front. */
    private static final Pattern SELECTOR =
            Pattern.compile("(?<![:\\w])((?:holdfast|jvm|process|system)_\\w+)(?:\\{([^}]*)})?");

    private static final Pattern MATCHER = Pattern.compile("(\\w+)=~?\"([^\"]*)\"");

    private final List<String> samples;

    private ExportedMetrics(List<String> samples) {
        this.samples = samples;
    }

    /** Runs both, of the guest {@code redis} on host {@code a}, in the calling thread's network namespace. */
    static ExportedMetrics ofBoth(Path directory) throws Exception {
        Cables.plugIn(0);
        Cables.plugIn(1);
        Path file = Cables.writeConfig(
                directory,
                "mode: reverse",
                "placement: inline",
                "nics: [{primary: tap0, backup: tap1, uplink: up0}]",
                "http: 127.0.0.1:9601");
        Files.writeString(file, Files.readString(file) + """
                agent:
                  role: backup
                  http: 127.0.0.1:9602
                  link:
                    listen: 127.0.0.1:7700
                    peer: 127.0.0.1:7701
                    insecure: true
                  qemu:
                    memory: %1$s/guest.ram
                    command: /bin/false
                """.formatted(directory));
        HoldfastConfig config = HoldfastConfig.read(file);
        try (HoldfastProxy proxy = HoldfastProxy.start(config, false, "test");
                HoldfastAgent agent = new HoldfastAgent(config)) {
            agent.start();
            return new ExportedMetrics(Stream.concat(scrape(9601), scrape(9602)).toList());
        }
    }

    /** The metrics, and the values of their labels, that an expression names and nobody exports. */
    List<String> missingFrom(String expression) {
        return SELECTOR.matcher(expression)
                .results()
                .flatMap(ExportedMetrics::asked)
                .filter(asked -> !isExported(asked))
                .toList();
    }

    /** A selector, or as many as it has alternatives, as starts and parts of samples. */
    private static Stream<String> asked(MatchResult selector) {
        List<String> asked = new ArrayList<>();
        String matchers = selector.group(2) == null ? "" : selector.group(2);
        for (MatchResult matcher : MATCHER.matcher(matchers).results().toList()) {
            for (String value : matcher.group(2).split("\\|", -1)) {
                asked.add(selector.group(1) + " " + matcher.group(1) + "=\"" + value + "\"");
            }
        }
        return asked.isEmpty() ? Stream.of(selector.group(1)) : asked.stream();
    }

    private boolean isExported(String asked) {
        String[] nameAndLabel = asked.split(" ", 2);
        return samples.stream()
                .anyMatch(sample -> sample.startsWith(nameAndLabel[0] + "{")
                        && (nameAndLabel.length == 1 || sample.contains(nameAndLabel[1])));
    }

    private static Stream<String> scrape(int port) throws IOException {
        URI address = URI.create("http://127.0.0.1:" + port + "/metrics");
        try (var in = address.toURL().openStream()) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8).lines();
        }
    }
}
