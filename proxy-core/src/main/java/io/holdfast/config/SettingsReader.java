package io.holdfast.config;

import io.holdfast.config.ValueType.ListOf;
import io.holdfast.config.ValueType.Scalar;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.snakeyaml.engine.v2.api.LoadSettings;
import org.snakeyaml.engine.v2.api.lowlevel.Compose;
import org.snakeyaml.engine.v2.exceptions.MarkedYamlEngineException;
import org.snakeyaml.engine.v2.exceptions.YamlEngineException;
import org.snakeyaml.engine.v2.nodes.MappingNode;
import org.snakeyaml.engine.v2.nodes.Node;
import org.snakeyaml.engine.v2.nodes.NodeTuple;
import org.snakeyaml.engine.v2.nodes.ScalarNode;
import org.snakeyaml.engine.v2.nodes.SequenceNode;

/**
 * Reads YAML by the table of settings. Works on YAML's nodes rather than on the values that YAML makes of them: only nodes
 * have lines, and a setting's type is the table's business, so that {@code off} is a word and {@code 0x88cc} an EtherType.
 */
final class SettingsReader {

    private static final int LINE_OF_THE_FILE_AS_SUCH = 1;

    private final Problems problems;

    SettingsReader(Problems problems) {
        this.problems = problems;
    }

    /** Whatever is wrong goes to the problems; the result has what could be read. */
    SectionValues read(String yaml) {
        SectionValues top = new SectionValues(LINE_OF_THE_FILE_AS_SUCH, null);
        try {
            LoadSettings settings =
                    LoadSettings.builder().setAllowNonScalarKeys(true).build();
            Optional<Node> root = new Compose(settings).composeString(yaml);
            fill(top, "", root);
        } catch (MarkedYamlEngineException e) {
            int line = e.getProblemMark()
                    .or(e::getContextMark)
                    .map(mark -> mark.getLine() + 1)
                    .orElse(LINE_OF_THE_FILE_AS_SUCH);
            problems.add(line, "not YAML: " + e.getProblem());
        } catch (YamlEngineException e) {
            problems.add(LINE_OF_THE_FILE_AS_SUCH, "not YAML: " + e.getMessage());
        }
        return top;
    }

    private void fill(SectionValues values, String path, Optional<Node> node) {
        Map<String, NodeTuple> tuples = tuples(path, node);
        for (Setting<?> setting : Settings.in(path)) {
            NodeTuple tuple = tuples.remove(setting.key());
            if (tuple != null) {
                readSetting(values, setting, tuple.getValueNode());
            } else if (setting.required()) {
                problems.add(values.line(), "missing key `" + setting.key() + "`" + in(path) + ": " + setting.text());
            }
        }
        for (Section section : Settings.sectionsIn(path)) {
            NodeTuple tuple = tuples.remove(section.key());
            Optional<Node> sectionNode = tuple == null || isEmpty(tuple.getValueNode())
                    ? Optional.empty()
                    : Optional.of(tuple.getValueNode());
            int line = tuple == null ? values.line() : line(tuple.getKeyNode());
            switch (section.kind()) {
                case OPTIONAL -> {
                    if (tuple != null) {
                        readSection(values, section, sectionNode, line);
                    }
                }
                case DEFAULTED -> readSection(values, section, sectionNode, line);
                case LIST -> readList(values, section, sectionNode);
            }
        }
        tuples.forEach((key, tuple) -> refuse(path, key, line(tuple.getKeyNode())));
    }

    private void readSection(SectionValues parent, Section section, Optional<Node> node, int line) {
        SectionValues values = new SectionValues(line, parent);
        parent.putSection(section.path(), values);
        fill(values, section.path(), node);
    }

    private void readList(SectionValues parent, Section section, Optional<Node> node) {
        List<SectionValues> items = new ArrayList<>();
        if (node.isPresent()) {
            if (node.get() instanceof SequenceNode sequence) {
                for (Node item : sequence.getValue()) {
                    SectionValues values = new SectionValues(line(item), parent);
                    if (isMapping(item, section.path())) {
                        items.add(values);
                        fill(values, section.path(), Optional.of(item));
                    }
                }
            } else {
                problems.add(line(node.get()), "`" + section.path() + "` must be a list");
            }
        }
        parent.putList(section.path(), items);
    }

    private void readSetting(SectionValues values, Setting<?> setting, Node node) {
        Optional<?> value = Optional.empty();
        try {
            value = Optional.of(parse(setting.type(), node));
        } catch (BadValueException e) {
            problems.add(line(node), "`" + setting.key() + "`" + in(setting.sectionPath()) + ": " + e.getMessage());
        }
        values.put(setting, value, line(node));
    }

    private static Object parse(ValueType<?> type, Node node) throws BadValueException {
        return switch (type) {
            case Scalar<?> scalar -> scalar.parse(text(node));
            case ListOf<?> list -> parseList(list, node);
        };
    }

    private static <E> List<E> parseList(ListOf<E> type, Node node) throws BadValueException {
        List<E> values = new ArrayList<>();
        if (node instanceof SequenceNode sequence) {
            for (Node item : sequence.getValue()) {
                values.add(type.item().parse(text(item)));
            }
        } else if (type.splitsText()) {
            String line = text(node);
            if (line.contains("'") || line.contains("\"")) {
                throw new BadValueException("one line cannot have quotes; write a list: [program, argument, ...]");
            }
            for (String word :
                    Stream.of(line.split("\\s+")).filter(s -> !s.isEmpty()).toList()) {
                values.add(type.item().parse(word));
            }
        } else {
            throw new BadValueException("must be a list");
        }
        if (values.isEmpty()) {
            throw new BadValueException("the list is empty");
        }
        return List.copyOf(values);
    }

    private static String text(Node node) throws BadValueException {
        if (!(node instanceof ScalarNode scalar)) {
            throw new BadValueException(
                    "must be a single value, not a " + (node instanceof MappingNode ? "section" : "list"));
        }
        if (isEmpty(node)) {
            throw new BadValueException("has no value");
        }
        return scalar.getValue();
    }

    /** The keys of a section; a duplicate is reported and the first one kept. */
    private Map<String, NodeTuple> tuples(String path, Optional<Node> node) {
        Map<String, NodeTuple> tuples = new HashMap<>();
        if (node.isPresent() && isMapping(node.get(), path) && node.get() instanceof MappingNode mapping) {
            for (NodeTuple tuple : mapping.getValue()) {
                if (!(tuple.getKeyNode() instanceof ScalarNode key)) {
                    problems.add(line(tuple.getKeyNode()), "a key" + in(path) + " must be a word");
                    continue;
                }
                NodeTuple earlier = tuples.putIfAbsent(key.getValue(), tuple);
                if (earlier != null) {
                    problems.add(
                            line(key),
                            "duplicate key `" + key.getValue() + "`" + in(path) + "; it stands already in line "
                                    + line(earlier.getKeyNode()));
                }
            }
        }
        return tuples;
    }

    private boolean isMapping(Node node, String path) {
        boolean mapping = node instanceof MappingNode;
        if (!mapping) {
            problems.add(
                    line(node), (path.isEmpty() ? "the file" : "`" + path + "`") + " must consist of keys with values");
        }
        return mapping;
    }

    private void refuse(String path, String key, int line) {
        List<String> known = Stream.concat(
                        Settings.in(path).stream().map(Setting::key),
                        Settings.sectionsIn(path).stream().map(Section::key))
                .toList();
        String hint = NearMiss.hint(key, known);
        if (hint.isEmpty()) {
            hint = Stream.concat(
                            Settings.all().stream().map(Setting::path),
                            Settings.sections().stream().map(Section::path))
                    .filter(other -> other.equals(key) || other.endsWith("." + key))
                    .findFirst()
                    .map(other -> "; it belongs to " + place(other.substring(0, Math.max(0, other.lastIndexOf('.')))))
                    .orElse("; known are " + String.join(", ", known));
        }
        problems.add(line, "unknown key `" + key + "`" + in(path) + hint);
    }

    private static String in(String path) {
        return path.isEmpty() ? "" : " in " + place(path);
    }

    private static String place(String path) {
        return path.isEmpty() ? "the top of the file" : "`" + path + "`";
    }

    /** {@code key:} without anything, or with YAML's null. */
    private static boolean isEmpty(Node node) {
        return node instanceof ScalarNode scalar
                && scalar.isPlain()
                && (scalar.getValue().isEmpty()
                        || scalar.getValue().equals("null")
                        || scalar.getValue().equals("~"));
    }

    private static int line(Node node) {
        return node.getStartMark().map(mark -> mark.getLine() + 1).orElse(LINE_OF_THE_FILE_AS_SUCH);
    }
}
