package io.lockstep.tests.bench.standard;

import io.lockstep.tests.bench.standard.Benchmark.Draw;
import io.lockstep.tests.bench.standard.Benchmark.Ending;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SplittableRandom;

/** A client of TATP: seven transactions in the standard mix. Touched by its own thread. */
final class TatpTerminal implements Benchmark.Terminal {
    /** SQLState of a row whose key is there already; so is one whose facility is missing, by the next. */
    private static final String DUPLICATE_KEY = "23505";

    private static final String NO_PARENT = "23506";
    private static final String NO_PARENT_ELSEWHERE = "23503";

    private final Connection connection;
    private final int number;
    private final int subscribers;
    private final SplittableRandom random;
    private final TatpBooks books;
    private final Query subscriberData;
    private final Query newDestination;
    private final Query accessData;
    private final Query changeBit;
    private final Query changeFacility;
    private final Query changeLocation;
    private final Query subscriberOfNumber;
    private final Query facilities;
    private final Query insert;
    private final Query delete;
    private long numbersDrawn;

    TatpTerminal(Connection connection, int number, int subscribers, SplittableRandom random, TatpBooks books)
            throws SQLException {
        this.connection = connection;
        this.number = number;
        this.subscribers = subscribers;
        this.random = random;
        this.books = books;
        subscriberData = new Query(connection, "SELECT * FROM subscriber WHERE s_id = ?");
        newDestination = new Query(
                connection,
                "SELECT cf.numberx FROM special_facility sf JOIN call_forwarding cf ON cf.s_id = sf.s_id"
                        + " AND cf.sf_type = sf.sf_type WHERE sf.s_id = ? AND sf.sf_type = ? AND sf.is_active = 1"
                        + " AND cf.start_time <= ? AND cf.end_time > ?");
        accessData = new Query(
                connection, "SELECT data1, data2, data3, data4 FROM access_info WHERE s_id = ? AND ai_type = ?");
        changeBit = new Query(connection, "UPDATE subscriber SET bit_1 = ? WHERE s_id = ?");
        changeFacility = new Query(connection, "UPDATE special_facility SET data_a = ? WHERE s_id = ? AND sf_type = ?");
        changeLocation = new Query(connection, "UPDATE subscriber SET vlr_location = ? WHERE sub_nbr = ?");
        subscriberOfNumber = new Query(connection, "SELECT s_id FROM subscriber WHERE sub_nbr = ?");
        facilities = new Query(connection, "SELECT sf_type FROM special_facility WHERE s_id = ?");
        insert = new Query(
                connection,
                "INSERT INTO call_forwarding(s_id, sf_type, start_time, end_time, numberx) VALUES (?, ?, ?, ?, ?)");
        delete = new Query(connection, "DELETE FROM call_forwarding WHERE s_id = ? AND sf_type = ? AND start_time = ?");
    }

    @Override
    public Draw next() {
        String kind = kind(random.nextInt(100));
        int who = subscriber(random, subscribers);
        int type = 1 + random.nextInt(4);
        int start = 8 * random.nextInt(3);
        int end = 1 + random.nextInt(24);
        int bit = random.nextInt(2);
        int data = random.nextInt(256);
        int location = random.nextInt();
        return switch (kind) {
            case Tatp.GET_SUBSCRIBER_DATA -> new Draw(kind, () -> getSubscriberData(who));
            case Tatp.GET_NEW_DESTINATION -> new Draw(kind, () -> getNewDestination(who, type, start, end));
            case Tatp.GET_ACCESS_DATA -> new Draw(kind, () -> getAccessData(who, type));
            case Tatp.UPDATE_SUBSCRIBER_DATA -> new Draw(kind, () -> updateSubscriberData(who, type, bit, data));
            case Tatp.UPDATE_LOCATION -> new Draw(kind, () -> updateLocation(who, location));
            case Tatp.INSERT_CALL_FORWARDING -> {
                String to = String.format(Locale.ROOT, "%05d%010d", number + 1, ++numbersDrawn);
                int until = start + 1 + random.nextInt(8);
                yield new Draw(kind, () -> insertCallForwarding(new TatpBooks.Forwarding(who, type, start), until, to));
            }
            default -> new Draw(kind, () -> deleteCallForwarding(new TatpBooks.Forwarding(who, type, start)));
        };
    }

    private static String kind(int percent) {
        int sum = 0;
        for (Map.Entry<String, Integer> each : Tatp.MIX.entrySet()) {
            sum += each.getValue();
            if (percent < sum) {
                return each.getKey();
            }
        }
        throw new IllegalStateException("the shares are " + sum + " of 100");
    }

    /** {@code ((rand(0, A) | rand(1, P)) mod P) + 1}, the benchmark's non-uniform key. */
    static int subscriber(SplittableRandom random, int subscribers) {
        int a = subscribers <= 1_000_000 ? 65_535 : subscribers <= 10_000_000 ? 1_048_575 : 2_097_151;
        return (random.nextInt(a + 1) | random.nextInt(1, subscribers + 1)) % subscribers + 1;
    }

    private Ending getSubscriberData(int who) throws SQLException {
        subscriberData.one(who);
        return committed();
    }

    private Ending getNewDestination(int who, int type, int start, int end) throws SQLException {
        return orWithout(!newDestination.all(who, type, start, end).isEmpty());
    }

    private Ending getAccessData(int who, int type) throws SQLException {
        return orWithout(accessData.first(who, type).isPresent());
    }

    private Ending updateSubscriberData(int who, int type, int bit, int data) throws SQLException {
        changeBit.changeOne(bit, who);
        if (changeFacility.change(data, who, type) == 0) {
            return withoutEffect();
        }
        connection.commit();
        books.changedFacility(who, type, data);
        return Ending.COMMITTED;
    }

    private Ending updateLocation(int who, int location) throws SQLException {
        changeLocation.changeOne(location, TatpTables.number(who));
        connection.commit();
        books.located(who, location);
        return Ending.COMMITTED;
    }

    private Ending insertCallForwarding(TatpBooks.Forwarding key, int end, String to) throws SQLException {
        int found = subscriberOfNumber.one(TatpTables.number(key.subscriber())).integer(0);
        facilities.all(found);
        try {
            insert.changeOne(found, key.facility(), key.start(), end, to);
        } catch (SQLException e) {
            if (!List.of(DUPLICATE_KEY, NO_PARENT, NO_PARENT_ELSEWHERE).contains(String.valueOf(e.getSQLState()))) {
                throw e;
            }
            return withoutEffect();
        }
        connection.commit();
        books.inserted(key, to);
        return Ending.COMMITTED;
    }

    private Ending deleteCallForwarding(TatpBooks.Forwarding key) throws SQLException {
        int found = subscriberOfNumber.one(TatpTables.number(key.subscriber())).integer(0);
        if (delete.change(found, key.facility(), key.start()) == 0) {
            return withoutEffect();
        }
        connection.commit();
        books.deleted(key);
        return Ending.COMMITTED;
    }

    private Ending orWithout(boolean hasRows) throws SQLException {
        return hasRows ? committed() : withoutEffect();
    }

    private Ending committed() throws SQLException {
        connection.commit();
        return Ending.COMMITTED;
    }

    private Ending withoutEffect() throws SQLException {
        connection.rollback();
        return Ending.WITHOUT_EFFECT;
    }
}
