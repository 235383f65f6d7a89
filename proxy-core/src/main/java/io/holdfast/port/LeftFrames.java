package io.holdfast.port;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.StringTokenizer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * How many frames have left an interface's queue: a tap counts a frame as sent when its reader has fetched it, and as dropped
 * when the queue was full.
 *
 * <p>Read from {@code /proc/thread-self/net/dev} (Linux, Documentation/networking/statistics.rst), which knows the calling
 * thread's network namespace. Costs some ten microseconds, and garbage.
 *
 * <p><b>Threads.</b> Any.
 */
public final class LeftFrames {

    private static final Path DEVICES = Path.of("/proc/thread-self/net/dev");
    /** Behind the name: eight numbers for what was received, then bytes, packets, errors and drops of what was sent. */
    private static final int SENT_PACKETS = 9;

    private static final int SENT_DROPS = 11;
    private static final Logger log = LoggerFactory.getLogger(LeftFrames.class);

    private final String interfaceName;

    public LeftFrames(String interfaceName) {
        this.interfaceName = interfaceName;
    }

    /** Since the interface was made; 0 if there is none of that name. */
    public long count() {
        try (BufferedReader devices = Files.newBufferedReader(DEVICES)) {
            for (String line = devices.readLine(); line != null; line = devices.readLine()) {
                int colon = line.indexOf(':');
                if (colon > 0 && line.substring(0, colon).strip().equals(interfaceName)) {
                    List<String> numbers = numbers(line.substring(colon + 1));
                    return Long.parseLong(numbers.get(SENT_PACKETS)) + Long.parseLong(numbers.get(SENT_DROPS));
                }
            }
        } catch (IOException | IndexOutOfBoundsException | NumberFormatException e) {
            log.warn("{} does not tell of {}: {}", DEVICES, interfaceName, e.toString());
        }
        return 0;
    }

    private static List<String> numbers(String text) {
        StringTokenizer tokens = new StringTokenizer(text);
        List<String> numbers = new ArrayList<>();
        while (tokens.hasMoreTokens()) {
            numbers.add(tokens.nextToken());
        }
        return numbers;
    }
}
