package io.lockstep.tests.bench.standard;

import java.sql.Connection;
import java.sql.Timestamp;
import java.time.Instant;

/** One of the five transactions, over one terminal's connection. Touched by the terminal's thread. */
interface TpccTransaction {
    /** Draws inputs; nothing is sent. */
    Benchmark.Job draw();

    /**
     * Where a terminal stands.
     *
     * @param warehouse its own, for all transactions
     * @param district its own, for Stock-Level
     */
    record Site(
            Connection connection, TpccScale scale, TpccRandom random, TpccBooks books, int warehouse, int district) {
        /** Another warehouse, all alike; its own where there is only one. */
        int otherWarehouse() {
            if (scale.warehouses() == 1) {
                return warehouse;
            }
            int other = random.uniform(1, scale.warehouses() - 1);
            return other < warehouse ? other : other + 1;
        }

        int anyDistrict() {
            return random.uniform(1, TpccScale.DISTRICTS);
        }
    }

    /** The clock of the terminal. */
    static Timestamp now() {
        return Timestamp.from(Instant.now());
    }
}
