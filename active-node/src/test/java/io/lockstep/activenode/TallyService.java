package io.lockstep.activenode;

import io.lockstep.tsdstore.Codec;
import io.lockstep.tsdstore.OutsideEffect;
import io.lockstep.tsdstore.ReadContext;
import io.lockstep.tsdstore.ServiceException;
import io.lockstep.tsdstore.StateKey;
import io.lockstep.tsdstore.TransactionContext;
import io.lockstep.tsdstore.TransactionService;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.atomic.AtomicInteger;

/** Counts the messages of a transaction; understands a few words. Called by the lane. */
final class TallyService implements TransactionService {
    private static final StateKey<Long> TALLY = new StateKey<>("tally", new Codec<>() {
        @Override
        public byte[] encode(Long value) {
            return ByteBuffer.allocate(8).putLong(value).array();
        }

        @Override
        public Long decode(byte[] bytes) {
            return ByteBuffer.wrap(bytes).getLong();
        }
    });

    private static final StateKey<String> WHEN_EXPIRED = new StateKey<>("when-expired", new Codec<>() {
        @Override
        public byte[] encode(String value) {
            return bytes(value);
        }

        @Override
        public String decode(byte[] bytes) {
            return new String(bytes, StandardCharsets.UTF_8);
        }
    });

    /** How often the service ran, whatever came of it; the test's own, so no part of the state. */
    final AtomicInteger runs = new AtomicInteger();

    @Override
    public String name() {
        return "tally";
    }

    @Override
    public byte[] handle(TransactionContext context, byte[] message) throws ServiceException {
        runs.incrementAndGet();
        String text = new String(message, StandardCharsets.UTF_8);
        if (text.equals("refuse")) {
            throw new ServiceException("refused");
        }
        if (text.equals("overflow")) {
            throw new StackOverflowError();
        }
        if (text.startsWith("outside ")) {
            context.runOutside(new OutsideEffect(text.substring(8), message, false));
        }
        if (text.startsWith("once ")) {
            context.runOutside(new OutsideEffect(text.substring(5), message, true));
        }
        if (text.startsWith("late ")) {
            context.put(WHEN_EXPIRED, text.substring(5));
        }
        long tally = context.get(TALLY).orElse(0L) + 1;
        context.put(TALLY, tally);
        return bytes(Long.toString(tally));
    }

    @Override
    public byte[] read(ReadContext context, byte[] question) {
        return question;
    }

    @Override
    public void onRollback(TransactionContext context) {}

    @Override
    public void onExpire(TransactionContext context) {
        context.get(WHEN_EXPIRED).ifPresent(name -> context.runOutside(new OutsideEffect(name, new byte[0], false)));
    }

    static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }
}
