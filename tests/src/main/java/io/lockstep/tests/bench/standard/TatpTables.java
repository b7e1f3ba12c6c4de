package io.lockstep.tests.bench.standard;

import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;

/** The four tables of TATP and what is in them at the beginning. Touched by the creating thread. */
final class TatpTables {
    private static final String CAPITALS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";

    private final Connection connection;
    private final int subscribers;
    private final SplittableRandom random;
    private final TatpBooks books;

    TatpTables(Connection connection, int subscribers, SplittableRandom random, TatpBooks books) {
        this.connection = connection;
        this.subscribers = subscribers;
        this.random = random;
        this.books = books;
    }

    void create() throws SQLException {
        try (Statement statement = connection.createStatement()) {
            statement.execute("CREATE TABLE subscriber(s_id INT PRIMARY KEY, sub_nbr VARCHAR(15) UNIQUE"
                    + columns("bit_", "SMALLINT") + columns("hex_", "SMALLINT") + columns("byte2_", "SMALLINT")
                    + ", msc_location INT, vlr_location INT)");
            statement.execute("CREATE TABLE access_info(s_id INT REFERENCES subscriber, ai_type SMALLINT,"
                    + " data1 SMALLINT, data2 SMALLINT, data3 CHAR(3), data4 CHAR(5), PRIMARY KEY(s_id, ai_type))");
            statement.execute("CREATE TABLE special_facility(s_id INT REFERENCES subscriber, sf_type SMALLINT,"
                    + " is_active SMALLINT, error_cntrl SMALLINT, data_a SMALLINT, data_b CHAR(5),"
                    + " PRIMARY KEY(s_id, sf_type))");
            statement.execute("CREATE TABLE call_forwarding(s_id INT, sf_type SMALLINT, start_time SMALLINT,"
                    + " end_time SMALLINT, numberx VARCHAR(15), PRIMARY KEY(s_id, sf_type, start_time),"
                    + " FOREIGN KEY(s_id, sf_type) REFERENCES special_facility(s_id, sf_type))");
        }
        connection.setAutoCommit(false);
        subscribers();
        accessInfo();
        facilities();
    }

    private static String columns(String name, String type) {
        StringBuilder columns = new StringBuilder();
        for (int i = 1; i <= 10; i++) {
            columns.append(", ").append(name).append(i).append(' ').append(type);
        }
        return columns.toString();
    }

    /** The number of a subscriber: its key with zeros before it. */
    static String number(int subscriber) {
        return String.format(Locale.ROOT, "%015d", subscriber);
    }

    private void subscribers() throws SQLException {
        try (Filler table = new Filler(connection, "subscriber", 34)) {
            for (int id = 1; id <= subscribers; id++) {
                Object[] row = new Object[34];
                row[0] = id;
                row[1] = number(id);
                for (int i = 0; i < 10; i++) {
                    row[2 + i] = random.nextInt(2);
                    row[12 + i] = random.nextInt(16);
                    row[22 + i] = random.nextInt(256);
                }
                row[32] = random.nextInt();
                int location = random.nextInt();
                row[33] = location;
                table.add(row);
                books.locatedAtFirst(id, location);
            }
        }
    }

    private void accessInfo() throws SQLException {
        try (Filler table = new Filler(connection, "access_info", 6)) {
            for (int id = 1; id <= subscribers; id++) {
                for (int type : types()) {
                    table.add(id, type, random.nextInt(256), random.nextInt(256), capitals(3), capitals(5));
                    books.hasAccess();
                }
            }
        }
    }

    private void facilities() throws SQLException {
        List<@Nullable Object[]> forwardings = new ArrayList<>();
        try (Filler table = new Filler(connection, "special_facility", 6)) {
            for (int id = 1; id <= subscribers; id++) {
                for (int type : types()) {
                    int dataA = random.nextInt(256);
                    int isActive = random.nextInt(100) < 85 ? 1 : 0;
                    table.add(id, type, isActive, random.nextInt(256), dataA, capitals(5));
                    books.hasFacility(id, type, dataA);
                    forwardings(id, type, forwardings);
                }
            }
        }
        try (Filler table = new Filler(connection, "call_forwarding", 5)) {
            for (Object[] row : forwardings) {
                table.add(row);
            }
        }
    }

    /** None to three, at different times of the day. */
    private void forwardings(int id, int type, List<@Nullable Object[]> forwardings) {
        int count = random.nextInt(4);
        List<Integer> starts = chosen(List.of(0, 8, 16), count);
        for (int start : starts) {
            String to = String.format(Locale.ROOT, "%015d", forwardings.size());
            forwardings.add(new Object[] {id, type, start, start + 1 + random.nextInt(8), to});
            books.forwardsAtFirst(new TatpBooks.Forwarding(id, type, start), to);
        }
    }

    /** One to four of the four types. */
    private List<Integer> types() {
        return chosen(List.of(1, 2, 3, 4), 1 + random.nextInt(4));
    }

    private List<Integer> chosen(List<Integer> from, int count) {
        List<Integer> left = new ArrayList<>(from);
        while (left.size() > count) {
            left.remove(random.nextInt(left.size()));
        }
        return left;
    }

    private String capitals(int length) {
        StringBuilder text = new StringBuilder(length);
        for (int i = 0; i < length; i++) {
            text.append(CAPITALS.charAt(random.nextInt(CAPITALS.length())));
        }
        return text.toString();
    }
}
