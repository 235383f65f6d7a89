package io.holdfast.config;

import io.holdfast.config.ValueType.ListOf;
import io.holdfast.config.ValueType.Scalar;
import io.holdfast.frame.ExemptionRule;
import io.holdfast.frame.IpPrefix;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/** The types of value that settings have. Each scalar is parsed from the text of the file, never from a YAML type. */
final class ValueTypes {

    /** {@code sun_path} of Linux has 108 bytes, the last of which is a zero. */
    static final int SOCKET_PATH_LIMIT_BYTES = 107;

    private static final Pattern HTTP_URL = Pattern.compile("https?://([^/?#@]+)");
    private static final Pattern QUANTITY = Pattern.compile("([0-9]{1,18})\\s*([A-Za-z]*)");
    private static final Pattern NAME = Pattern.compile("[a-z0-9-]{1,32}");

    /** Less than Linux takes (IFNAMSIZ less one, dev_valid_name): nothing that means something to nft, ip or a shell. */
    private static final Pattern INTERFACE = Pattern.compile("[A-Za-z0-9_][A-Za-z0-9_.+-]{0,14}");

    /** Ascending. */
    private static final List<Unit> DURATION_UNITS = List.of(
            new Unit("us", 1_000L),
            new Unit("ms", 1_000_000L),
            new Unit("s", 1_000_000_000L),
            new Unit("m", 60_000_000_000L));

    private static final List<Unit> SIZE_UNITS =
            List.of(new Unit("B", 1L), new Unit("KiB", 1L << 10), new Unit("MiB", 1L << 20), new Unit("GiB", 1L << 30));

    private record Unit(String name, long factor) {}

    private ValueTypes() {}

    static Scalar<Duration> duration(Duration least, Duration most) {
        Scalar<Long> nanos = quantity("duration", DURATION_UNITS, "ms", least.toNanos(), most.toNanos());
        return new Scalar<>(
                nanos.name(),
                nanos.range(),
                text -> Duration.ofNanos(nanos.parse(text)),
                value -> nanos.printer().print(value.toNanos()));
    }

    static Scalar<Long> size(long leastBytes, long mostBytes) {
        return quantity("size", SIZE_UNITS, "MiB", leastBytes, mostBytes);
    }

    static Scalar<Integer> integer(int least, int most) {
        return new Scalar<>(
                "number",
                least + " to " + most,
                text -> {
                    if (!text.matches("[0-9]{1,9}")) {
                        throw new BadValueException(
                                "`" + text + "` is not a whole number from " + least + " to " + most);
                    }
                    int value = Integer.parseInt(text);
                    if (value < least || value > most) {
                        throw new BadValueException(text + " is out of range; allowed is " + least + " to " + most);
                    }
                    return value;
                },
                value -> Integer.toString(value));
    }

    static Scalar<Boolean> flag() {
        return words("flag", Map.of(), new TreeMap<>(Map.of("true", true, "false", false)));
    }

    static <E extends Enum<E>> Scalar<E> word(Class<E> type) {
        return word(type, Map.of());
    }

    /**
     * One word of several.
     *
     * @param unavailable words that mean something but are refused, with the reason
     */
    static <E extends Enum<E>> Scalar<E> word(Class<E> type, Map<String, String> unavailable) {
        Map<String, E> words = new LinkedHashMap<>();
        for (E constant : type.getEnumConstants()) {
            words.put(constant.name().toLowerCase(Locale.ROOT).replace('_', '-'), constant);
        }
        return words("word", unavailable, words);
    }

    static Scalar<String> name() {
        return matching("name", "1 to 32 of a-z, 0-9 and -", NAME);
    }

    static Scalar<String> interfaceName() {
        return matching("interface", "1 to 15 letters, digits and . _ + -", INTERFACE);
    }

    static Scalar<String> text() {
        return new Scalar<>("text", "", text -> text, text -> text);
    }

    static Scalar<Path> path() {
        return new Scalar<>("path", "absolute", ValueTypes::absolutePath, Path::toString);
    }

    static Scalar<Path> socketPath() {
        return new Scalar<>(
                "path",
                "absolute, at most " + SOCKET_PATH_LIMIT_BYTES + " bytes",
                text -> {
                    int lengthBytes = text.getBytes(StandardCharsets.UTF_8).length;
                    if (lengthBytes > SOCKET_PATH_LIMIT_BYTES) {
                        throw new BadValueException("`" + text + "` has " + lengthBytes
                                + " bytes; the path of a socket has at most " + SOCKET_PATH_LIMIT_BYTES);
                    }
                    return absolutePath(text);
                },
                Path::toString);
    }

    /** An address and a port. Names are refused: a failover must not depend on a name server. */
    static Scalar<InetSocketAddress> address() {
        return new Scalar<>(
                "address", "IPv4:PORT or [IPv6]:PORT", ValueTypes::socketAddress, ValueTypes::printSocketAddress);
    }

    static Scalar<InetSocketAddress> loopbackAddress() {
        return new Scalar<>(
                "address",
                "loopback only",
                text -> {
                    InetSocketAddress address = socketAddress(text);
                    if (!address.getAddress().isLoopbackAddress()) {
                        throw new BadValueException("`" + text + "` is not a loopback address; write 127.0.0.1:"
                                + address.getPort() + " and put a proxy with access control in front of it");
                    }
                    return address;
                },
                ValueTypes::printSocketAddress);
    }

    /** An EtherType that carries neither IP nor a tag under which IP may hide. */
    static Scalar<Integer> etherType() {
        return new Scalar<>(
                "EtherType",
                "0x0600 to 0xffff, nothing that carries IP",
                text -> {
                    if (!text.matches("0x[0-9a-fA-F]{1,4}")) {
                        throw new BadValueException("`" + text + "` is not an EtherType; write it like 0x88cc");
                    }
                    int value = Integer.parseInt(text.substring(2), 16);
                    try {
                        return new ExemptionRule.OfEtherType(value).etherType();
                    } catch (IllegalArgumentException e) {
                        throw new BadValueException(e);
                    }
                },
                value -> String.format(Locale.ROOT, "0x%04x", value));
    }

    static Scalar<ExemptProtocol> exemptProtocol() {
        return word(
                ExemptProtocol.class,
                Map.of(
                        "tcp",
                        "TCP is never exempt: one acknowledgement that leaves early loses data for good (INV-3)"));
    }

    static Scalar<IpPrefix> ipPrefix() {
        return new Scalar<>("prefix", "ADDRESS/BITS", ValueTypes::prefix, IpPrefix::toString);
    }

    /** Where an HTTP server is, and no more than that. Names are refused, as in {@link #address}. */
    static Scalar<URI> httpUrl() {
        return new Scalar<>("URL", "http:// or https://, then ADDRESS:PORT", ValueTypes::httpUrl, URI::toString);
    }

    private static URI httpUrl(String text) throws BadValueException {
        Matcher matcher = HTTP_URL.matcher(text);
        if (!matcher.matches()) {
            throw new BadValueException("`" + text + "` is not a URL of a server; write it like https://10.9.0.3:2379");
        }
        socketAddress(matcher.group(1));
        try {
            return new URI(text);
        } catch (URISyntaxException e) { // It is stricter about IPv6.
            throw new BadValueException("`" + text + "` is not a URL of a server: " + e.getReason());
        }
    }

    static <T> ListOf<T> listOf(Scalar<T> item) {
        return new ListOf<>("list of " + item.name() + "s", item, false);
    }

    static ListOf<String> commandLine() {
        return new ListOf<>("list of arguments", text(), true);
    }

    private static Scalar<Long> quantity(String name, List<Unit> units, String exampleUnit, long least, long most) {
        String range = printQuantity(least, units, exampleUnit) + " to " + printQuantity(most, units, exampleUnit);
        String known = units.stream().map(Unit::name).collect(Collectors.joining(", "));
        return new Scalar<>(
                name,
                range,
                text -> {
                    Matcher matcher = QUANTITY.matcher(text);
                    if (!matcher.matches()) {
                        throw new BadValueException("`" + text + "` is not a " + name
                                + "; write a whole number and a unit, like 50" + exampleUnit);
                    }
                    String wanted = matcher.group(2);
                    if (wanted.isEmpty()) {
                        throw new BadValueException("`" + text + "` has no unit; write " + text + exampleUnit
                                + " or use another of " + known);
                    }
                    Unit unit = units.stream()
                            .filter(candidate -> candidate.name().equals(wanted))
                            .findFirst()
                            .orElseThrow(() -> new BadValueException(
                                    "`" + text + "` has the unknown unit `" + wanted + "`; known are " + known));
                    long number = Long.parseLong(matcher.group(1));
                    if (number > most / unit.factor() || number * unit.factor() < least) {
                        throw new BadValueException("`" + text + "` is out of range; allowed is " + range);
                    }
                    return number * unit.factor();
                },
                value -> printQuantity(value, units, exampleUnit));
    }

    /** In the largest unit that leaves no rest; zero, where every unit would do, in {@code zeroUnit}. */
    private static String printQuantity(long value, List<Unit> units, String zeroUnit) {
        if (value == 0) {
            return "0" + zeroUnit;
        }
        Unit largest = units.getFirst();
        for (Unit unit : units) {
            if (value % unit.factor() == 0) {
                largest = unit;
            }
        }
        return value / largest.factor() + largest.name();
    }

    private static <T> Scalar<T> words(String name, Map<String, String> unavailable, Map<String, T> words) {
        return new Scalar<>(
                name,
                String.join(" | ", words.keySet()),
                text -> {
                    T value = words.get(text);
                    if (value != null) {
                        return value;
                    }
                    String reason = unavailable.get(text);
                    if (reason != null) {
                        throw new BadValueException(reason);
                    }
                    throw new BadValueException("`" + text + "` is none of " + String.join(", ", words.keySet())
                            + NearMiss.hint(text, words.keySet()));
                },
                value -> words.entrySet().stream()
                        .filter(word -> word.getValue().equals(value))
                        .findFirst()
                        .orElseThrow()
                        .getKey());
    }

    private static Scalar<String> matching(String name, String range, Pattern pattern) {
        return new Scalar<>(
                name,
                range,
                text -> {
                    if (!pattern.matcher(text).matches()) {
                        throw new BadValueException("`" + text + "` is not a valid " + name + "; allowed: " + range);
                    }
                    return text;
                },
                text -> text);
    }

    private static Path absolutePath(String text) throws BadValueException {
        try {
            Path path = Path.of(text);
            if (!path.isAbsolute()) {
                throw new BadValueException("`" + text + "` is not an absolute path");
            }
            return path.normalize();
        } catch (InvalidPathException e) {
            throw new BadValueException("`" + text + "` is not a path: " + e.getReason());
        }
    }

    private static InetSocketAddress socketAddress(String text) throws BadValueException {
        int colon = text.lastIndexOf(':');
        String host = colon < 0 ? "" : text.substring(0, colon);
        boolean bracketed = host.startsWith("[") && host.endsWith("]");
        if (colon < 0 || host.contains(":") != bracketed) {
            throw new BadValueException(
                    "`" + text + "` is not an address with a port; write 10.9.0.1:7700 or [fd00::1]:7700");
        }
        String port = text.substring(colon + 1);
        if (!port.matches("[0-9]{1,5}") || Integer.parseInt(port) < 1 || Integer.parseInt(port) > 65535) {
            throw new BadValueException("`" + port + "` in `" + text + "` is not a port from 1 to 65535");
        }
        return new InetSocketAddress(
                literal(bracketed ? host.substring(1, host.length() - 1) : host, text), Integer.parseInt(port));
    }

    private static InetAddress literal(String address, String whole) throws BadValueException {
        try {
            return InetAddress.ofLiteral(address);
        } catch (IllegalArgumentException e) {
            throw new BadValueException(
                    "`" + address + "` in `" + whole
                            + "` is not an IP address; names are not looked up, because a failover must not wait for a name server");
        }
    }

    private static String printSocketAddress(InetSocketAddress address) {
        String host = address.getAddress().getHostAddress();
        return (host.contains(":") ? "[" + host + "]" : host) + ":" + address.getPort();
    }

    private static IpPrefix prefix(String text) throws BadValueException {
        try {
            return IpPrefix.parse(text);
        } catch (IllegalArgumentException e) {
            throw new BadValueException(e);
        }
    }
}
