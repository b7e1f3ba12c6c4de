package io.lockstep.server;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.Map;
import java.util.Optional;

/**
 * What a child tells its parent, as one line on standard output, when it is ready. Safe from any thread, because it is
 * immutable.
 *
 * @param name of the process
 * @param pid of the process
 * @param incarnation which run of it
 * @param ports by duty: {@code peer}, {@code client}, {@code hazelcast}
 */
public record ReadyLine(String name, long pid, long incarnation, Map<String, Integer> ports) {
    private static final String MARK = "LOCKSTEP READY ";
    private static final ObjectMapper JSON = new ObjectMapper();

    public ReadyLine {
        ports = Map.copyOf(ports);
    }

    /** The line to print. */
    String toLine() {
        try {
            return MARK + JSON.writeValueAsString(this);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("cannot write " + this, e);
        }
    }

    /** What a line says; empty when it is another line. */
    static Optional<ReadyLine> of(String line) {
        if (!line.startsWith(MARK)) {
            return Optional.empty();
        }
        try {
            return Optional.of(JSON.readValue(line.substring(MARK.length()), ReadyLine.class));
        } catch (JsonProcessingException e) {
            throw new IllegalArgumentException("a broken line of readiness: " + line, e);
        }
    }
}
