package io.holdfast.demo;

import java.util.List;
import java.util.Map;

/**
 * What the guest holds when all clients have stopped.
 *
 * @param counters every counter by its key; a key that the guest does not know counts as 0
 * @param tokens the list of tokens in the guest's order
 * @param sharedCounter the counter that several clients increment
 */
record GuestState(Map<String, Long> counters, List<String> tokens, long sharedCounter) {

    long counter(String key) {
        return counters.getOrDefault(key, 0L);
    }
}
