package io.holdfast.control;

import java.nio.file.Path;

/** Stores terms as fast as it can until it is killed, and prints each number once it is stored. */
final class TermWriter {

    private TermWriter() {}

    public static void main(String[] arguments) throws Exception {
        TermFile file = TermFile.open(Path.of(arguments[0]));
        for (long number = file.term().map(TermRecord::number).orElse(0L) + 1; ; number++) {
            file.store(new TermRecord(number, TermRecord.ALONE, "a", false));
            System.out.println(number);
        }
    }
}
