package io.lockstep.jdbc;

import java.sql.Connection;
import java.sql.Driver;
import java.sql.DriverManager;
import java.sql.DriverPropertyInfo;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.logging.Logger;
import org.jspecify.annotations.Nullable;

/**
 * JDBC driver for {@code jdbc:lockstep://host[:port][,host[:port]…]/database[?name=value&…]}, where the hosts are those of
 * distributors. Safe from any thread, because it keeps nothing.
 *
 * <p>Apart from the URL everything is as with H2's driver over a network: results, update counts, generated keys, metadata,
 * error codes, SQLStates and texts are H2's. See {@link DriverProperty} for what can be set.
 */
public final class LockstepDriver implements Driver {
    private static final String PACKAGE = "io.lockstep.jdbc";

    static {
        try {
            DriverManager.registerDriver(new LockstepDriver());
        } catch (SQLException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    /**
     * @return null when the URL is another driver's
     * @throws SQLException the URL is malformed (HY024), nobody could be reached (08001), or the login failed (28000)
     */
    @Override
    public @Nullable Connection connect(String url, @Nullable Properties info) throws SQLException {
        return acceptsURL(url) ? open(LockstepUrl.parse(url, info)) : null;
    }

    static SessionConnection open(LockstepUrl url) throws SQLException {
        String user = url.get(DriverProperty.USER);
        SqlSession session =
                SqlSession.open(url, user, url.get(DriverProperty.PASSWORD).toCharArray());
        return new SessionConnection(session, url, user);
    }

    @Override
    public boolean acceptsURL(String url) throws SQLException {
        if (url == null) {
            throw SqlState.INVALID_PROPERTY.exception("the URL is null");
        }
        return LockstepUrl.isOurs(url);
    }

    /** Every property with its value as the URL and the properties have it. */
    @Override
    public DriverPropertyInfo[] getPropertyInfo(String url, @Nullable Properties info) throws SQLException {
        Map<DriverProperty, String> values =
                acceptsURL(url) ? LockstepUrl.parse(url, info).values() : Map.of();
        List<DriverPropertyInfo> infos = new ArrayList<>();
        for (DriverProperty property : DriverProperty.values()) {
            infos.add(property.info(values.get(property)));
        }
        return infos.toArray(new DriverPropertyInfo[0]);
    }

    @Override
    public int getMajorVersion() {
        return 0;
    }

    @Override
    public int getMinorVersion() {
        return 1;
    }

    /** As H2's driver says of itself. */
    @Override
    public boolean jdbcCompliant() {
        return true;
    }

    @Override
    public Logger getParentLogger() {
        return Logger.getLogger(PACKAGE);
    }
}
