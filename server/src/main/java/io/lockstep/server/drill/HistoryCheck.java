package io.lockstep.server.drill;

import io.lockstep.distributor.DigestAnswer;
import io.lockstep.server.ChildProcess;
import io.lockstep.server.Cluster;
import io.lockstep.server.drill.MergedHistory.BrokenHistoryException;
import io.lockstep.server.drill.Workload.Run;
import io.lockstep.tsdstore.DivergenceException;
import io.lockstep.tsdstore.H2Records;
import io.lockstep.tsdstore.Recording;
import io.lockstep.tsdstore.Replay;
import io.lockstep.tsdstore.TransactionService;
import io.lockstep.tsdstore.TsdStoreConfig;
import io.lockstep.wire.Entry;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.ServiceLoader;
import java.util.stream.Stream;

/**
 * Proves equality by executing the recorded history once more, on a store that never saw a fault. Touched by the
 * drill's thread, after the nodes have ended.
 */
final class HistoryCheck {
    private static final int DIFFERENCES_MAX = 100;

    private final Path mergedFile;
    private final List<Path> recordings;
    private final Workload workload;
    private final TsdStoreConfig store;

    /**
     * @param directory of the drill: the merged history is left there as {@code history.log}
     * @param cluster its nodes have ended, so that all they executed is in their recordings
     * @param workload names the service that the nodes ran
     * @param store limits of the nodes' stores: some decide what an entry does
     */
    HistoryCheck(Path directory, Cluster cluster, Workload workload, TsdStoreConfig store) throws IOException {
        this.mergedFile = directory.resolve("history.log");
        this.recordings = recordingsOf(cluster);
        this.workload = workload;
        this.store = store;
    }

    /**
     * Merges the recordings, executes them again and compares with what the cluster answered and with an undisturbed
     * run.
     *
     * @param answered the digest that the cluster answered
     * @param nodes what the nodes said about reaching it, one line each
     * @param nodeDifferences what they said that contradicts it
     */
    DigestCheck check(DigestAnswer answered, List<String> nodes, List<String> nodeDifferences, Run run) {
        List<String> differences = new ArrayList<>(nodeDifferences);
        long replayed = 0;
        long entries = 0;
        List<String> lines = new ArrayList<>(nodes);
        try {
            MergedHistory merged = new MergedHistory();
            for (Path recording : recordings) {
                Recording.read(recording, merged::add);
            }
            List<Entry> history = merged.until(answered.position());
            lines.add(recordings.size() + " recordings give one history; " + merged.setAside()
                    + " entries of deposed actives are not part of it");
            write(history);
            Replay.Result result = Replay.run(mergedFile, findService(), new H2Records(), store, answered.position());
            replayed = result.answeredDigest()
                    .orElseThrow(() -> new BrokenHistoryException("the last entry does not ask for a digest"));
            entries = result.entries();
            if (replayed != answered.digest()) {
                differences.add("the replay's digest is " + Long.toHexString(replayed) + ", the cluster's "
                        + Long.toHexString(answered.digest()));
            }
            if (workload.isRepeatable()) {
                compare(run.differencesFromUndisturbed(MergedHistory.times(history)::of), lines, differences);
            }
        } catch (BrokenHistoryException e) {
            differences.add("the recordings give no history: " + e.getMessage());
        } catch (DivergenceException e) {
            differences.add("the replay differs: " + e.getMessage());
        } catch (Exception e) {
            differences.add("the replay cannot be carried through: " + e);
        }
        return new DigestCheck(answered.position(), answered.digest(), replayed, entries, lines, differences);
    }

    private static void compare(List<String> unlike, List<String> lines, List<String> differences) {
        differences.addAll(unlike.subList(0, Math.min(DIFFERENCES_MAX, unlike.size())));
        if (unlike.size() > DIFFERENCES_MAX) {
            differences.add("and " + (unlike.size() - DIFFERENCES_MAX) + " more");
        }
        if (unlike.isEmpty()) {
            lines.add("every transaction ended as in an undisturbed run of the same seed");
        }
    }

    /** Deletes recordings and merged history: hundreds of megabytes that nobody needs when all is well. */
    void forgetRecordings() throws IOException {
        for (Path recording : recordings) {
            Files.deleteIfExists(recording);
        }
        Files.deleteIfExists(mergedFile);
    }

    private void write(List<Entry> history) throws IOException {
        try (Recording file = Recording.create(mergedFile)) {
            for (Entry entry : history) {
                file.append(entry);
            }
        }
    }

    private TransactionService findService() {
        for (TransactionService each : ServiceLoader.load(TransactionService.class)) {
            if (each.name().equals(workload.service())) {
                return each;
            }
        }
        throw new IllegalStateException("no TransactionService " + workload.service() + " on the class path");
    }

    private static List<Path> recordingsOf(Cluster cluster) throws IOException {
        List<Path> found = new ArrayList<>();
        for (ChildProcess node : cluster.nodes()) {
            try (Stream<Path> files = Files.list(node.directory())) {
                files.filter(file -> file.getFileName().toString().matches("entries(-[0-9]+)?\\.log"))
                        .sorted()
                        .forEach(found::add);
            }
        }
        return found;
    }
}
