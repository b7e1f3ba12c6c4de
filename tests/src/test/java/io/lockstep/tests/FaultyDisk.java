package io.lockstep.tests;

import static org.junit.jupiter.api.Assumptions.abort;

import io.lockstep.server.Places;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.List;

/**
 * A disk that is slow, fails to flush, or lies: a library of these tests ({@code src/test/native/disk.c}) that stands between
 * one process and the system, for files in one folder. Used by the test's thread only.
 */
final class FaultyDisk {
    private static final Path SOURCE = Path.of("src", "test", "native", "disk.c");

    private final Path library;
    private final Path folder;
    private final Path control;
    private final Path calls;

    /**
     * @param library see {@link #library}
     * @param parent folder of the folder whose files it holds
     * @param name of that folder, which need not exist yet
     */
    FaultyDisk(Path library, Path parent, String name) throws IOException {
        Path real = parent.toRealPath();
        this.library = library;
        this.folder = real.resolve(name);
        this.control = real.resolve(name + ".disk");
        this.calls = real.resolve(name + ".disk-calls");
    }

    /** Compiles it into that folder; ends the test as not run where nothing can. */
    static Path library(Path folder, String rows) throws IOException {
        Path library = folder.resolve("disk.so");
        String said =
                Program.run("cc", "-shared", "-fPIC", "-O1", "-Wall", "-o", library.toString(), SOURCE.toString());
        if (!said.isEmpty()) {
            String why =
                    "NOT RUN, " + rows + " with real processes: no library for disks (Debian: gcc, libc6-dev): " + said;
            System.err.println(why);
            abort(why);
        }
        return library;
    }

    /** Where a process runs whose folder this is. */
    Places.Place place() {
        return new Places.Place(
                "127.0.0.1",
                List.of(
                        "env",
                        "LD_PRELOAD=" + library,
                        "DISK_FOLDER=" + folder,
                        "DISK_CONTROL=" + control,
                        "DISK_CALLS=" + calls));
    }

    /** From now on each flush takes that much longer; a save of a voter flushes twice. */
    void slow(Duration longer) throws IOException {
        tell("slow " + longer.toMillis());
    }

    /** The next flush fails; those after it would succeed. */
    void failOnce() throws IOException {
        tell("fail");
    }

    /** From now on it says that it has written and flushed, and does not. */
    void lie() throws IOException {
        tell("lie");
    }

    /** From now on it is a good disk, and what it was asked for is forgotten. */
    void well() throws IOException {
        Files.deleteIfExists(control);
        Files.deleteIfExists(calls);
    }

    /** How many flushes it was asked for since {@link #well} while it was as that word says: slow, fail, lie. */
    long flushes(String how) throws IOException {
        return lines().stream().filter(line -> line.startsWith(how)).count();
    }

    /** How it was at the last flush that it was asked for. */
    String lastFlush() throws IOException {
        List<String> lines = lines();
        return lines.isEmpty() ? "none" : lines.get(lines.size() - 1).replaceFirst(" .*", "");
    }

    private List<String> lines() throws IOException {
        return Files.exists(calls) ? Files.readAllLines(calls, StandardCharsets.UTF_8) : List.of();
    }

    private void tell(String what) throws IOException {
        Path next = Files.writeString(control.resolveSibling(control.getFileName() + ".next"), what + "\n");
        Files.move(next, control, StandardCopyOption.REPLACE_EXISTING, StandardCopyOption.ATOMIC_MOVE);
    }
}
