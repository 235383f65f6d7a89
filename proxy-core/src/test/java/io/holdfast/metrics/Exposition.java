package io.holdfast.metrics;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Reads the Prometheus text format 0.0.4 and insists on every rule that a scraper insists on: one HELP and one TYPE before a
 * family's samples, samples of a family in one group, no sample twice, proper names and escapes, whole histograms.
 */
final class Exposition {

    private static final Pattern SAMPLE =
            Pattern.compile("([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\\{(.*)\\})? (NaN|[+-]Inf|[+-]?[0-9.]+(?:[eE][+-]?[0-9]+)?)");
    private static final Pattern LABEL =
            Pattern.compile("([a-zA-Z_][a-zA-Z0-9_]*)=\"((?:[^\"\\\\\n]|\\\\[\\\\\"n])*)\",?");
    private static final Set<String> TYPES = Set.of("counter", "gauge", "histogram", "summary", "untyped");

    /** By name and labels as written. */
    final Map<String, Double> samples = new LinkedHashMap<>();

    final Map<String, String> types = new HashMap<>();

    private final Set<String> helped = new HashSet<>();
    private final List<String> familyOrder = new ArrayList<>();
    private final Map<String, TreeMap<Double, Double>> buckets = new HashMap<>();

    static Exposition parse(String text) {
        if (!text.endsWith("\n")) {
            throw new AssertionError("the last line has no newline");
        }
        Exposition exposition = new Exposition();
        text.lines().forEach(exposition::line);
        exposition.checkHistograms();
        return exposition;
    }

    private void line(String line) {
        if (line.startsWith("# HELP ")) {
            String name = line.split(" ", 4)[2];
            check(helped.add(name), "second HELP", line);
        } else if (line.startsWith("# TYPE ")) {
            String[] words = line.split(" ", 4);
            check(TYPES.contains(words[3]), "unknown TYPE", line);
            check(types.put(words[2], words[3]) == null, "second TYPE", line);
        } else if (!line.startsWith("#") && !line.isBlank()) {
            sample(line);
        }
    }

    private void sample(String line) {
        Matcher matcher = SAMPLE.matcher(line);
        check(matcher.matches(), "not a sample", line);
        String name = matcher.group(1);
        String family = family(name);
        check(types.containsKey(family), "sample without TYPE", line);
        check(helped.contains(family), "sample without HELP", line);
        if (familyOrder.isEmpty() || !familyOrder.getLast().equals(family)) {
            check(!familyOrder.contains(family), "family in two groups", line);
            familyOrder.add(family);
        }
        double value = Double.parseDouble(matcher.group(3).replace("Inf", "Infinity"));
        Map<String, String> labels = labels(matcher.group(2), line);
        check(samples.put(name + labels, value) == null, "sample twice", line);
        if ("histogram".equals(types.get(family)) && name.endsWith("_bucket")) {
            String bound = labels.remove("le");
            check(bound != null, "bucket without le", line);
            buckets.computeIfAbsent(family + labels, key -> new TreeMap<>())
                    .put(Double.parseDouble(String.valueOf(bound).replace("Inf", "Infinity")), value);
        }
    }

    private String family(String name) {
        for (String suffix : List.of("_bucket", "_sum", "_count", "_total")) {
            if (name.endsWith(suffix) && types.containsKey(name.substring(0, name.length() - suffix.length()))) {
                return name.substring(0, name.length() - suffix.length());
            }
        }
        return name;
    }

    private static Map<String, String> labels(@Nullable String text, String line) {
        Map<String, String> labels = new TreeMap<>();
        if (text != null) {
            Matcher matcher = LABEL.matcher(text);
            int end = 0;
            while (matcher.find() && matcher.start() == end) {
                check(labels.put(matcher.group(1), matcher.group(2)) == null, "label twice", line);
                end = matcher.end();
            }
            check(end == text.length(), "not labels: " + text.substring(end), line);
        }
        return labels;
    }

    private void checkHistograms() {
        buckets.forEach((series, byBound) -> {
            double below = 0;
            for (double count : byBound.values()) {
                check(count >= below, "buckets that do not cumulate", series);
                below = count;
            }
            check(byBound.lastKey() == Double.POSITIVE_INFINITY, "no bucket +Inf", series);
            Double count = samples.get(series.replaceFirst("\\{", "_count{"));
            check(count != null && count == below, "_count is not the bucket +Inf", series);
            check(samples.containsKey(series.replaceFirst("\\{", "_sum{")), "no _sum", series);
        });
    }

    private static void check(boolean condition, String complaint, String context) {
        if (!condition) {
            throw new AssertionError(complaint + ": " + context);
        }
    }
}
