package io.holdfast.agent.engine;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;

/** A Redis connection over an ordinary socket, line by line, and every line checked. */
final class LineClient implements AutoCloseable {

    static final int PORT = 6379;

    private static final int ANY_PORT = 0;
    private static final int REPLY_LIMIT_MILLIS = 10_000;

    private final Socket socket = new Socket();
    private final BufferedReader replies;

    private LineClient(String address, int ownPort) throws IOException {
        socket.bind(new InetSocketAddress(ownPort));
        socket.connect(new InetSocketAddress(address, PORT), REPLY_LIMIT_MILLIS);
        socket.setSoTimeout(REPLY_LIMIT_MILLIS);
        socket.setTcpNoDelay(true);
        replies = new BufferedReader(new InputStreamReader(socket.getInputStream(), StandardCharsets.US_ASCII));
    }

    static LineClient connect() throws IOException {
        return connect(TestGuest.ADDRESS);
    }

    static LineClient connect(String address) throws IOException {
        return new LineClient(address, ANY_PORT);
    }

    static LineClient connectFrom(int ownPort) throws IOException {
        return new LineClient(TestGuest.ADDRESS, ownPort);
    }

    int ownPort() {
        return socket.getLocalPort();
    }

    void send(String text) throws IOException {
        socket.getOutputStream().write(text.getBytes(StandardCharsets.US_ASCII));
    }

    String reply() throws IOException {
        return String.valueOf(replies.readLine());
    }

    void skip(int lines) throws IOException {
        for (int i = 0; i < lines; i++) {
            assertThat(replies.readLine()).isNotNull();
        }
    }

    void expect(String request, String reply) throws IOException {
        send(request + "\r\n");
        assertThat(reply()).as(request).isEqualTo(reply);
    }

    /** Stores a value of any length, which a plain line could not have. */
    void store(String key, String value) throws IOException {
        send("*3\r\n$3\r\nSET\r\n$" + key.length() + "\r\n" + key + "\r\n$" + value.length() + "\r\n" + value + "\r\n");
        assertThat(reply()).isEqualTo("+OK");
    }

    void expectStored(String key, String value) throws IOException {
        expect("GET " + key, "$" + value.length());
        assertThat(reply().equals(value))
                .as("the value of " + key + " is what was stored")
                .isTrue();
    }

    void subscribe(String channel) throws IOException {
        send("SUBSCRIBE " + channel + "\r\n");
        skip(6);
    }

    void expectMessage(String text) throws IOException {
        skip(6);
        assertThat(reply()).isEqualTo(text);
    }

    void finish() throws IOException {
        socket.shutdownOutput();
    }

    boolean isAtEnd() throws IOException {
        return replies.read() == -1;
    }

    boolean isReset() {
        try {
            send("PING\r\n");
            return replies.read() == -1;
        } catch (IOException e) {
            return String.valueOf(e.getMessage()).contains("reset")
                    || String.valueOf(e.getMessage()).contains("Broken pipe");
        }
    }

    /** Ends it with a RST, so that its port is free at once. */
    void abort() throws IOException {
        socket.setSoLinger(true, 0);
        socket.close();
    }

    @Override
    public void close() throws IOException {
        socket.close();
    }
}
