package io.lockstep.server;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One node, distributor or arbiter as a child JVM that may be killed, paused and started again. Safe from any thread, because
 * changes are made under its lock; what it reports is read without.
 *
 * <p>The child ends by itself when its standard input ends, so it does not outlive this process.
 */
public final class ChildProcess {
    private static final Logger LOG = LoggerFactory.getLogger(ChildProcess.class);
    private static final int LOG_TAIL_LINES = 8;

    private final String name;
    private final ProcessRole role;
    private final String host;
    private final Path directory;
    private final List<String> command;
    private final Object lock = new Object();

    /** What its configuration file says; a restarted distributor keeps its port. Guarded by {@link #lock}. */
    private final Map<String, Object> settings;

    /** The present or last run; null before the first. */
    private volatile @Nullable Run run;

    /** One run of the child. */
    private record Run(Process process, CompletableFuture<ReadyLine> ready) {}

    ChildProcess(
            String name,
            ProcessRole role,
            String host,
            Path directory,
            Map<String, Object> settings,
            List<String> javaCommand) {
        this.name = name;
        this.role = role;
        this.host = host;
        this.directory = directory;
        this.settings = new HashMap<>(settings);
        this.command = new ArrayList<>(javaCommand);
        this.command.add("-o");
        this.command.add("text");
        this.command.add(Setting.word(role));
        this.command.add(configFile().toString());
    }

    // ---- what it is -----------------------------------------------------------------------------------------------

    /** Name in the cluster. */
    public String name() {
        return name;
    }

    /** What it is. */
    public ProcessRole role() {
        return role;
    }

    /** Its folder: configuration, log, register, recorded entries. */
    public Path directory() {
        return directory;
    }

    /** Its log, over all its runs. */
    public Path log() {
        return directory.resolveSibling(name + ".log");
    }

    /** Where a node writes the entries that it executed, if the plan asked for it. */
    public Path recordedEntries() {
        return directory.resolve("entries.log");
    }

    private Path configFile() {
        return directory.resolve("config.yaml");
    }

    /** Process id of the present or last run. */
    public long pid() {
        return current().process.pid();
    }

    /** Which run of it this is, as it said when it was ready. */
    public long incarnation() {
        return readyLine().incarnation();
    }

    /** Whether its process lives, paused or not. */
    public boolean isAlive() {
        Run present = run;
        return present != null && present.process.isAlive();
    }

    /** Where it listens: a distributor for clients, the others for their peers. */
    public InetSocketAddress address() {
        return new InetSocketAddress(host, port(role == ProcessRole.DISTRIBUTOR ? "client" : "peer"));
    }

    /** Its ports by duty, as it said when it was ready. */
    public Map<String, Integer> ports() {
        return readyLine().ports();
    }

    /** Done with the exit code when the present run ends. */
    public CompletableFuture<Integer> onExit() {
        return current().process.onExit().thenApply(Process::exitValue);
    }

    // ---- what may be done to it -----------------------------------------------------------------------------------

    /** Sends SIGKILL; returns the time just before. */
    public Instant kill() {
        Instant before = Instant.now();
        ProcessHandle handle = current().process.toHandle();
        handle.destroyForcibly();
        LOG.info("killed {} pid {}", name, handle.pid());
        return before;
    }

    /** Sends SIGSTOP: it stands still until {@link #cont}; returns the time just before. */
    public Instant stop() {
        return signal("STOP");
    }

    /** Sends SIGCONT; returns the time just before. */
    public Instant cont() {
        return signal("CONT");
    }

    /** Sends TERM: it closes and ends. */
    public void terminate() {
        current().process.toHandle().destroy(); // the process itself would close the streams, which are still read
    }

    /**
     * Starts it again as a new run and waits until it is ready; the old run must have ended, or ends now.
     *
     * @throws CommandFailure (failed) when it ends instead, with the last lines of its log
     */
    public void restart(Duration limit) {
        Run old = current();
        old.process.toHandle().destroyForcibly();
        try {
            if (!old.process.waitFor(limit.toNanos(), TimeUnit.NANOSECONDS)) {
                throw new CommandFailure(ExitCode.FAILED, name + " pid " + old.process.pid() + " does not end");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new CommandFailure(ExitCode.INTERRUPTED, "interrupted while " + name + " ends", e);
        }
        launch();
        awaitReady(limit);
    }

    // ---- for Cluster ----------------------------------------------------------------------------------------------

    /** Starts the process; {@link #awaitReady} waits for it. */
    void launch() {
        synchronized (lock) {
            Run present = run;
            if (present != null && present.process.isAlive()) {
                throw new IllegalStateException(name + " is running");
            }
            if (present != null
                    && present.ready.isDone()
                    && !present.ready.isCompletedExceptionally()
                    && role == ProcessRole.DISTRIBUTOR) {
                settings.put(Setting.CLIENT_PORT.key(), Integer.toString(port("client")));
            }
            try {
                Files.createDirectories(directory);
                Files.writeString(configFile(), LockstepConfig.of(settings).toYaml(), StandardCharsets.UTF_8);
                Process process = new ProcessBuilder(command)
                        .redirectError(ProcessBuilder.Redirect.appendTo(log().toFile()))
                        .start();
                CompletableFuture<ReadyLine> ready = new CompletableFuture<>();
                run = new Run(process, ready);
                Thread reader = new Thread(() -> readLines(process, ready), "child-" + name);
                reader.setDaemon(true);
                reader.start();
                LOG.info("started {} pid {}", name, process.pid());
            } catch (IOException e) {
                throw new UncheckedIOException("cannot start " + name, e);
            }
        }
    }

    /** Waits until the present run has said that it is ready. @throws CommandFailure (failed) when it ends instead */
    void awaitReady(Duration limit) {
        try {
            current().ready.get(limit.toNanos(), TimeUnit.NANOSECONDS);
        } catch (TimeoutException e) {
            throw new CommandFailure(
                    ExitCode.FAILED, name + " is not ready after " + limit.toSeconds() + " s" + logTail(), e);
        } catch (ExecutionException e) {
            if (e.getCause() instanceof CommandFailure failure) {
                throw failure;
            }
            throw new CommandFailure(ExitCode.FAILED, name + ": " + e.getCause() + logTail(), e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new CommandFailure(ExitCode.INTERRUPTED, "interrupted while " + name + " starts", e);
        }
    }

    /** Ends it: TERM, and KILL when it has not ended by then. */
    void end(Duration limit) {
        Run present = run;
        if (present == null) {
            return;
        }
        try {
            if (!present.process.waitFor(limit.toNanos(), TimeUnit.NANOSECONDS)) {
                LOG.warn("{} pid {} does not end after {} ms, killed", name, present.process.pid(), limit.toMillis());
                present.process.toHandle().destroyForcibly();
                present.process.waitFor();
            }
        } catch (InterruptedException e) {
            present.process.toHandle().destroyForcibly();
            Thread.currentThread().interrupt();
        }
    }

    private void readLines(Process process, CompletableFuture<ReadyLine> ready) {
        try (BufferedReader lines = process.inputReader(StandardCharsets.UTF_8)) {
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                var said = ReadyLine.of(line);
                if (said.isPresent()) {
                    ready.complete(said.get());
                } else {
                    Files.writeString(log(), line + "\n", StandardOpenOption.CREATE, StandardOpenOption.APPEND);
                }
            }
        } catch (IOException | IllegalArgumentException e) {
            ready.completeExceptionally(e);
            LOG.warn("cannot read what {} says", name, e);
        }
        // The stream has ended, so the process has closed it: it is ending, or has ended.
        int exit = process.onExit().join().exitValue();
        if (ready.isDone()) {
            return;
        }
        ExitCode code = ExitCode.of(exit);
        ready.completeExceptionally(new CommandFailure(
                code == ExitCode.REFUSED ? code : ExitCode.FAILED,
                name + " ended with exit code " + exit + " before it was ready" + logTail()));
    }

    private Instant signal(String signal) {
        Instant before = Instant.now();
        long pid = pid();
        try {
            Process kill = new ProcessBuilder("kill", "-" + signal, Long.toString(pid))
                    .redirectErrorStream(true)
                    .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                    .start();
            int exit = kill.waitFor();
            if (exit != 0) {
                throw new CommandFailure(ExitCode.FAILED, "cannot send SIG" + signal + " to " + name + " pid " + pid);
            }
        } catch (IOException e) {
            throw new UncheckedIOException("cannot run kill", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new CommandFailure(ExitCode.INTERRUPTED, "interrupted while sending SIG" + signal, e);
        }
        LOG.info("sent SIG{} to {} pid {}", signal, name, pid);
        return before;
    }

    private String logTail() {
        if (!Files.exists(log())) {
            return "";
        }
        try {
            List<String> lines = Files.readAllLines(log(), StandardCharsets.UTF_8);
            List<String> tail = lines.subList(Math.max(0, lines.size() - LOG_TAIL_LINES), lines.size());
            return "; its log " + log() + " ends with:\n  " + String.join("\n  ", tail);
        } catch (IOException e) {
            return "; its log " + log() + " cannot be read: " + e;
        }
    }

    private int port(String duty) {
        Integer port = readyLine().ports().get(duty);
        if (port == null) {
            throw new IllegalStateException(name + " has no port for " + duty);
        }
        return port;
    }

    private ReadyLine readyLine() {
        return current().ready.join();
    }

    private Run current() {
        Run present = run;
        if (present == null) {
            throw new IllegalStateException(name + " was never started");
        }
        return present;
    }

    @Override
    public String toString() {
        return name;
    }
}
