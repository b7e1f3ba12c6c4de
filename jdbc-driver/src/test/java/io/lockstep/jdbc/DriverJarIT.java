package io.lockstep.jdbc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.InputStream;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DatabaseMetaData;
import java.sql.Driver;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Properties;
import java.util.ServiceLoader;
import java.util.jar.JarEntry;
import java.util.jar.JarFile;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The driver's one jar by itself, in a class loader that knows nothing else, or only another H2 and another Netty. */
@Timeout(120)
class DriverJarIT {
    private static final Path JAR = Path.of(Objects.requireNonNull(System.getProperty("driver.jar"), "driver.jar"));
    private static final Path OTHERS =
            Path.of(Objects.requireNonNull(System.getProperty("others.folder"), "others.folder"));

    private final SqlServer server = new SqlServer(new EngineSessions());
    private final List<URLClassLoader> loaders = new ArrayList<>();

    @AfterEach
    void close() throws IOException {
        for (URLClassLoader loader : loaders) {
            loader.close();
        }
        server.close();
    }

    private URLClassLoader loader(Path... jars) throws IOException {
        URL[] urls = new URL[jars.length];
        for (int i = 0; i < jars.length; i++) {
            urls[i] = jars[i].toUri().toURL();
        }
        URLClassLoader loader = new URLClassLoader(urls, ClassLoader.getPlatformClassLoader());
        loaders.add(loader);
        return loader;
    }

    private Path other(String prefix) throws IOException {
        try (Stream<Path> files = Files.list(OTHERS)) {
            return files.filter(file -> String.valueOf(file.getFileName()).startsWith(prefix))
                    .findFirst()
                    .orElseThrow();
        }
    }

    private static Driver driver(ClassLoader loader) {
        return ServiceLoader.load(Driver.class, loader).stream()
                .filter(provider -> provider.type().getName().equals("io.lockstep.jdbc.LockstepDriver"))
                .findFirst()
                .orElseThrow()
                .get();
    }

    private Connection connect(Driver driver) throws SQLException {
        Properties login = new Properties();
        login.setProperty("user", "app");
        login.setProperty("password", "app");
        return Objects.requireNonNull(driver.connect(server.url(), login));
    }

    @Test
    void worksByItself() throws Exception {
        try (Connection connection = connect(driver(loader(JAR)))) {
            use(connection);
        }
    }

    /** The server here greets as a distributor; a node's greeting is met in SqlNodesIT. */
    @Test
    void hasWhatReachesNodesToo() throws Exception {
        Properties login = new Properties();
        login.setProperty("connectTimeout", "1");
        String url = server.url().replace("jdbc:lockstep://", "jdbc:lockstep:nodes://");
        Driver driver = driver(loader(JAR));
        assertThatThrownBy(() -> driver.connect(url, login))
                .isInstanceOfSatisfying(
                        SQLException.class, e -> assertThat(e.getSQLState()).isEqualTo("08001"))
                .hasMessageContaining("is no node");
    }

    @Test
    void worksBesideAnotherH2AndNetty() throws Exception {
        for (boolean isFirst : new boolean[] {true, false}) {
            Path h2 = other("h2");
            Path netty = other("netty-common");
            URLClassLoader loader = isFirst ? loader(JAR, h2, netty) : loader(h2, netty, JAR);
            try (Connection ours = connect(driver(loader));
                    Connection theirs = ((Driver) loader.loadClass("org.h2.Driver")
                                    .getDeclaredConstructor()
                                    .newInstance())
                            .connect("jdbc:h2:mem:", new Properties())) {
                use(ours);
                assertThat(theirs.getMetaData().getDatabaseProductVersion()).startsWith("2.3.232");
                assertThat(message(theirs)).endsWith("[42104-232]");
                assertThat(message(ours)).endsWith("-252]");
            }
        }
    }

    private static String message(Connection connection) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            statement.executeQuery("SELECT * FROM NOWHERE");
            return "no error";
        } catch (SQLException e) {
            return String.valueOf(e.getMessage());
        }
    }

    private static void use(Connection connection) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            statement.execute("CREATE TABLE IF NOT EXISTS JAR(ID INT PRIMARY KEY, NAME VARCHAR, A INT ARRAY)");
            statement.execute("DELETE FROM JAR");
            try (PreparedStatement insert = connection.prepareStatement("INSERT INTO JAR VALUES (?, ?, ?)")) {
                insert.setInt(1, 1);
                insert.setString(2, "one");
                insert.setArray(3, connection.createArrayOf("INTEGER", new Object[] {1, 2}));
                assertThat(insert.executeUpdate()).isEqualTo(1);
                insert.executeUpdate();
            } catch (SQLException e) {
                assertThat(e.getErrorCode()).isEqualTo(23505);
                assertThat(e.getSQLState()).isEqualTo("23505");
                assertThat(e.getMessage())
                        .startsWith("Unique index or primary key violation: \"PUBLIC.CONSTRAINT_")
                        .endsWith("[23505-252]");
            }
            // A message that H2's JDBC classes make by themselves, from the texts within the jar.
            try (ResultSet rows = statement.executeQuery("SELECT ID FROM JAR")) {
                rows.next();
                rows.getInt("NO_SUCH");
            } catch (SQLException e) {
                assertThat(e.getMessage()).isEqualTo("Column \"NO_SUCH\" not found [42122-252]");
            }
            DatabaseMetaData metadata = connection.getMetaData();
            assertThat(metadata.getDatabaseProductName()).isEqualTo("H2");
            assertThat(metadata.getSQLKeywords()).contains("ROWNUM");
            try (ResultSet tables = metadata.getTables(null, "PUBLIC", "JAR", null)) {
                assertThat(tables.next()).isTrue();
            }
        }
    }

    @Test
    void holdsOnlyItsOwnNames() throws IOException {
        try (JarFile jar = new JarFile(JAR.toFile())) {
            List<String> strange = jar.stream()
                    .map(JarEntry::getName)
                    .filter(name -> !name.endsWith("/"))
                    .filter(name -> !name.startsWith("io/lockstep/jdbc/")
                            && !name.startsWith("META-INF/licenses/")
                            && !List.of(
                                            "META-INF/MANIFEST.MF",
                                            "META-INF/NOTICE",
                                            "META-INF/services/java.sql.Driver",
                                            "META-INF/services/org.flywaydb.core.extensibility.Plugin",
                                            "META-INF/services/io.lockstep.jdbc.shaded.slf4j.spi.SLF4JServiceProvider")
                                    .contains(name))
                    .toList();
            assertThat(strange).isEmpty();
            try (InputStream drivers = jar.getInputStream(jar.getJarEntry("META-INF/services/java.sql.Driver"))) {
                assertThat(new String(drivers.readAllBytes(), java.nio.charset.StandardCharsets.UTF_8).strip())
                        .isEqualTo("io.lockstep.jdbc.LockstepDriver");
            }
            assertThat(jar.getEntry("META-INF/licenses/MPL-2.0.txt")).isNotNull();
        }
    }

    @Test
    void registersNoDriverButItsOwn() throws Exception {
        URLClassLoader loader = loader(JAR);
        List<String> registered = ServiceLoader.load(Driver.class, loader).stream()
                .map(provider -> provider.type().getName())
                .filter(name -> name.startsWith("io.lockstep"))
                .toList();
        assertThat(registered).containsExactly("io.lockstep.jdbc.LockstepDriver");
        try (Connection connection = connect(driver(loader))) {
            connection.createStatement().execute("SELECT 1");
        }
        assertThat(DriverManager.drivers().map(driver -> driver.getClass().getName()))
                .noneMatch(name -> name.contains("shaded"));
    }
}
