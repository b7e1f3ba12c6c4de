package io.lockstep.tests.bench.standard;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.lockstep.tests.bench.standard.Benchmark.Audit;
import io.lockstep.tests.bench.standard.Benchmark.Finding;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** TPC-C's arithmetic, and its conditions over a small database in H2: they hold, and notice what is wrong. */
class TpccTest {
    private static final TpccScale SMALL = new TpccScale(2, 200, 60);
    private static final TpccScale FULL = new TpccScale(1, 100_000, 3_000);
    private static final String URL = "jdbc:h2:mem:tpcc";

    private Connection connection;

    @BeforeEach
    void open() throws SQLException {
        connection = DriverManager.getConnection(URL);
    }

    @AfterEach
    void close() throws SQLException {
        connection.close();
    }

    @ParameterizedTest
    @CsvSource({"0,BARBARBAR", "371,PRICALLYOUGHT", "40,BARPRESBAR", "999,EINGEINGEING"})
    void lastNamesAreMadeOfThreeSyllables(int number, String name) {
        assertThat(TpccRandom.lastName(number)).isEqualTo(name);
    }

    @ParameterizedTest
    @CsvSource({"1000,3,255", "3000,2,1023", "100000,8,8191", "300,2,127", "100,3,31"})
    void theRangeOfNuRandIsTheSpecificationsAtItsSizeAndInProportionBelow(int range, int divisor, int a) {
        assertThat(TpccRandom.rangeOfOr(range, divisor)).isEqualTo(a);
    }

    /** Clause 2.1.6: the or of two numbers that are all alike favours those with many bits set. */
    @Test
    void nuRandIsNotUniformAndStaysInItsRange() {
        TpccRandom random = random(FULL, 7);
        int[] counts = new int[3_001];
        for (int i = 0; i < 300_000; i++) {
            counts[random.nonUniform(1_023, 0, 1, 3_000)]++;
        }
        assertThat(counts[0]).isZero();
        // An or of 1,023 has all ten low bits set, one of 1,024 none of them; the least of the range is added.
        assertThat(counts[1_024]).isGreaterThan(20 * Math.max(1, counts[1_025]));
    }

    @Test
    void theConstantsForLastNamesDifferAsTheyMust() {
        for (int seed = 0; seed < 200; seed++) {
            TpccRandom.Constants drawn = TpccRandom.Constants.draw(new SplittableRandom(seed), FULL);
            int distance = Math.abs(drawn.lastName() - drawn.lastNameAtFirst());
            assertThat(distance).isBetween(65, 119).isNotIn(96, 112);
        }
    }

    @Test
    void everyDeckHasTheStandardMix() {
        Deck deck = new Deck(Tpcc.CARDS, new SplittableRandom(1));
        List<List<String>> orders = new ArrayList<>();
        for (int round = 0; round < 20; round++) {
            Map<String, Integer> drawn = new HashMap<>();
            List<String> order = new ArrayList<>();
            for (int card = 0; card < 23; card++) {
                String kind = deck.draw();
                drawn.merge(kind, 1, Integer::sum);
                order.add(kind);
            }
            assertThat(drawn).isEqualTo(Tpcc.CARDS);
            orders.add(order);
        }
        assertThat(orders).doesNotHaveDuplicates();
    }

    @Test
    void shareOfRemotePaymentsAndRolledBackOrdersIsAsDrawn() {
        TpccRandom random = random(FULL, 3);
        int hits = 0;
        for (int i = 0; i < 100_000; i++) {
            hits += random.inPercent(15) ? 1 : 0;
        }
        assertThat(hits / 1_000.0).isCloseTo(15, within(0.5));
    }

    @Test
    void allTwelveConditionsHoldBeforeAndAfterTerminalsHaveWorked() throws Exception {
        Tpcc tpcc = new Tpcc(SMALL, 5);
        tpcc.create(connection);
        assertThat(tpcc.check(connection)).hasSize(12).allMatch(Finding::holds);

        TerminalRun.Result result = InMemory.run(tpcc, URL, 4, 500);

        assertThat(result.problems()).isEmpty();
        assertThat(result.errors()).isZero();
        assertThat(result.tallies().values()).allMatch(tally -> tally.committed() > 0);
        assertThat(tpcc.check(connection)).hasSize(12).allMatch(Finding::holds);
        Audit audit = tpcc.audit(connection);
        assertThat(audit.lost()).as("%s", audit).isZero();
        assertThat(audit.doubled()).as("%s", audit).isZero();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "1|UPDATE district SET d_ytd = d_ytd + 0.01 WHERE d_w_id = 1 AND d_id = 3",
                "2|UPDATE district SET d_next_o_id = d_next_o_id + 1 WHERE d_w_id = 2 AND d_id = 1",
                "3|DELETE FROM new_order WHERE no_w_id = 1 AND no_d_id = 1 AND no_o_id = 50",
                "4|DELETE FROM order_line WHERE ol_w_id = 1 AND ol_d_id = 1 AND ol_o_id = 9 AND ol_number = 1",
                "5|UPDATE orders SET o_carrier_id = 3 WHERE o_w_id = 1 AND o_d_id = 1 AND o_id = 60",
                "6|UPDATE orders SET o_ol_cnt = o_ol_cnt + 1 WHERE o_w_id = 2 AND o_d_id = 9 AND o_id = 1",
                "7|UPDATE order_line SET ol_delivery_d = NULL WHERE ol_w_id = 1 AND ol_d_id = 1 AND ol_o_id = 1",
                "8|UPDATE warehouse SET w_ytd = w_ytd - 1 WHERE w_id = 2",
                "9|UPDATE history SET h_d_id = 2 WHERE h_w_id = 1 AND h_d_id = 1 AND h_c_id = 1",
                "10|UPDATE customer SET c_balance = c_balance + 5 WHERE c_w_id = 1 AND c_d_id = 1 AND c_id = 1",
                "11|DELETE FROM new_order WHERE no_w_id = 1 AND no_d_id = 1 AND no_o_id = 60",
                "12|UPDATE customer SET c_ytd_payment = 11 WHERE c_w_id = 1 AND c_d_id = 1 AND c_id = 1"
            })
    void eachConditionNoticesWhatIsWrong(int number, String wrong) throws SQLException {
        Tpcc tpcc = new Tpcc(SMALL, 5);
        tpcc.create(connection);
        try (Statement statement = connection.createStatement()) {
            assertThat(statement.executeUpdate(wrong)).isPositive();
        }

        Finding finding = tpcc.check(connection).get(number - 1);

        assertThat(finding.name()).isEqualTo("3.3.2." + number);
        assertThat(finding.holds()).isFalse();
        assertThat(finding.examples()).isNotEmpty();
    }

    @Test
    void anOrderThatIsGoneIsLostAndOneThatNobodyGaveIsDoubled() throws Exception {
        Tpcc tpcc = new Tpcc(SMALL, 6);
        tpcc.create(connection);
        InMemory.run(tpcc, URL, 2, 300);
        try (Statement statement = connection.createStatement()) {
            statement.execute("SET REFERENTIAL_INTEGRITY FALSE");
            assertThat(statement.executeUpdate("DELETE FROM orders WHERE o_w_id = 1 AND o_d_id ="
                            + " (SELECT MIN(o_d_id) FROM orders WHERE o_w_id = 1 AND o_id = 61) AND o_id = 61"))
                    .isOne();
            statement.execute("INSERT INTO orders(o_id, o_d_id, o_w_id, o_c_id) VALUES (999999, 1, 2, 1)");
            statement.execute("DELETE FROM history WHERE h_amount <> 10 FETCH FIRST 1 ROW ONLY");
        }

        Audit audit = tpcc.audit(connection);

        assertThat(audit.doubled()).isEqualTo(1);
        assertThat(audit.lost()).as("%s", audit).isGreaterThanOrEqualTo(2);
    }

    private static TpccRandom random(TpccScale scale, long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        return new TpccRandom(random, scale, TpccRandom.Constants.draw(random, scale));
    }
}
