package io.lockstep.jdbc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.net.InetSocketAddress;
import java.sql.DriverPropertyInfo;
import java.sql.SQLException;
import java.util.Properties;
import org.junit.jupiter.api.Test;

class LockstepUrlTest {
    private static LockstepUrl parse(String url) throws SQLException {
        return LockstepUrl.parse(url, new Properties());
    }

    @Test
    void whatMetadataTellsNamesTheProductAndLeadsBackToTheSameDatabase() throws SQLException {
        LockstepUrl url = LockstepUrl.parse("jdbc:lockstep://one,two:7401/bank?readOnly=true", null);

        assertThat(url.withProduct()).isEqualTo("jdbc:lockstep:h2://one,two:7401/bank");
        assertThat(LockstepUrl.parse(url.withProduct() + "?readOnly=true", null))
                .isEqualTo(url);
    }

    @Test
    void readsHostsPortsDatabaseAndProperties() throws SQLException {
        LockstepUrl url =
                parse("jdbc:lockstep://one,two:7500,[::1]:7600/shop?user=me&connectTimeout=3&ApplicationName=a%20b");
        assertThat(url.addresses())
                .containsExactly(
                        InetSocketAddress.createUnresolved("one", 7400),
                        InetSocketAddress.createUnresolved("two", 7500),
                        InetSocketAddress.createUnresolved("::1", 7600));
        assertThat(url.database()).isEqualTo("shop");
        assertThat(url.get(DriverProperty.USER)).isEqualTo("me");
        assertThat(url.getNumber(DriverProperty.CONNECT_TIMEOUT)).isEqualTo(3);
        assertThat(url.get(DriverProperty.APPLICATION_NAME)).isEqualTo("a b");
        assertThat(url.getNumber(DriverProperty.SOCKET_TIMEOUT)).isEqualTo(60);
    }

    @Test
    void namesNodesWithTheirPorts() throws SQLException {
        LockstepUrl url = parse("jdbc:lockstep:nodes://one:7501,[::1]:7502/shop?user=me");
        assertThat(url.isNodes()).isTrue();
        assertThat(url.addresses())
                .containsExactly(
                        InetSocketAddress.createUnresolved("one", 7501),
                        InetSocketAddress.createUnresolved("::1", 7502));
        assertThat(url.database()).isEqualTo("shop");
        assertThat(url.withProduct()).isEqualTo("jdbc:lockstep:h2:nodes://one:7501,[::1]:7502/shop");
        assertThat(LockstepUrl.parse(url.withProduct() + "?user=me", null)).isEqualTo(url);
        assertThat(parse("jdbc:lockstep://one:7501/shop").isNodes()).isFalse();
    }

    @Test
    void theUrlWinsOverTheProperties() throws SQLException {
        Properties properties = new Properties();
        properties.setProperty("user", "props");
        properties.setProperty("password", "p");
        LockstepUrl url = LockstepUrl.parse("jdbc:lockstep://h/db?user=url", properties);
        assertThat(url.get(DriverProperty.USER)).isEqualTo("url");
        assertThat(url.get(DriverProperty.PASSWORD)).isEqualTo("p");
    }

    @Test
    void refusesWhatItDoesNotKnowByName() {
        refuses("jdbc:lockstep://h/db?conectTimeout=3", "conectTimeout", "did you mean \"connectTimeout\"");
        refuses("jdbc:lockstep://h/db?connectTimeout=soon", "connectTimeout is \"soon\"", "1 to 3600");
        refuses("jdbc:lockstep://h/db?connectTimeout", "connectTimeout has no value");
        refuses("jdbc:lockstep://h/db?readOnly=yes", "readOnly", "false, true");
        refuses("jdbc:lockstep://h/db?sslmode=require", "sslmode", "TLS");
        refuses("jdbc:lockstep://h/db?MODE=PostgreSQL", "MODE", "databases.NAME.mode", "--set mode=");
        refuses("jdbc:lockstep://h/db;MODE=PostgreSQL", "databases.NAME.mode");
        refuses("jdbc:lockstep://h/db;DATABASE_TO_LOWER=TRUE", "databases.NAME.identifier-case");
        refuses("jdbc:lockstep://h/db;DEFAULT_NULL_ORDERING=HIGH", "databases.NAME.null-ordering");
        refuses("jdbc:lockstep://h/db;user=me", "?user=");
        refuses("jdbc:lockstep://h", "names no database");
        refuses("jdbc:lockstep://h/", "names no database");
        refuses("jdbc:lockstep:h/db", "jdbc:lockstep://", "jdbc:lockstep:nodes://");
        refuses("jdbc:lockstep:nodes://one:7501,two/db", "the address two has no port");
        refuses("jdbc:lockstep://h:99999/db", "99999");
        refuses("jdbc:lockstep://,h/db", "a host is missing");
        refuses("jdbc:lockstep://::1/db", "brackets");
        refuses("jdbc:lockstep://h/db?TimeZone=Mars", "TimeZone");
    }

    private static void refuses(String url, String... texts) {
        assertThatThrownBy(() -> parse(url))
                .isInstanceOfSatisfying(
                        SQLException.class, e -> assertThat(e.getSQLState()).isEqualTo("HY024"))
                .hasMessageContainingAll(texts);
    }

    @Test
    void tellsEveryPropertyWithItsRange() throws SQLException {
        LockstepDriver driver = new LockstepDriver();
        DriverPropertyInfo[] infos = driver.getPropertyInfo("jdbc:lockstep://h/db?readOnly=true", null);
        assertThat(infos).hasSize(DriverProperty.values().length);
        assertThat(java.util.List.of(infos))
                .filteredOn(info -> info.name.equals("readOnly"))
                .singleElement()
                .satisfies(info -> {
                    assertThat(info.value).isEqualTo("true");
                    assertThat(info.choices).containsExactly("false", "true");
                    assertThat(info.description).isNotEmpty();
                });
        assertThat(driver.acceptsURL("jdbc:h2:mem:x")).isFalse();
        assertThat(driver.connect("jdbc:h2:mem:x", null)).isNull();
    }

    @Test
    void neverTellsThePassword() throws SQLException {
        assertThat(parse("jdbc:lockstep://h/db?password=secret").url()).doesNotContain("secret");
        assertThatThrownBy(() ->
                        LockstepDriver.open(parse("jdbc:lockstep://127.0.0.1:1/db?password=secret&connectTimeout=1")))
                .isInstanceOfSatisfying(SQLException.class, e -> {
                    assertThat(e.getSQLState()).isEqualTo("08001");
                    assertThat(e.getMessage()).contains("127.0.0.1").doesNotContain("secret");
                });
    }
}
