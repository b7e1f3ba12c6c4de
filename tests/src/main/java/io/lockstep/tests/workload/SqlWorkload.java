package io.lockstep.tests.workload;

import io.lockstep.server.drill.Workload;

/**
 * Transactions of several SQL statements over JDBC, a fixed number open at any time, each on a connection of its own.
 * Safe from any thread, having no state.
 */
public abstract class SqlWorkload implements Workload {
    private static final int USUAL_TRANSACTIONS = 32;

    private final String name;

    SqlWorkload(String name) {
        this.name = name;
    }

    /** What its transactions do, and what must be true of them. */
    abstract SqlLoad load(Settings settings);

    @Override
    public String name() {
        return name;
    }

    /** Nothing of it is asked; every node serves SQL sessions beside its service. */
    @Override
    public String service() {
        return "prepaid-calls";
    }

    @Override
    public int usualTransactions() {
        return USUAL_TRANSACTIONS;
    }

    /** Who waits for whom depends on the moment at which each statement arrives. */
    @Override
    public boolean isRepeatable() {
        return false;
    }

    @Override
    public Run prepare(Door door, Settings settings) {
        return new SqlRun(door, settings, load(settings));
    }

    /** Money moves between accounts; none may come or go. */
    public static final class Bank extends SqlWorkload {
        public Bank() {
            super("bank");
        }

        @Override
        SqlLoad load(Settings settings) {
            return new BankLoad();
        }
    }

    /** Unique values are appended to lists, and lists are read. */
    public static final class Append extends SqlWorkload {
        public Append() {
            super("append");
        }

        @Override
        SqlLoad load(Settings settings) {
            return new AppendLoad();
        }
    }

    /** Values are drawn from a sequence and from an identity column. */
    public static final class Sequence extends SqlWorkload {
        public Sequence() {
            super("sequence");
        }

        @Override
        SqlLoad load(Settings settings) {
            return new SequenceLoad();
        }
    }
}
