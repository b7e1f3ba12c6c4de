package io.lockstep.tests.bench.standard;

import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;

/** TATP, version 1.0: the home location register of a mobile network. Safe from any thread: what it shares is its books. */
final class Tatp implements Benchmark {
    static final String GET_SUBSCRIBER_DATA = "get-subscriber-data";
    static final String GET_NEW_DESTINATION = "get-new-destination";
    static final String GET_ACCESS_DATA = "get-access-data";
    static final String UPDATE_SUBSCRIBER_DATA = "update-subscriber-data";
    static final String UPDATE_LOCATION = "update-location";
    static final String INSERT_CALL_FORWARDING = "insert-call-forwarding";
    static final String DELETE_CALL_FORWARDING = "delete-call-forwarding";

    /** Percent of each: the standard mix. */
    static final Map<String, Integer> MIX = mix();

    static final int SUBSCRIBERS_MIN = 100;
    static final int SUBSCRIBERS_MAX = 5_000_000;
    private static final int SUBSCRIBERS_LEAST_OF_SPECIFICATION = 100_000;

    private final int subscribers;
    private final long seed;
    private final TatpBooks books = new TatpBooks();

    Tatp(int subscribers, long seed) {
        this.subscribers = subscribers;
        this.seed = seed;
    }

    private static Map<String, Integer> mix() {
        Map<String, Integer> mix = new LinkedHashMap<>();
        mix.put(GET_SUBSCRIBER_DATA, 35);
        mix.put(GET_NEW_DESTINATION, 10);
        mix.put(GET_ACCESS_DATA, 35);
        mix.put(UPDATE_SUBSCRIBER_DATA, 2);
        mix.put(UPDATE_LOCATION, 14);
        mix.put(INSERT_CALL_FORWARDING, 2);
        mix.put(DELETE_CALL_FORWARDING, 2);
        return mix;
    }

    @Override
    public String name() {
        return "tatp";
    }

    @Override
    public Map<String, Object> scale() {
        Map<String, Object> size = new LinkedHashMap<>();
        size.put("subscribers", subscribers);
        size.put("isSizeOfTheSpecification", subscribers >= SUBSCRIBERS_LEAST_OF_SPECIFICATION);
        return size;
    }

    @Override
    public List<String> deviations() {
        List<String> deviations = new ArrayList<>();
        if (subscribers < SUBSCRIBERS_LEAST_OF_SPECIFICATION) {
            deviations.add("population scaled down: " + subscribers + " subscribers; the least of the specification is "
                    + "100,000");
        }
        deviations.add("numbers to which calls are forwarded are drawn by a counter, so that each is known again");
        return deviations;
    }

    @Override
    public List<String> kinds() {
        return List.copyOf(MIX.keySet());
    }

    @Override
    public void create(Connection connection) throws SQLException {
        new TatpTables(connection, subscribers, new SplittableRandom(seed), books).create();
    }

    @Override
    public Terminal open(int number, Connection connection) throws SQLException {
        return new TatpTerminal(
                connection, number, subscribers, new SplittableRandom(seed * 1_000_003 + 1 + number), books);
    }

    @Override
    public List<Finding> check(Connection connection) throws SQLException {
        return books.check(connection);
    }

    @Override
    public Audit audit(Connection connection) throws SQLException {
        return books.audit(connection);
    }
}
