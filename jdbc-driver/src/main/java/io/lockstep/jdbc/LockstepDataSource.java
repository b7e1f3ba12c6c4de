package io.lockstep.jdbc;

import java.io.PrintWriter;
import java.io.Serializable;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.Objects;
import java.util.Properties;
import java.util.logging.Logger;
import javax.sql.ConnectionPoolDataSource;
import javax.sql.DataSource;
import javax.sql.PooledConnection;
import org.jspecify.annotations.Nullable;

/**
 * Connections to one logical database, as a bean. Safe from any thread once it is set up.
 *
 * <p>Distributed transactions (XA) are not offered; the reason stands in the exception of {@link #getXAConnection}.
 */
public class LockstepDataSource implements DataSource, ConnectionPoolDataSource, Serializable {
    private static final long serialVersionUID = 1L;

    private String url = "";
    private String user = DriverProperty.USER.defaultValue();
    private String password = DriverProperty.PASSWORD.defaultValue();
    private int loginTimeout;
    private final Properties properties = new Properties();
    private transient @Nullable PrintWriter logWriter;

    /** {@code jdbc:lockstep://host[:port]/database[?name=value&…]}. */
    public void setUrl(String value) {
        url = value;
    }

    public String getUrl() {
        return url;
    }

    /** The same as {@link #setUrl}, under the name that some pools use. */
    public void setURL(String value) {
        url = value;
    }

    public String getURL() {
        return url;
    }

    public void setUser(String value) {
        user = value;
    }

    public String getUser() {
        return user;
    }

    public void setPassword(String value) {
        password = value;
    }

    /**
     * Sets a property by its name.
     *
     * @throws SQLException there is none of that name, or the value is out of its range
     */
    public void setProperty(String name, String value) throws SQLException {
        DriverProperty property = DriverProperty.of(name);
        properties.setProperty(property.key(), property.checked(value));
    }

    @Override
    public Connection getConnection() throws SQLException {
        return open(user, password);
    }

    @Override
    public Connection getConnection(String asUser, String withPassword) throws SQLException {
        return open(asUser, withPassword);
    }

    private SessionConnection open(String asUser, String withPassword) throws SQLException {
        Properties all = new Properties();
        all.putAll(properties);
        all.setProperty(DriverProperty.USER.key(), asUser);
        all.setProperty(DriverProperty.PASSWORD.key(), withPassword);
        if (loginTimeout > 0) {
            all.setProperty(DriverProperty.LOGIN_TIMEOUT.key(), Integer.toString(loginTimeout));
        }
        if (!LockstepUrl.isOurs(url)) {
            throw SqlState.INVALID_PROPERTY.exception(
                    "the data source's url is \"" + url + "\"; it must begin with " + LockstepUrl.PREFIX + "//");
        }
        return LockstepDriver.open(LockstepUrl.parse(url, all));
    }

    @Override
    public PooledConnection getPooledConnection() throws SQLException {
        return new PooledSession(open(user, password));
    }

    @Override
    public PooledConnection getPooledConnection(String asUser, String withPassword) throws SQLException {
        return new PooledSession(open(asUser, withPassword));
    }

    /** Refuses, always. @throws SQLException says why, and what to do */
    public Connection getXAConnection() throws SQLException {
        throw SqlState.NOT_SUPPORTED.exception(
                "distributed transactions (XA) are not supported: a prepared transaction would outlive its session, and its"
                        + " locks would stop others for as long as the transaction manager is away; use one database per"
                        + " transaction, or an outbox table");
    }

    @Override
    public @Nullable PrintWriter getLogWriter() {
        return logWriter;
    }

    /** Kept and not used: the driver logs through java.util.logging. */
    @Override
    public void setLogWriter(@Nullable PrintWriter out) {
        logWriter = out;
    }

    @Override
    public void setLoginTimeout(int seconds) throws SQLException {
        loginTimeout = Integer.parseInt(DriverProperty.LOGIN_TIMEOUT.checked(Integer.toString(seconds)));
    }

    @Override
    public int getLoginTimeout() {
        return loginTimeout;
    }

    @Override
    public Logger getParentLogger() {
        return Logger.getLogger("io.lockstep.jdbc");
    }

    @Override
    public <T> T unwrap(Class<T> type) throws SQLException {
        if (!isWrapperFor(type)) {
            throw SqlState.NOT_SUPPORTED.exception("this data source is no " + type.getName());
        }
        return type.cast(this);
    }

    @Override
    public boolean isWrapperFor(@Nullable Class<?> type) {
        return type != null && type.isInstance(this);
    }

    @Override
    public String toString() {
        return "LockstepDataSource(" + Objects.requireNonNullElse(url, "") + " as " + user + ")";
    }
}
