package io.holdfast.agent.engine;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;

/** As much of Redis's inline commands as a test needs. */
final class RedisClient implements AutoCloseable {

    private static final int PORT = 6379;
    private static final int REPLY_LIMIT_MILLIS = 5_000;

    private final Socket socket;
    private final BufferedReader replies;

    private RedisClient(Socket socket) throws IOException {
        this.socket = socket;
        this.replies = new BufferedReader(new InputStreamReader(socket.getInputStream(), StandardCharsets.US_ASCII));
    }

    static RedisClient connect(String address, int limitMillis) throws IOException {
        Socket socket = new Socket();
        try {
            socket.connect(new InetSocketAddress(address, PORT), limitMillis);
            socket.setSoTimeout(REPLY_LIMIT_MILLIS);
            socket.setTcpNoDelay(true);
            return new RedisClient(socket);
        } catch (IOException e) {
            socket.close();
            throw e;
        }
    }

    long increment(String key) throws IOException {
        return Long.parseLong(ask("INCR " + key).substring(1));
    }

    void set(String key, String value) throws IOException {
        ask("SET " + key + " " + value);
    }

    /** The counter's value. */
    long get(String key) throws IOException {
        return Long.parseLong(ask("INCRBY " + key + " 0").substring(1));
    }

    void shutdownServer() throws IOException {
        send("SHUTDOWN NOSAVE");
    }

    @Override
    public void close() throws IOException {
        socket.close();
    }

    private String ask(String command) throws IOException {
        send(command);
        String reply = replies.readLine();
        if (reply == null || reply.startsWith("-")) {
            throw new IOException("Redis answered " + command + " with " + reply);
        }
        return reply;
    }

    private void send(String command) throws IOException {
        socket.getOutputStream().write((command + "\r\n").getBytes(StandardCharsets.US_ASCII));
    }
}
