package io.holdfast.control;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.cfg.JsonNodeFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.holdfast.config.NearMiss;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The lines of the protocol: what they look like, and nothing about how they travel. */
final class Messages {

    static final int PROTOCOL = 1;

    /** Without the newline. */
    static final int LINE_LIMIT_BYTES = 64 * 1024;

    /** An id comes back with every reply, so it may not use up the reply's room. */
    private static final int ID_LIMIT_CHARACTERS = 1024;

    private static final int NESTING_LIMIT = 32;
    private static final int NUMBER_LIMIT_DIGITS = 64;
    private static final int EXCERPT_CHARACTERS = 64;

    private static final List<String> REQUEST_KEYS = List.of("execute", "arguments", "id");

    /** Strict: what two readers could understand in two ways is refused. */
    private static final JsonMapper MAPPER = JsonMapper.builder(JsonFactory.builder()
                    .streamReadConstraints(StreamReadConstraints.builder()
                            .maxNestingDepth(NESTING_LIMIT)
                            .maxNumberLength(NUMBER_LIMIT_DIGITS)
                            .build())
                    .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
                    .build())
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            // As a double, 1e999 would become infinite, which JSON cannot say.
            .enable(DeserializationFeature.USE_BIG_DECIMAL_FOR_FLOATS)
            // What comes back must be what was sent: 1.50, not 1.5.
            .disable(JsonNodeFeature.STRIP_TRAILING_BIGDECIMAL_ZEROES)
            .build();

    private Messages() {}

    static ObjectNode object() {
        return MAPPER.createObjectNode();
    }

    /**
     * Reads JSON, from either side.
     *
     * @throws BadRequestException says what is wrong, without an id
     */
    static ObjectNode parse(ByteBuffer line) throws BadRequestException {
        // Jackson would guess UTF-16 and UTF-32 from bytes, and let some malformed UTF-8 pass.
        String text;
        try {
            text = StandardCharsets.UTF_8.newDecoder().decode(line).toString();
        } catch (CharacterCodingException e) {
            throw new BadRequestException("the line is not UTF-8", null);
        }
        try {
            if (MAPPER.readTree(text) instanceof ObjectNode object) {
                return object;
            }
            throw new BadRequestException("the line must be a JSON object", null);
        } catch (JsonProcessingException e) {
            throw new BadRequestException("the line is not JSON: " + excerpt(e.getOriginalMessage()), null);
        }
    }

    static Request parseRequest(ByteBuffer line) throws BadRequestException {
        ObjectNode object = parse(line);
        JsonNode id = object.get("id");
        if (id != null && id.toString().length() > ID_LIMIT_CHARACTERS) {
            throw new BadRequestException("`id` has more than " + ID_LIMIT_CHARACTERS + " characters", null);
        }
        for (var member : object.properties()) {
            String key = member.getKey();
            if (!REQUEST_KEYS.contains(key)) {
                throw new BadRequestException(
                        "unknown key `" + excerpt(key) + "`; a request has `execute`, `arguments` and `id`"
                                + NearMiss.hint(key, REQUEST_KEYS),
                        id);
            }
        }
        JsonNode command = object.get("execute");
        if (command == null || !command.isTextual()) {
            throw new BadRequestException("`execute` must be the name of a command; see the command `commands`", id);
        }
        JsonNode arguments = object.get("arguments");
        if (arguments != null && !(arguments instanceof ObjectNode)) {
            throw new BadRequestException("`arguments` must be an object", id);
        }
        return new Request(command.textValue(), arguments instanceof ObjectNode given ? given : object(), id);
    }

    static ObjectNode greeting(String role, String version) {
        ObjectNode greeting = object();
        greeting.putObject("holdfast").put("version", version).put("role", role).put("protocol", PROTOCOL);
        return greeting;
    }

    static ObjectNode request(String command, ObjectNode arguments, long id) {
        ObjectNode request = object();
        request.put("execute", command).set("arguments", arguments);
        request.put("id", id);
        return request;
    }

    static ObjectNode result(JsonNode result, @Nullable JsonNode id) {
        ObjectNode reply = object();
        reply.set("return", result);
        return withId(reply, id);
    }

    static ObjectNode error(String errorClass, String description, @Nullable JsonNode id) {
        ObjectNode reply = object();
        reply.putObject("error").put("class", errorClass).put("desc", description);
        return withId(reply, id);
    }

    /** Whether it is what a server says to a command; it also greets, and tells of events. */
    static boolean isAnswer(ObjectNode message) {
        return message.has("return") || message.has("error");
    }

    static ObjectNode event(String name, ObjectNode data, Instant now) {
        ObjectNode event = object();
        event.put("event", name).set("data", data);
        event.putObject("timestamp").put("seconds", now.getEpochSecond()).put("microseconds", now.getNano() / 1_000);
        return event;
    }

    /** One line without its newline. JSON escapes newlines, so there is none inside. */
    static byte[] encode(ObjectNode message) {
        try {
            return MAPPER.writeValueAsBytes(message);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("a tree of plain JSON nodes could not be written", e);
        }
    }

    /** So much of a text from outside as a message may quote. */
    static String excerpt(String text) {
        return text.length() <= EXCERPT_CHARACTERS ? text : text.substring(0, EXCERPT_CHARACTERS) + "...";
    }

    private static ObjectNode withId(ObjectNode reply, @Nullable JsonNode id) {
        if (id != null) {
            reply.set("id", id);
        }
        return reply;
    }
}
