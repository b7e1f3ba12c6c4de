package io.lockstep.tests.onejvm;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.classic.spi.ThrowableProxyUtil;
import ch.qos.logback.core.AppenderBase;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.junit.jupiter.api.extension.AfterEachCallback;
import org.junit.jupiter.api.extension.BeforeEachCallback;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.slf4j.LoggerFactory;

/**
 * What all processes of a drill have logged, and what was done to them, in one order; printed when the drill fails. Safe
 * from any thread, because it is one queue.
 */
final class Timeline extends AppenderBase<ILoggingEvent> implements BeforeEachCallback, AfterEachCallback {
    private static final int LINES_MAX = 20_000;
    private static final ConcurrentLinkedQueue<String> LINES = new ConcurrentLinkedQueue<>();

    private final Logger logger = (Logger) LoggerFactory.getLogger("io.lockstep");

    static void add(String event) {
        LINES.add(System.currentTimeMillis() % 1_000_000 + " ---- " + event);
    }

    @Override
    protected void append(ILoggingEvent event) {
        if (LINES.size() < LINES_MAX) {
            LINES.add(event.getTimeStamp() % 1_000_000 + " " + event.getLevel() + " [" + event.getThreadName() + "] "
                    + event.getFormattedMessage()
                    + (event.getThrowableProxy() == null
                            ? ""
                            : "\n" + ThrowableProxyUtil.asString(event.getThrowableProxy())));
        }
    }

    @Override
    public void beforeEach(ExtensionContext context) {
        LINES.clear();
        start();
        logger.setLevel(Level.INFO);
        logger.setAdditive(false);
        logger.addAppender(this);
    }

    @Override
    public void afterEach(ExtensionContext context) {
        logger.detachAppender(this);
        logger.setLevel(null);
        logger.setAdditive(true);
        if (context.getExecutionException().isPresent()) {
            System.err.println(
                    "timeline of " + context.getDisplayName() + ":\n" + String.join("\n", List.copyOf(LINES)));
        }
    }
}
