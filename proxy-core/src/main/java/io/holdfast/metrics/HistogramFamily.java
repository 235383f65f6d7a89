package io.holdfast.metrics;

import io.holdfast.measure.NanoHistogram;
import io.prometheus.client.Collector;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/** Publishes the histograms of one name, each with labels of its own, as one Prometheus histogram in seconds. */
final class HistogramFamily extends Collector implements Collector.Describable {

    private static final double NANOS_PER_SECOND = 1e9;

    /** @param labelValues in the order of the family's label names */
    private record Member(List<String> labelValues, NanoHistogram histogram) {}

    private final String name;
    private final String help;
    private final List<String> labelNames;
    private final List<Member> members = new CopyOnWriteArrayList<>();

    HistogramFamily(String name, String help, List<String> labelNames) {
        this.name = name;
        this.help = help;
        this.labelNames = labelNames;
    }

    void add(List<String> names, List<String> values, NanoHistogram histogram) {
        if (!names.equals(labelNames)) {
            throw new IllegalArgumentException(
                    "histogram " + name + " has the labels " + labelNames + ", and cannot have " + names + " as well");
        }
        if (members.stream().anyMatch(member -> member.labelValues.equals(values))) {
            throw new IllegalArgumentException("histogram " + name + " is registered twice with " + values);
        }
        members.add(new Member(List.copyOf(values), histogram));
    }

    @Override
    public List<MetricFamilySamples> describe() {
        return List.of(new MetricFamilySamples(name, Type.HISTOGRAM, help, List.of()));
    }

    @Override
    public List<MetricFamilySamples> collect() {
        List<MetricFamilySamples.Sample> samples = new ArrayList<>();
        members.forEach(member -> addSamples(member, samples));
        return List.of(new MetricFamilySamples(name, Type.HISTOGRAM, help, samples));
    }

    private void addSamples(Member member, List<MetricFamilySamples.Sample> samples) {
        List<String> bucketLabels = new ArrayList<>(labelNames);
        bucketLabels.add("le");
        long[] bounds = NanoHistogram.upperBoundsNanos();
        long[] counts = member.histogram.bucketCounts();
        long cumulated = 0;
        for (int i = 0; i < counts.length; i++) {
            cumulated += counts[i];
            List<String> bucketValues = new ArrayList<>(member.labelValues);
            bucketValues.add(i < bounds.length ? doubleToGoString(bounds[i] / NANOS_PER_SECOND) : "+Inf");
            samples.add(new MetricFamilySamples.Sample(name + "_bucket", bucketLabels, bucketValues, cumulated));
        }
        samples.add(new MetricFamilySamples.Sample(
                name + "_sum", labelNames, member.labelValues, member.histogram.sumNanos() / NANOS_PER_SECOND));
        samples.add(new MetricFamilySamples.Sample(name + "_count", labelNames, member.labelValues, cumulated));
    }
}
