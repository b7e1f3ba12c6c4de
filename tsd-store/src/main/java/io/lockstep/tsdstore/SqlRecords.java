package io.lockstep.tsdstore;

import io.lockstep.tsdstore.sql.SqlSessions;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.SQLFeatureNotSupportedException;

/**
 * Records that are SQL sessions and nothing else, of an engine that is handed in: for engines other than H2. Touched only
 * by the lane, but for the engine's own reads.
 */
public final class SqlRecords extends Records {
    /** SQL sessions whose whole state can be copied; equal calls in equal order leave equal snapshots. */
    public interface Engine extends SqlSessions {
        /** What kind of engine it is; copies fit only the same kind. */
        String kind();

        /** All of it as it is now; read while the lane goes on. */
        Snapshot snapshot();

        /** Takes one item that a snapshot wrote, in the same order, having executed nothing. */
        void install(StateTag tag, StateReader item);

        /** It is needed no more. */
        void close();
    }

    private final Engine engine;

    /** @param engine fresh; closed with these records */
    public SqlRecords(Engine engine) {
        this.engine = engine;
    }

    @Override
    String settings() {
        return "";
    }

    @Override
    String kind() {
        return engine.kind();
    }

    @Override
    void create(TransactionService service) {}

    @Override
    SqlSessions sql() {
        return engine;
    }

    @Override
    void begin(long timeNs, long seed) {}

    @Override
    Connection connection() throws SQLException {
        throw new SQLFeatureNotSupportedException("this database has SQL sessions and no tables of a service", "0A000");
    }

    @Override
    void commit() {}

    @Override
    void rollback() {}

    @Override
    Connection readConnection(long timeNs) throws SQLException {
        return connection();
    }

    @Override
    void endRead() {}

    @Override
    Snapshot snapshot() {
        return engine.snapshot();
    }

    @Override
    void install(StateTag tag, StateReader item) {
        engine.install(tag, item);
    }

    @Override
    void installed() {}

    @Override
    public void close() {
        engine.close();
    }
}
