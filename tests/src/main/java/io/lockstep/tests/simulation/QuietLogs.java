package io.lockstep.tests.simulation;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import org.slf4j.LoggerFactory;

/** Cores that run a thousand reigns a second have nothing to say in a log; a failing schedule tells its own story. */
final class QuietLogs {
    private QuietLogs() {}

    /** Logs nothing in this process from now on. */
    static void hush() {
        for (String name : new String[] {"io.lockstep", "com.zaxxer.hikari"}) {
            if (LoggerFactory.getLogger(name) instanceof Logger logger) {
                logger.setLevel(Level.OFF);
            }
        }
    }
}
