package io.lockstep.server.drill;

import io.lockstep.server.Output;
import java.util.Locale;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;
import org.jspecify.annotations.Nullable;

/**
 * Tells people how far a drill is: a bar on a terminal, plain lines elsewhere; always on standard error. Touched by the
 * drill's thread.
 */
final class DrillProgress implements AutoCloseable {
    private static final long LINE_EVERY_NS = 5_000_000_000L;

    private final Output output;
    private final boolean isTerminal;
    private final long beganNs = System.nanoTime();
    private long lastLineNs = beganNs;
    private @Nullable ProgressBar bar;

    /** @param isTerminal whether standard error is one */
    DrillProgress(Output output, boolean isTerminal) {
        this.output = output;
        this.isTerminal = isTerminal;
    }

    /** Something happened that is worth a line of its own. */
    void tell(String line) {
        String stamped = String.format(Locale.ROOT, "[%6.1f s] %s", (System.nanoTime() - beganNs) / 1e9, line);
        output.talk(bar == null ? stamped : "\r\u001b[K" + stamped);
        lastLineNs = System.nanoTime();
    }

    /**
     * The load begins.
     *
     * @param totalMs its length as planned
     */
    void loadBegins(long totalMs) {
        if (isTerminal) {
            bar = new ProgressBarBuilder()
                    .setTaskName("drill")
                    .setInitialMax(totalMs / 100)
                    .setStyle(ProgressBarStyle.UNICODE_BLOCK)
                    .setUpdateIntervalMillis(200)
                    .hideEta()
                    .build();
        }
    }

    /**
     * The load goes on.
     *
     * @param doneMs since it is warm
     * @param totalMs as planned by now
     * @param figures a few words
     */
    void at(long doneMs, long totalMs, String figures) {
        if (bar != null) {
            bar.maxHint(Math.max(totalMs, doneMs) / 100);
            bar.stepTo(doneMs / 100);
            bar.setExtraMessage(figures);
        } else if (System.nanoTime() - lastLineNs >= LINE_EVERY_NS) {
            tell(String.format(Locale.ROOT, "%d of %d s; %s", doneMs / 1000, totalMs / 1000, figures));
        }
    }

    /** The load is over. */
    void loadEnds() {
        if (bar != null) {
            bar.close();
            bar = null;
        }
    }

    @Override
    public void close() {
        loadEnds();
    }
}
