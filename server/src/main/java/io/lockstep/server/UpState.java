package io.lockstep.server;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What {@code up} keeps under {@code .lockstep/up}: a lock so that two cannot run at once, a file that tells {@code
 * status} and {@code pid} where everything is, and a folder for each database. Touched by the thread of {@code up} and
 * its shutdown hook; the file is replaced as a whole, so readers need no lock.
 */
final class UpState implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(UpState.class);
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final DateTimeFormatter STAMP =
            DateTimeFormatter.ofPattern("yyyyMMdd-HHmmss").withZone(ZoneOffset.UTC);

    private final Path directory;
    private final FileChannel lockFile;
    private final FileLock lock;

    /**
     * What runs.
     *
     * @param pid of {@code up} itself
     * @param distributors host:port for clients, each
     */
    @JsonIgnoreProperties(ignoreUnknown = true)
    record Running(long pid, String cluster, String database, List<String> distributors, List<Child> processes) {
        Running {
            distributors = distributors == null ? List.of() : List.copyOf(distributors);
            processes = processes == null ? List.of() : List.copyOf(processes);
        }

        static Running of(Cluster cluster) {
            List<Child> children = new ArrayList<>();
            cluster.distributors().forEach(c -> children.add(Child.of(c)));
            cluster.nodes().forEach(c -> children.add(Child.of(c)));
            cluster.arbiters().forEach(c -> children.add(Child.of(c)));
            return new Running(
                    ProcessHandle.current().pid(),
                    cluster.plan().cluster(),
                    cluster.plan().database(),
                    cluster.clientAddresses().stream().map(Addresses::text).toList(),
                    children);
        }

        List<InetSocketAddress> addresses() {
            return distributors.stream().map(Addresses::of).toList();
        }
    }

    /** One process that runs. */
    @JsonIgnoreProperties(ignoreUnknown = true)
    record Child(String name, String role, long pid, Map<String, Integer> ports, String log) {
        static Child of(ChildProcess child) {
            return new Child(
                    child.name(),
                    Setting.word(child.role()),
                    child.pid(),
                    child.ports(),
                    child.log().toString());
        }
    }

    private UpState(Path directory, FileChannel lockFile, FileLock lock) {
        this.directory = directory;
        this.lockFile = lockFile;
        this.lock = lock;
    }

    /** Where {@code up} keeps its state: beside the launcher, or in the working directory without one. */
    static Path home() {
        String home = System.getProperty("lockstep.home", "");
        return Path.of(home).toAbsolutePath().resolve(".lockstep").resolve("up").normalize();
    }

    /** Takes the lock. @throws CommandFailure (refused) naming the process that holds it */
    static UpState open(Path directory) {
        try {
            Files.createDirectories(directory);
            FileChannel file = FileChannel.open(
                    directory.resolve("lock"),
                    StandardOpenOption.CREATE,
                    StandardOpenOption.READ,
                    StandardOpenOption.WRITE);
            FileLock lock = tryLock(file);
            if (lock == null) {
                ByteBuffer pid = ByteBuffer.allocate(32);
                file.read(pid, 0);
                file.close();
                String holder = new String(pid.array(), 0, pid.position(), StandardCharsets.UTF_8).strip();
                throw new CommandFailure(
                        ExitCode.REFUSED,
                        "'up' runs here already, pid " + (holder.isEmpty() ? "unknown" : holder)
                                + "; end it first (Ctrl-C or kill " + holder + "), or look at it: lockstep status");
            }
            file.truncate(0);
            file.write(ByteBuffer.wrap((ProcessHandle.current().pid() + "\n").getBytes(StandardCharsets.UTF_8)), 0);
            endLeftovers(directory);
            Files.deleteIfExists(stateFile(directory));
            return new UpState(directory, file, lock);
        } catch (IOException e) {
            throw new CommandFailure(
                    ExitCode.REFUSED, "cannot use " + directory + ": " + e + "; is the folder writable?", e);
        }
    }

    /**
     * Ends what a killed 'up' has left behind. Its children end by themselves when it dies, but one that was stopped by a
     * signal at that moment cannot. A process that only has the same number is left alone.
     */
    private static void endLeftovers(Path directory) {
        if (!Files.exists(stateFile(directory))) {
            return;
        }
        try {
            Running former = JSON.readValue(Files.readAllBytes(stateFile(directory)), Running.class);
            for (Child child : former.processes()) {
                ProcessHandle.of(child.pid())
                        .filter(p -> p.info().commandLine().orElse("").contains(directory.toString()))
                        .ifPresent(ProcessHandle::destroyForcibly);
            }
        } catch (IOException e) {
            LOG.warn("cannot read what the former 'up' has left in {}", directory, e);
        }
    }

    private static @Nullable FileLock tryLock(FileChannel file) throws IOException {
        try {
            return file.tryLock();
        } catch (OverlappingFileLockException e) {
            return null; // held within this very process
        }
    }

    /** What runs there; empty when nothing does. */
    static Optional<Running> read(Path directory) {
        Path file = stateFile(directory);
        if (!Files.exists(file)) {
            return Optional.empty();
        }
        try {
            Running running = JSON.readValue(Files.readAllBytes(file), Running.class);
            boolean isAlive =
                    ProcessHandle.of(running.pid()).map(ProcessHandle::isAlive).orElse(false);
            return isAlive ? Optional.of(running) : Optional.empty();
        } catch (IOException e) {
            throw new CommandFailure(ExitCode.INTERNAL, "cannot read " + file + ": " + e, e);
        }
    }

    /** Replaces what {@link #read} says. */
    synchronized void write(Running running) {
        Path file = stateFile(directory);
        Path next = file.resolveSibling("state.json.next");
        try {
            Files.write(next, JSON.writeValueAsBytes(running));
            Files.move(next, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        } catch (IOException e) {
            throw new UncheckedIOException("cannot write " + file, e);
        }
    }

    /** The folder of a database. */
    Path database(String name) {
        return directory.resolve(name);
    }

    /** Moves the folder of a database aside, if there is one; returns where it is now. */
    Optional<Path> moveAside(String name) {
        Path from = database(name);
        if (!Files.exists(from)) {
            return Optional.empty();
        }
        Path to = directory
                .resolve("aside")
                .resolve(name + "-" + STAMP.format(Instant.now()) + "-"
                        + ProcessHandle.current().pid());
        try {
            Files.createDirectories(to.getParent());
            return Optional.of(Files.move(from, to));
        } catch (IOException e) {
            throw new CommandFailure(ExitCode.REFUSED, "cannot move " + from + " to " + to + ": " + e, e);
        }
    }

    /** Gives the lock back; nothing runs here any more. */
    @Override
    public synchronized void close() {
        if (!lockFile.isOpen()) {
            return;
        }
        try {
            Files.deleteIfExists(stateFile(directory));
            lock.close();
            lockFile.close();
        } catch (IOException e) {
            throw new UncheckedIOException("cannot give back the lock of " + directory, e);
        }
    }

    private static Path stateFile(Path directory) {
        return directory.resolve("state.json");
    }
}
