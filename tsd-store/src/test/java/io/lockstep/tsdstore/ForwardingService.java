package io.lockstep.tsdstore;

import java.sql.Connection;
import java.sql.SQLException;

/** A service of which a test changes one method. */
class ForwardingService implements TransactionService {
    private final TransactionService other;

    ForwardingService(TransactionService other) {
        this.other = other;
    }

    @Override
    public String name() {
        return other.name();
    }

    @Override
    public void createRecords(Connection records) throws SQLException {
        other.createRecords(records);
    }

    @Override
    public byte[] handle(TransactionContext context, byte[] message) throws ServiceException, SQLException {
        return other.handle(context, message);
    }

    @Override
    public void onRollback(TransactionContext context) throws SQLException {
        other.onRollback(context);
    }

    @Override
    public void onExpire(TransactionContext context) throws SQLException {
        other.onExpire(context);
    }
}
