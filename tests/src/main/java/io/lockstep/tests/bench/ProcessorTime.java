package io.lockstep.tests.bench;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Processor time of some processes and their threads so far, as the kernel counts it in ticks of 10 ms. Immutable, so
 * safe from any thread.
 *
 * <p>Unlike a wall clock it says the same on a machine that has other work too. The JVM's compilers are counted apart:
 * what they do belongs to no message. Where there is no {@code /proc} everything is 0.
 */
final class ProcessorTime {
    private static final long TICK_NS = 10_000_000;
    private static final Path PROCESSES = Path.of("/proc");

    /** By process and thread. */
    private final Map<String, Map<Long, Task>> tasks;

    /** By process, ended threads too. */
    private final Map<String, Task> wholes;

    /** One thread. */
    private record Task(String name, long userNs, long systemNs, long switches) {
        boolean isCompiler() {
            return name.startsWith("C1 Compiler") || name.startsWith("C2 Compiler");
        }

        Task since(Task before) {
            return new Task(name, userNs - before.userNs, systemNs - before.systemNs, switches - before.switches);
        }

        Task plus(Task other) {
            return new Task(name, userNs + other.userNs, systemNs + other.systemNs, switches + other.switches);
        }
    }

    private ProcessorTime(Map<String, Map<Long, Task>> tasks, Map<String, Task> wholes) {
        this.tasks = tasks;
        this.wholes = wholes;
    }

    /**
     * Looks now.
     *
     * @param processes ids by name; one that has ended counts as 0
     */
    static ProcessorTime now(Map<String, Long> processes) throws IOException {
        Map<String, Map<Long, Task>> tasks = new TreeMap<>();
        Map<String, Task> wholes = new TreeMap<>();
        for (Map.Entry<String, Long> process : processes.entrySet()) {
            Path directory = PROCESSES.resolve(Long.toString(process.getValue()));
            Map<Long, Task> threads = new HashMap<>();
            try (DirectoryStream<Path> each = Files.newDirectoryStream(directory.resolve("task"))) {
                for (Path thread : each) {
                    Task task = taskOrNull(thread);
                    if (task != null) {
                        threads.put(Long.parseLong(thread.getFileName().toString()), task);
                    }
                }
                wholes.put(process.getKey(), task(directory));
            } catch (NoSuchFileException over) {
                continue;
            }
            tasks.put(process.getKey(), threads);
        }
        return new ProcessorTime(tasks, wholes);
    }

    /** Null when it has ended since it was listed. */
    private static @Nullable Task taskOrNull(Path directory) {
        try {
            return task(directory);
        } catch (IOException ended) {
            return null;
        }
    }

    private static Task task(Path directory) throws IOException {
        String stat = Files.readString(directory.resolve("stat"), StandardCharsets.ISO_8859_1);
        int nameEnd = stat.lastIndexOf(')');
        List<String> fields =
                List.of(stat.substring(nameEnd + 2).split(" ")); // proc(5); the first one here is its third
        long switches = 0;
        for (String line : Files.readAllLines(directory.resolve("status"), StandardCharsets.ISO_8859_1)) {
            if (line.contains("voluntary_ctxt_switches:")) {
                switches += Long.parseLong(line.substring(line.indexOf(':') + 1).strip());
            }
        }
        return new Task(
                stat.substring(stat.indexOf('(') + 1, nameEnd),
                Long.parseLong(fields.get(11)) * TICK_NS,
                Long.parseLong(fields.get(12)) * TICK_NS,
                switches);
    }

    /** All processor time since an earlier look at the same processes but for the compilers', in nanoseconds. */
    long workNsSince(ProcessorTime before) {
        long ns = -compilerNsSince(before);
        for (Map.Entry<String, Task> whole : wholes.entrySet()) {
            Task used = since(before.wholes.get(whole.getKey()), whole.getValue());
            ns += used.userNs + used.systemNs;
        }
        return ns;
    }

    private static Task since(@Nullable Task then, Task now) {
        return then == null ? now : now.since(then);
    }

    /** What the compilers of the processes used since an earlier look, in nanoseconds. */
    long compilerNsSince(ProcessorTime before) {
        long ns = 0;
        for (Task task : threadsSince(before).values()) {
            if (task.isCompiler()) {
                ns += task.userNs + task.systemNs;
            }
        }
        return ns;
    }

    /** By process and name of threads, whose numbers are left out: what those used that still live. */
    private Map<String, Task> threadsSince(ProcessorTime before) {
        Map<String, Task> used = new TreeMap<>();
        tasks.forEach((process, threads) -> threads.forEach((id, task) -> {
            Task then = before.tasks.getOrDefault(process, Map.of()).get(id);
            String name = process + " " + task.name.replaceFirst("[-#]?\\d+$", "");
            used.merge(name, since(then, task), Task::plus);
        }));
        return used;
    }

    /** One line for each thread that used something since an earlier look, the most first, for each of so many messages. */
    List<String> tableSince(ProcessorTime before, long messages) {
        Map<String, Task> used = threadsSince(before);
        wholes.forEach(
                (process, whole) -> used.put(process + " (all threads)", since(before.wholes.get(process), whole)));
        List<Map.Entry<String, Task>> rows = new ArrayList<>(used.entrySet());
        rows.sort(Comparator.comparingLong(
                row -> -row.getValue().userNs() - row.getValue().systemNs()));
        List<String> lines = new ArrayList<>();
        for (Map.Entry<String, Task> row : rows) {
            Task task = row.getValue();
            if (task.userNs + task.systemNs > 0) {
                lines.add(String.format(
                        Locale.ROOT,
                        "    %-32s  user %7.1f us  system %7.1f us  switches %5.2f",
                        row.getKey(),
                        task.userNs / 1e3 / Math.max(1, messages),
                        task.systemNs / 1e3 / Math.max(1, messages),
                        (double) task.switches / Math.max(1, messages)));
            }
        }
        return lines;
    }
}
