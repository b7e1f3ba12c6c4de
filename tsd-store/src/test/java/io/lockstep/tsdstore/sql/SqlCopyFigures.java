package io.lockstep.tsdstore.sql;

import io.lockstep.tsdstore.StateReader;
import io.lockstep.tsdstore.StateTag;
import io.lockstep.tsdstore.StateWriter;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.util.Locale;

/**
 * How long the lane stands still for a copy, and how long a copy takes: prints what {@code docs/figures.md} says. Run by
 * hand.
 */
final class SqlCopyFigures {
    private SqlCopyFigures() {}

    /**
     * Prints the figures.
     *
     * @param args rows, sessions with an open transaction, changes in each
     */
    public static void main(String[] args) {
        int rows = args.length > 0 ? Integer.parseInt(args[0]) : 1_000_000;
        int sessions = args.length > 1 ? Integer.parseInt(args[1]) : 100;
        int changes = args.length > 2 ? Integer.parseInt(args[2]) : 100;
        try (RawDatabase source = new RawDatabase()) {
            fill(source, rows, sessions, changes);
            for (int round = 0; round < 3; round++) {
                measure(source);
            }
        }
    }

    private static void fill(RawDatabase source, int rows, int sessions, int changes) {
        source.open(1);
        source.run(
                1,
                "CREATE TABLE account(id INT PRIMARY KEY, branch INT, balance DECIMAL(20, 2), filler VARCHAR,"
                        + " number VARCHAR UNIQUE)");
        source.run(1, "CREATE INDEX by_branch ON account(branch)");
        source.run(
                1,
                "INSERT INTO account SELECT x, MOD(x, 100), x, 'filler of an account', 'number ' || x"
                        + " FROM system_range(1, " + rows + ")");
        source.run(1, "COMMIT");
        for (int i = 2; i <= sessions + 1; i++) {
            source.open(i);
            int first = (i - 2) * changes + 1;
            source.run(
                    i,
                    "UPDATE account SET balance = balance + 1 WHERE id BETWEEN " + first + " AND "
                            + (first + changes - 1));
        }
    }

    /** The thread's own time: others on the machine do not count. */
    private static long now() {
        return ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime();
    }

    private static void measure(RawDatabase source) {
        long start = now();
        SqlSnapshot snapshot = source.snapshot();
        final long pause = now() - start;
        StateWriter out = new StateWriter();
        long bytes = 0;
        long writing = 0;
        long reading = 0;
        try (RawDatabase copy = new RawDatabase()) {
            SqlInstaller installer = new SqlInstaller(copy.administrator, "test", (name, user) -> copy.open(name));
            while (true) {
                long before = now();
                boolean isMore = snapshot.writeNext(out);
                long written = now();
                writing += written - before;
                if (!isMore) {
                    break;
                }
                bytes += out.size();
                ByteBuffer in = ByteBuffer.wrap(out.buffer(), 0, out.size());
                while (in.hasRemaining()) {
                    int length = in.getInt();
                    StateTag tag = StateTag.values()[in.get()];
                    installer.install(tag, new StateReader(in.slice(in.position(), length)));
                    in.position(in.position() + length);
                }
                reading += now() - written;
                out.drop(out.size());
            }
            long before = now();
            installer.finish();
            reading += now() - before;
        }
        System.out.printf(
                Locale.ROOT,
                "lane stands still %.2f ms, written in %.2f s, installed in %.2f s, %.1f MiB%n",
                pause / 1e6,
                writing / 1e9,
                reading / 1e9,
                bytes / 1048576.0);
    }
}
