package io.lockstep.server;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.lockstep.activenode.ActiveNode;
import io.lockstep.backupnode.BackupNode;
import io.lockstep.backupnode.BackupState;
import io.lockstep.tsdstore.sql.Refusals;
import io.lockstep.tsdstore.sql.RunningStatements;
import io.lockstep.wire.View;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * What a node tells about itself: one JSON document. Updated only by the node agent; {@link #json} is safe from any
 * thread, because it is a volatile text.
 */
final class NodeStatus {
    private static final ObjectMapper JSON = new ObjectMapper();
    /** A statement that has run for so long is told. */
    private static final long TOLD_NS = 250_000_000L;

    private final LockstepConfig config;
    private final long pid;
    private volatile String json = "{}";

    /**
     * The node at this moment.
     *
     * @param active the reign, while it has one
     * @param isStopped whether the active takes nothing new, since it is alone
     * @param lastPosition of its forward log
     * @param backup the backup's role, while it has that
     * @param anewBecause why this process began anew as an empty node, the last time; empty when it did not
     * @param divergence what is known of a difference between nodes; empty without one
     * @param takeover how this node became the active; null when it did not
     * @param formerReign the last reign of this process that somebody else ended; null without one
     */
    record Now(
            View.Member self,
            int peerPort,
            @Nullable ActiveNode active,
            boolean isStopped,
            long lastPosition,
            @Nullable BackupNode backup,
            String anewBecause,
            String divergence,
            @Nullable Takeover takeover,
            @Nullable FormerReign formerReign) {}

    NodeStatus(LockstepConfig config, long pid) {
        this.config = config;
        this.pid = pid;
    }

    /** As of the last update. */
    String json() {
        return json;
    }

    /** Writes it anew. @return the document */
    String update(Now now) {
        try {
            json = JSON.writeValueAsString(describe(now));
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("our own status is no JSON", e);
        }
        return json;
    }

    private Map<String, Object> describe(Now now) {
        Map<String, Object> all = new LinkedHashMap<>();
        all.put("schema", 1);
        all.put("name", config.name());
        all.put("database", config.database());
        all.put("pid", pid);
        all.put("incarnation", Long.toHexString(now.self().incarnation()));
        all.put("ports", Map.of("peer", now.peerPort()));
        if (now.active() != null) {
            describe(all, now.active(), now);
        } else if (now.backup() != null) {
            describe(all, now.backup(), now);
        } else {
            describeNoRole(all, now.anewBecause());
        }
        all.put("takeover", now.takeover());
        all.put("formerReign", now.formerReign());
        Runtime runtime = Runtime.getRuntime();
        all.put("heapUsedBytes", runtime.totalMemory() - runtime.freeMemory());
        all.put("heapMaxBytes", runtime.maxMemory());
        all.put("threads", Thread.activeCount());
        return all;
    }

    private static void describe(Map<String, Object> all, ActiveNode reign, Now now) {
        String serving = reign.core().isHoldingBack() ? "HOLDING_BACK" : "SERVING";
        all.put("role", "ACTIVE");
        all.put("state", now.isStopped() ? "ALONE_STOPPED" : serving);
        all.put(
                "reason",
                reign.runningStatement(TOLD_NS)
                        .map(NodeStatus::told)
                        .or(() -> reign.copyBlockedBy()
                                .map(block ->
                                        "a joining node waits for the SQL transaction of session " + block.session()
                                                + " to end: it reads a moment of the past (open since "
                                                + Instant.ofEpochSecond(0, block.sinceNs()) + ")"))
                        .orElse(now.divergence()));
        all.put("inSync", true);
        all.put("term", reign.term());
        all.put("version", reign.version());
        all.put("receivedPosition", now.lastPosition());
        all.put("executedPosition", now.lastPosition());
        all.put("stablePosition", reign.core().stablePosition());
        all.put("waitingAnswers", reign.core().waitingAnswers());
        all.put(
                "sql",
                reign.refusals()
                        .map(Refusals::counted)
                        .map(counted -> new ClusterStatus.SqlStatus(counted.statements(), counted.reasons()))
                        .orElse(null));
        all.put(
                "inSyncBackups",
                reign.core().view().backups().stream()
                        .map(View.Member::toString)
                        .toList());
    }

    /** Until the lane has left a former role: it may be in the middle of a long statement. */
    private static void describeNoRole(Map<String, Object> all, String because) {
        all.put("role", "NONE");
        all.put("state", BackupState.UNFIT.name());
        all.put("reason", "the lane is leaving a role that is over; it begins anew: " + because);
        all.put("inSync", false);
        all.put("term", 0);
        all.put("version", 0);
        all.put("receivedPosition", 0);
        all.put("executedPosition", 0);
    }

    private static String told(RunningStatements.Running running) {
        Instant since = Instant.now().minusNanos(running.ranNs()).truncatedTo(ChronoUnit.MILLIS);
        return (running.isOnLane() ? "executing" : "reading") + " since " + since + " for session " + running.session()
                + " its request " + running.requestId() + ": " + running.sql();
    }

    private static void describe(Map<String, Object> all, BackupNode backup, Now now) {
        String anewBecause = now.anewBecause();
        Optional<View> known = backup.core().registerView();
        all.put("role", backup.core().state() == BackupState.FOLLOWING ? "BACKUP" : "NONE");
        all.put("state", backup.core().state().name());
        // Who cannot join begins anew again and again; what it does now says less than why.
        boolean isAnew = !anewBecause.isEmpty() && backup.core().state() != BackupState.FOLLOWING;
        String reason = now.divergence().isEmpty() ? backup.core().reason() : now.divergence();
        all.put("reason", reason + (isAnew ? "; it began anew: " + anewBecause : ""));
        all.put("inSync", false);
        all.put("term", backup.core().term());
        all.put("version", known.map(View::version).orElse(0L));
        all.put("receivedPosition", backup.core().receivedPosition());
        all.put("executedPosition", backup.core().executedPosition());
    }
}
