package io.holdfast.demo;

import java.util.List;
import java.util.Map;

/**
 * What the guest holds when all clients have stopped.
 *
 * @param counters every counter by its key; a key that the guest does not know counts as 0
 * @param lists every list of tokens by its key, in the guest's order; a key that the guest does not know counts as empty
 * @param sharedCounter the counter that several clients increment
 */
record GuestState(Map<String, Long> counters, Map<String, List<String>> lists, long sharedCounter) {

    long counter(String key) {
        return counters.getOrDefault(key, 0L);
    }

    List<String> list(String key) {
        return lists.getOrDefault(key, List.of());
    }
}
