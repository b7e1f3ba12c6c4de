package io.lockstep.tests;

import io.lockstep.tsdstore.Codec;
import io.lockstep.tsdstore.OutsideEffect;
import io.lockstep.tsdstore.ReadContext;
import io.lockstep.tsdstore.ServiceException;
import io.lockstep.tsdstore.StateKey;
import io.lockstep.tsdstore.TransactionContext;
import io.lockstep.tsdstore.TransactionService;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/**
 * A service that adds up numbers and keeps rows, and whose other messages end the process that executes them, or have it
 * do what no service may. Touched only by the lane.
 */
public final class PoisonService implements TransactionService {
    /** Folder outside of the database, shared by all nodes: a system property. */
    static final String OUTSIDE = "lockstep.tests.outside";

    /** What SIGKILL would leave as exit code. */
    static final int KILLED = 137;

    private static final StateKey<Long> SUM = new StateKey<>("sum", new Codec<>() {
        @Override
        public byte[] encode(Long value) {
            return ByteBuffer.allocate(Long.BYTES).putLong(value).array();
        }

        @Override
        public Long decode(byte[] bytes) {
            return ByteBuffer.wrap(bytes).getLong();
        }
    });

    /** Fills memory for as long as its transaction is open. */
    private static final StateKey<byte[]> KEPT = new StateKey<>("kept", new Codec<>() {
        @Override
        public byte[] encode(byte[] value) {
            return value.clone();
        }

        @Override
        public byte[] decode(byte[] bytes) {
            return bytes.clone();
        }
    });

    /** What {@link #onExpire} does. */
    private static final StateKey<String> AT_THE_END = new StateKey<>("at-the-end", new Codec<>() {
        @Override
        public byte[] encode(String value) {
            return value.getBytes(StandardCharsets.UTF_8);
        }

        @Override
        public String decode(byte[] bytes) {
            return new String(bytes, StandardCharsets.UTF_8);
        }
    });

    @Override
    public String name() {
        return "poison";
    }

    @Override
    public void createRecords(Connection records) throws SQLException {
        try (Statement create = records.createStatement()) {
            create.execute("create table numbers (id bigint primary key, number bigint not null)");
        }
    }

    @Override
    public byte[] handle(TransactionContext context, byte[] message) throws ServiceException, SQLException {
        String[] words = new String(message, StandardCharsets.UTF_8).split(" ");
        long sum = context.get(SUM).orElse(0L);
        switch (words[0]) {
            case "add" -> sum += Long.parseLong(words[1]);
            case "rows" -> sum += insertMany(context.records(), Long.parseLong(words[1]), Integer.parseInt(words[2]));
            case "own-clock" -> insert(context.records(), Long.parseLong(words[1]), System.nanoTime());
            case "effect" ->
                context.runOutside(new OutsideEffect(
                        AppendingRunner.NAME,
                        words[2].getBytes(StandardCharsets.UTF_8),
                        words[1].equals("at-most-once")));
            case "expire-with" -> {
                context.put(AT_THE_END, words[1]);
                context.expireAfter(Duration.ofSeconds(1));
            }
            case "expire-in" -> context.expireAfter(Duration.ofSeconds(Long.parseLong(words[1])));
            case "keep" -> {
                context.put(KEPT, new byte[Integer.parseInt(words[1])]);
                return message.clone();
            }
            case "kept" -> {
                return Integer.toString(context.get(KEPT).orElseThrow().length).getBytes(StandardCharsets.UTF_8);
            }
            case "long" -> {
                return new byte[Integer.parseInt(words[1])];
            }
            case "time" -> {
                return Long.toString(context.time().toEpochMilli()).getBytes(StandardCharsets.UTF_8);
            }
            default -> poison(words[0]);
        }
        context.put(SUM, sum);
        return Long.toString(sum).getBytes(StandardCharsets.UTF_8);
    }

    @Override
    public byte[] read(ReadContext context, byte[] question) throws ServiceException, SQLException {
        String[] words = new String(question, StandardCharsets.UTF_8).split(" ");
        if (words[0].equals("long")) {
            return new byte[Integer.parseInt(words[1])];
        }
        if (words[0].equals("wall-clock")) {
            return Long.toString(System.currentTimeMillis()).getBytes(StandardCharsets.UTF_8);
        }
        if (words[0].equals("rows")) {
            return select(context.records(), "select count(*) from numbers");
        }
        if (words[0].equals("number")) {
            return select(context.records(), "select number from numbers where id = " + Long.parseLong(words[1]));
        }
        poison(new String(question, StandardCharsets.UTF_8));
        return question.clone();
    }

    /** @return how many */
    private static int insertMany(Connection records, long firstId, int count) throws SQLException {
        try (PreparedStatement insert = records.prepareStatement("insert into numbers values (?, ?)")) {
            for (long id = firstId; id < firstId + count; id++) {
                insert.setLong(1, id);
                insert.setLong(2, id);
                insert.addBatch();
            }
            insert.executeBatch();
        }
        return count;
    }

    private static void insert(Connection records, long id, long number) throws SQLException {
        try (PreparedStatement insert = records.prepareStatement("insert into numbers values (?, ?)")) {
            insert.setLong(1, id);
            insert.setLong(2, number);
            insert.executeUpdate();
        }
    }

    private static byte[] select(Connection records, String query) throws SQLException {
        try (Statement select = records.createStatement();
                ResultSet rows = select.executeQuery(query)) {
            rows.next();
            return rows.getString(1).getBytes(StandardCharsets.UTF_8);
        }
    }

    private static void poison(String word) throws ServiceException {
        switch (word) {
            case "throw" -> throw new IllegalStateException("thrown on purpose");
            case "recurse" -> throw new ServiceException("so deep: " + depth(0));
            case "heap" -> throw new ServiceException("so much: " + hoard().size());
            case "halt" -> Runtime.getRuntime().halt(KILLED);
            case "halt-once" -> haltOnce();
            case "nothing" -> {}
            default -> throw new ServiceException("unknown word '" + word + "'");
        }
    }

    @SuppressWarnings("InfiniteRecursion")
    private static long depth(long above) {
        return depth(above + 1) + 1;
    }

    private static List<byte[]> hoard() {
        List<byte[]> all = new ArrayList<>();
        while (all.size() < Integer.MAX_VALUE) {
            all.add(new byte[64 << 10]);
        }
        return all;
    }

    private static void haltOnce() {
        try {
            Files.createFile(Path.of(System.getProperty(OUTSIDE), "halted"));
        } catch (FileAlreadyExistsException somebodyHas) {
            return;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        Runtime.getRuntime().halt(KILLED);
    }

    @Override
    public void onRollback(TransactionContext context) {
        context.remove(SUM);
        context.remove(KEPT);
    }

    @Override
    public void onExpire(TransactionContext context) {
        try {
            poison(context.get(AT_THE_END).orElse("nothing"));
        } catch (ServiceException e) {
            throw new IllegalStateException(e);
        }
        context.remove(SUM);
    }
}
