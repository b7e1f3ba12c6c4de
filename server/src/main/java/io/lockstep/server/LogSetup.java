package io.lockstep.server;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.encoder.PatternLayoutEncoder;
import ch.qos.logback.classic.spi.Configurator;
import ch.qos.logback.classic.spi.ConfiguratorRank;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.ConsoleAppender;
import ch.qos.logback.core.spi.ContextAwareBase;
import org.slf4j.LoggerFactory;

/**
 * Logging of every process: one line for each event on standard error, with microseconds in UTC so that the logs of
 * several processes merge into one timeline. Called once, by the thread that logs first; in code, since reading XML
 * costs a start a tenth of a second. A {@code logback-test.xml} or {@code logback.xml} on the class path, or the system
 * property {@code logback.configurationFile}, takes its place.
 */
@ConfiguratorRank(ConfiguratorRank.CUSTOM_HIGH_PRIORITY)
public final class LogSetup extends ContextAwareBase implements Configurator {
    private static final String OURS = "io.lockstep";
    private static final String LINE =
            "%d{yyyy-MM-dd'T'HH:mm:ss.SSS, UTC}%micros\\_Z %-5level [%thread] %logger{0}: %msg%n";

    @Override
    public ExecutionStatus configure(LoggerContext context) {
        ClassLoader loader = LogSetup.class.getClassLoader();
        if (System.getProperty("logback.configurationFile") != null
                || loader.getResource("logback-test.xml") != null
                || loader.getResource("logback.xml") != null) {
            return ExecutionStatus.INVOKE_NEXT_IF_ANY;
        }
        PatternLayoutEncoder encoder = new PatternLayoutEncoder();
        encoder.setContext(context);
        encoder.setPattern(LINE);
        encoder.start();
        ConsoleAppender<ILoggingEvent> appender = new ConsoleAppender<>();
        appender.setContext(context);
        appender.setName("stderr");
        appender.setTarget("System.err");
        appender.setEncoder(encoder);
        appender.start();
        Logger root = context.getLogger(org.slf4j.Logger.ROOT_LOGGER_NAME);
        root.setLevel(Level.WARN);
        root.addAppender(appender);
        // It warns of what a single machine cannot have: modules it would like to open, a missing join multicast.
        context.getLogger("com.hazelcast").setLevel(Level.ERROR);
        return ExecutionStatus.DO_NOT_INVOKE_NEXT_IF_ANY;
    }

    /** Logs what a node or distributor does, not only warnings; called before the first use of a library that logs. */
    static void tellAll() {
        System.setProperty("hazelcast.logging.type", "slf4j");
        if (LoggerFactory.getLogger(OURS) instanceof Logger ours) {
            ours.setLevel(Level.INFO);
        }
    }
}
