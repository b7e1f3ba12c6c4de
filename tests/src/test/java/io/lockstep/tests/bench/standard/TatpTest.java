package io.lockstep.tests.bench.standard;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.lockstep.tests.bench.standard.Benchmark.Audit;
import io.lockstep.tests.bench.standard.Benchmark.Finding;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** TATP over a small database in H2: its shares are as the benchmark says, and its books notice what is wrong. */
class TatpTest {
    private static final String URL = "jdbc:h2:mem:tatp";

    private Connection connection;

    @BeforeEach
    void open() throws SQLException {
        connection = DriverManager.getConnection(URL);
    }

    @AfterEach
    void close() throws SQLException {
        connection.close();
    }

    @Test
    void subscribersAreDrawnNotAllAlikeAndAllOfThem() {
        SplittableRandom random = new SplittableRandom(4);
        int[] counts = new int[100_001];
        for (int i = 0; i < 2_000_000; i++) {
            counts[TatpTerminal.subscriber(random, 100_000)]++;
        }
        assertThat(counts[0]).isZero();
        // An or of 65,535 has all sixteen low bits set, one of 65,536 none of them.
        assertThat(counts[65_536]).isGreaterThan(20 * Math.max(1, counts[65_537]));
    }

    @Test
    void sharesWithoutEffectAreAsTheBenchmarkExpectsAndNothingIsLost() throws Exception {
        Tatp tatp = new Tatp(500, 11);
        tatp.create(connection);
        assertThat(tatp.check(connection)).hasSize(4).allMatch(Finding::holds);

        TerminalRun.Result result = InMemory.run(tatp, URL, 4, 20_000);

        assertThat(result.problems()).isEmpty();
        assertThat(share(result, Tatp.GET_SUBSCRIBER_DATA)).isEqualTo(100);
        // 62.5 % have the facility, 85 % of those are active, 27.9 % of those have a forwarding that matches.
        assertThat(share(result, Tatp.GET_NEW_DESTINATION)).isCloseTo(14.8, within(5.0));
        assertThat(share(result, Tatp.GET_ACCESS_DATA)).isCloseTo(62.5, within(6.0));
        assertThat(share(result, Tatp.UPDATE_SUBSCRIBER_DATA)).isCloseTo(62.5, within(12.0));
        assertThat(share(result, Tatp.UPDATE_LOCATION)).isEqualTo(100);
        assertThat(share(result, Tatp.INSERT_CALL_FORWARDING)).isCloseTo(31.25, within(12.0));
        assertThat(share(result, Tatp.DELETE_CALL_FORWARDING)).isCloseTo(31.25, within(12.0));
        assertThat(tatp.check(connection)).allMatch(Finding::holds);
        Audit audit = tatp.audit(connection);
        assertThat(audit.lost() + audit.doubled()).as("%s", audit).isZero();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "lost|DELETE FROM call_forwarding FETCH FIRST 1 ROW ONLY",
                "doubled|INSERT INTO call_forwarding SELECT s_id, sf_type, 0, 1, 'x' FROM special_facility f WHERE NOT"
                        + " EXISTS (SELECT 1 FROM call_forwarding c WHERE c.s_id = f.s_id AND c.sf_type = f.sf_type)"
                        + " FETCH FIRST 1 ROW ONLY",
                "doubled|UPDATE call_forwarding SET numberx = 'x' FETCH FIRST 1 ROW ONLY",
                "lost|UPDATE subscriber SET vlr_location = vlr_location + 1 WHERE s_id = 3",
                "lost|UPDATE special_facility SET data_a = 999 WHERE s_id = 3 FETCH FIRST 1 ROW ONLY"
            })
    void theBooksNoticeWhatIsWrong(String how, String wrong) throws SQLException {
        Tatp tatp = new Tatp(100, 12);
        tatp.create(connection);
        try (Statement statement = connection.createStatement()) {
            assertThat(statement.executeUpdate(wrong)).isOne();
        }

        Audit audit = tatp.audit(connection);

        assertThat(how.equals("lost") ? audit.lost() : audit.doubled()).isOne();
        assertThat(how.equals("lost") ? audit.doubled() : audit.lost()).isZero();
    }

    /** Percent that was committed. */
    private static double share(TerminalRun.Result result, String kind) {
        TerminalRun.Tally tally = result.tallies().get(kind);
        assertThat(tally).isNotNull();
        return 100.0 * tally.committed() / (tally.committed() + tally.withoutEffect());
    }
}
