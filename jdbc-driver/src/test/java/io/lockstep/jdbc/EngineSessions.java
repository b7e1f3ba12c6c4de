package io.lockstep.jdbc;

import io.lockstep.tsdstore.sql.GiveUp;
import io.lockstep.tsdstore.sql.SqlConfig;
import io.lockstep.tsdstore.sql.SqlEngine;
import io.lockstep.tsdstore.sql.SqlStep;
import io.lockstep.wire.Identity;
import java.util.HashMap;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** The shipped engine behind the SQL messages, with a lane that does nothing but execute. Safe from any thread. */
final class EngineSessions implements SqlServer.Sessions {
    private final SqlEngine engine;
    private final Random seeds = new Random(1);
    private final Map<Identity, CompletableFuture<byte[]>> waiting = new HashMap<>();
    private final ScheduledExecutorService clock = Executors.newSingleThreadScheduledExecutor(task -> {
        Thread thread = new Thread(task, "test-clock");
        thread.setDaemon(true);
        return thread;
    });
    private long lastNs;

    EngineSessions() {
        this(SqlConfig.DEFAULT);
    }

    EngineSessions(SqlConfig config) {
        engine = new SqlEngine(config);
        var unused = clock.scheduleAtFixedRate(this::giveUpLate, 5, 5, TimeUnit.MILLISECONDS);
    }

    @Override
    public CompletableFuture<byte[]> execute(Identity session, long requestId, byte[] body) {
        CompletableFuture<byte[]> answer;
        synchronized (this) {
            SqlStep step = engine.execute(session, requestId, body, now(), seeds.nextLong());
            if (step instanceof SqlStep.Cancelled cancelled) {
                CompletableFuture<byte[]> waited = waiting.remove(session);
                if (waited != null) {
                    waited.complete(cancelled.cancelledReply());
                }
                answer = CompletableFuture.completedFuture(cancelled.reply());
            } else {
                answer = new CompletableFuture<>();
                take(session, step, answer);
            }
            retryReady();
        }
        return answer;
    }

    private void take(Identity session, SqlStep step, CompletableFuture<byte[]> answer) {
        if (step instanceof SqlStep.Answered answered) {
            answer.complete(answered.reply());
        } else if (step instanceof SqlStep.CutOff cut) {
            answer.complete(cut.reply());
        } else {
            waiting.put(session, answer);
        }
    }

    private void retryReady() {
        for (@Nullable Identity next = engine.nextReady(); next != null; next = engine.nextReady()) {
            CompletableFuture<byte[]> answer = waiting.remove(next);
            SqlStep step = engine.retry(next, now(), seeds.nextLong());
            if (answer != null) {
                take(next, step, answer);
            }
        }
    }

    private synchronized void giveUpLate() {
        long nowNs = now();
        for (@Nullable Identity late = engine.nextGiveUp(nowNs); late != null; late = engine.nextGiveUp(nowNs)) {
            byte[] reply = engine.giveUp(late, GiveUp.LOCK_TIMEOUT);
            CompletableFuture<byte[]> answer = waiting.remove(late);
            if (answer != null) {
                answer.complete(reply);
            }
        }
        retryReady();
    }

    private long now() {
        lastNs = Math.max(lastNs + 1, System.currentTimeMillis() * 1_000_000);
        return lastNs;
    }

    @Override
    public byte[] read(Identity session, byte[] body) {
        return engine.read(session, 0, body);
    }

    @Override
    public synchronized void end(Identity session) {
        engine.close(session);
        CompletableFuture<byte[]> answer = waiting.remove(session);
        if (answer != null) {
            answer.complete(new byte[0]);
        }
        retryReady();
    }

    @Override
    public void close() {
        clock.shutdownNow();
        synchronized (this) {
            engine.close();
        }
    }
}
