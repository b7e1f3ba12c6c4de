package io.lockstep.tsdstore;

/**
 * System properties that H2 reads once, when its classes load. Safe from any thread, because they are set before.
 *
 * <p>Every class that opens a database names this one first.
 */
public final class H2Properties {
    /** H2's own default is 255 open transactions; 65,535 is what its operation ids have room for. */
    private static final String TRANSACTIONS_MAX = "65535";

    static {
        setUnlessSet("h2.maxOpenTransactions", TRANSACTIONS_MAX);
        // A class that does not exist: no SQL text names a class of this process.
        setUnlessSet("h2.allowedClasses", "io.lockstep.none");
    }

    private H2Properties() {}

    /** Sets them, if H2 has not been loaded yet. */
    public static void set() {
        // The static initializer did it.
    }

    private static void setUnlessSet(String name, String value) {
        if (System.getProperty(name) == null) {
            System.setProperty(name, value);
        }
    }
}
