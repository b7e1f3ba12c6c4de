package io.lockstep.jdbc;

import java.sql.Connection;
import org.flywaydb.core.internal.database.h2.H2DatabaseType;
import org.jspecify.annotations.Nullable;

/**
 * What Flyway finds by {@code jdbc:lockstep:}: its own support for H2. Safe from any thread, because it keeps nothing.
 *
 * <p>Flyway chooses by the prefix of the URL, and would otherwise say that there is no database to handle ours. Loaded by
 * Flyway alone, as a service; without Flyway on the class path nobody asks for this class.
 */
public final class LockstepDatabaseType extends H2DatabaseType {
    @Override
    public String getName() {
        return "Lockstep";
    }

    @Override
    public boolean handlesJDBCUrl(@Nullable String url) {
        return LockstepUrl.isOurs(url);
    }

    @Override
    public String getDriverClass(@Nullable String url, @Nullable ClassLoader classLoader) {
        return LockstepDriver.class.getName();
    }

    /** Never: a connection's product is H2, and so is what Flyway's own type does with it. */
    @Override
    public boolean handlesDatabaseProductNameAndVersion(
            @Nullable String product, @Nullable String version, @Nullable Connection connection) {
        return false;
    }
}
