package io.lockstep.server.drill;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.lockstep.server.AdminClient;
import io.lockstep.server.ChildProcess;
import io.lockstep.server.Cluster;
import io.lockstep.server.CommandFailure;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What the nodes cost: measured once while they are idle, and the heap watched from then on by the thread {@code
 * drill-watch}. Safe from any thread, because what it remembers is in a concurrent map.
 */
final class NodeWatch implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(NodeWatch.class);
    private static final JsonMapper JSON = JsonMapper.builder().build();
    private static final Duration ASK_LIMIT = Duration.ofSeconds(1);
    private static final long IDLE_MS = 1_000;
    private static final long LOOK_EVERY_MS = 1_000;

    private final Cluster cluster;
    private final AdminClient admin;
    private final Map<String, NodeCost> costs = new ConcurrentHashMap<>();
    private final ScheduledExecutorService watcher = Executors.newSingleThreadScheduledExecutor(task -> {
        Thread thread = new Thread(task, "drill-watch");
        thread.setDaemon(true);
        return thread;
    });

    NodeWatch(Cluster cluster) {
        this.cluster = cluster;
        this.admin = new AdminClient(cluster.plan().cluster());
    }

    /** Measures every node for one second in which nobody asks it anything, and watches the heaps from then on. */
    void measureIdle() throws InterruptedException {
        Map<String, Long> before = new ConcurrentHashMap<>();
        long beganNs = System.nanoTime();
        cluster.nodes().forEach(node -> before.put(node.name(), cpuNs(node.pid())));
        Thread.sleep(IDLE_MS);
        for (ChildProcess node : cluster.nodes()) {
            double cpuNs = cpuNs(node.pid()) - before.getOrDefault(node.name(), 0L);
            double seconds = (System.nanoTime() - beganNs) / 1e9;
            Heap heap = heap(node);
            costs.put(
                    node.name(),
                    new NodeCost(
                            node.name(),
                            statusNumber(node.pid(), "VmRSS:") * 1024,
                            cpuNs / 1e6 / seconds,
                            (int) statusNumber(node.pid(), "Threads:"),
                            heap.usedBytes,
                            heap.usedBytes,
                            heap.maxBytes));
        }
        var unused = watcher.scheduleWithFixedDelay(this::look, LOOK_EVERY_MS, LOOK_EVERY_MS, TimeUnit.MILLISECONDS);
    }

    /** What was seen, in the order of the nodes' names. */
    List<NodeCost> costs() {
        List<NodeCost> seen = new ArrayList<>();
        for (ChildProcess node : cluster.nodes()) {
            NodeCost cost = costs.get(node.name());
            if (cost != null) {
                seen.add(cost);
            }
        }
        return seen;
    }

    @Override
    public void close() {
        watcher.shutdownNow();
        admin.close();
    }

    /** Heap of a node's process; negative where it does not say. */
    private record Heap(long usedBytes, long maxBytes) {}

    private void look() {
        for (ChildProcess node : cluster.nodes()) {
            if (node.isAlive()) {
                long used = heap(node).usedBytes;
                costs.computeIfPresent(node.name(), (name, cost) -> cost.withHeapPeak(used));
            }
        }
    }

    private Heap heap(ChildProcess node) {
        try {
            JsonNode status = JSON.readTree(admin.ask(node.address(), AdminClient.STATUS, ASK_LIMIT));
            return new Heap(
                    status.path("heapUsedBytes").asLong(-1),
                    status.path("heapMaxBytes").asLong(-1));
        } catch (JsonProcessingException | CommandFailure e) {
            LOG.debug("{} does not say how much heap it uses", node.name(), e);
        }
        return new Heap(-1, -1);
    }

    /** Processor time that all threads of a process have used. */
    private static long cpuNs(long pid) {
        long total = 0;
        try (DirectoryStream<Path> tasks = Files.newDirectoryStream(Path.of("/proc", Long.toString(pid), "task"))) {
            for (Path task : tasks) {
                total += cpuNs(task.resolve("schedstat"));
            }
        } catch (IOException e) {
            throw new UncheckedIOException("cannot read what process " + pid + " uses", e);
        }
        return total;
    }

    private static long cpuNs(Path schedstat) throws IOException {
        try {
            String text = Files.readString(schedstat, StandardCharsets.US_ASCII);
            return Long.parseLong(text.substring(0, text.indexOf(' ')));
        } catch (NoSuchFileException e) {
            return 0; // the thread has ended since the folder was listed
        }
    }

    private static long statusNumber(long pid, String key) {
        try {
            for (String line : Files.readAllLines(Path.of("/proc", Long.toString(pid), "status"))) {
                if (line.startsWith(key)) {
                    return Long.parseLong(line.substring(key.length()).replaceAll("[^0-9]", ""));
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException("cannot read the status of process " + pid, e);
        }
        return -1;
    }
}
