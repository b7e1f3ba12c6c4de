package io.lockstep.jdbc;

import static org.assertj.core.api.Assertions.assertThat;

import io.lockstep.tsdstore.sql.DatabaseSettings;
import io.lockstep.tsdstore.sql.DatabaseSettings.IdentifierCase;
import io.lockstep.tsdstore.sql.DatabaseSettings.NullOrdering;
import io.lockstep.tsdstore.sql.SqlConfig;
import java.sql.Connection;
import java.sql.DatabaseMetaData;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What DatabaseMetaData says of a database that is set somehow: as H2 says it of one whose URL says so. */
@Timeout(60)
class DatabaseSettingsTest {
    @ParameterizedTest
    @CsvSource({
        "REGULAR, UPPER, false, LOW, TRUE, FALSE",
        "MySQL, LOWER, false, LOW, FALSE, TRUE",
        "PostgreSQL, LOWER, false, HIGH, FALSE, TRUE",
        "Oracle, UPPER, false, LAST, TRUE, FALSE",
        "MSSQLServer, EXACT, true, FIRST, FALSE, FALSE"
    })
    void metaDataAnswersAsTheDatabaseIsSet(
            String mode, IdentifierCase names, boolean ignoresCase, NullOrdering nulls, String upper, String lower)
            throws SQLException {
        SqlConfig config = SqlConfig.DEFAULT.withSettings(
                new DatabaseSettings(mode, DatabaseSettings.NO_COLLATION, names, ignoresCase, nulls));
        String plain = "jdbc:h2:mem:;MODE=" + mode + ";DATABASE_TO_UPPER=" + upper + ";DATABASE_TO_LOWER=" + lower
                + ";CASE_INSENSITIVE_IDENTIFIERS=" + ignoresCase + ";DEFAULT_NULL_ORDERING=" + nulls;
        try (SqlServer server = new SqlServer(new EngineSessions(config));
                Connection lockstep = DriverManager.getConnection(server.url(), "app", "app");
                Connection h2 = DriverManager.getConnection(plain, "app", "app")) {
            assertThat(said(lockstep)).isEqualTo(said(h2));
        }
    }

    private static List<Object> said(Connection connection) throws SQLException {
        List<Object> said = new ArrayList<>();
        try (Statement statement = connection.createStatement()) {
            statement.execute("CREATE TABLE Mixed(Id INT PRIMARY KEY, \"Quoted\" VARCHAR(10))");
            statement.execute("INSERT INTO mixed VALUES (1, 'a'), (2, NULL)".replace("mixed", "Mixed"));
            ResultSet rows = statement.executeQuery("SELECT Id FROM Mixed ORDER BY \"Quoted\"");
            while (rows.next()) {
                said.add(rows.getInt(1));
            }
        }
        DatabaseMetaData of = connection.getMetaData();
        said.add(of.storesUpperCaseIdentifiers());
        said.add(of.storesLowerCaseIdentifiers());
        said.add(of.storesMixedCaseIdentifiers());
        said.add(of.supportsMixedCaseIdentifiers());
        said.add(of.storesMixedCaseQuotedIdentifiers());
        said.add(of.supportsMixedCaseQuotedIdentifiers());
        said.add(of.nullsAreSortedHigh());
        said.add(of.nullsAreSortedLow());
        said.add(of.nullsAreSortedAtStart());
        said.add(of.nullsAreSortedAtEnd());
        said.add(of.getIdentifierQuoteString());
        said.add(of.getDatabaseProductName());
        try (ResultSet columns = of.getColumns(null, null, "%ixed", null)) {
            while (columns.next()) {
                said.add(columns.getString("TABLE_SCHEM") + "." + columns.getString("TABLE_NAME") + "."
                        + columns.getString("COLUMN_NAME"));
            }
        }
        try (ResultSet tables = of.getTables(null, null, "%IXED", new String[] {"BASE TABLE"})) {
            while (tables.next()) {
                said.add(tables.getString("TABLE_NAME"));
            }
        }
        return said;
    }
}
