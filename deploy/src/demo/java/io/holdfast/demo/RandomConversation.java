package io.holdfast.demo;

import java.io.BufferedReader;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.Socket;
import java.nio.charset.StandardCharsets;

/** A conversation with the guest's service whose replies are random, a line each. */
final class RandomConversation implements Conversation {

    private final Socket connection;
    private final BufferedReader replies;
    private final RandomHistory history;
    private long asked;

    RandomConversation(Socket connection, RandomHistory history) throws IOException {
        this.connection = connection;
        this.replies = new BufferedReader(new InputStreamReader(connection.getInputStream(), StandardCharsets.UTF_8));
        this.history = history;
    }

    @Override
    public void ask() throws IOException {
        asked++;
        connection.getOutputStream().write((asked + "\n").getBytes(StandardCharsets.US_ASCII));
        String reply = replies.readLine();
        if (reply == null) {
            throw new EOFException("the guest has ended the connection");
        }
        history.answered(asked, reply);
    }

    @Override
    public void close() throws IOException {
        connection.close();
    }
}
