package io.lockstep.server;

import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/**
 * What a cluster of child JVMs consists of. Safe from any thread, because it is immutable; each {@code with…} gives a
 * changed copy.
 *
 * @param directory where each process gets a folder of its own, configuration and log
 * @param cluster name of the cluster; processes of different clusters refuse each other
 * @param database name of the database
 * @param service name of the {@link io.lockstep.tsdstore.TransactionService}; empty for the only one on the class path
 * @param backups nodes beside the active, 0 to 8
 * @param distributors 1 to 8
 * @param hasArbiter whether an arbiter votes in the first distributor's place, where the number of nodes is even
 * @param clientPort of the first distributor; 0 takes a free one
 * @param heapMebibytes heap of each node, 64 or more
 * @param recordEntries whether every node writes the entries that it executed to {@code entries.log} in its folder
 * @param settings further settings for every process, as in the configuration file; only those that all may share
 * @param jvmOptions further options for every JVM
 * @param isRestarting whether a child that ends by itself is started again
 * @param places where the children run
 */
public record ClusterPlan(
        Path directory,
        String cluster,
        String database,
        String service,
        int backups,
        int distributors,
        boolean hasArbiter,
        int clientPort,
        int heapMebibytes,
        boolean recordEntries,
        Map<String, String> settings,
        List<String> jvmOptions,
        boolean isRestarting,
        Places places) {

    /** @throws CommandFailure (usage) naming the option or setting that is wrong */
    public ClusterPlan {
        settings = plain(settings, database);
        jvmOptions = List.copyOf(jvmOptions);
        Setting.CLUSTER.kind().read("cluster", cluster);
        Setting.DATABASE.kind().read("database", database);
        Setting.SERVICE.kind().read("service", service);
        settings.forEach((key, value) -> {
            Setting setting = Setting.of(key).orElseThrow(() -> Setting.unknown(key));
            if (!setting.isShared()) {
                throw new ConfigException(
                        key, "setting '" + key + "' says what one process is, so it cannot be set for all of them");
            }
            setting.kind().read(key, value);
        });
        check(backups >= 0 && backups <= 8, "--backups", backups, "0 to 8");
        check(distributors >= 1 && distributors <= 8, "--distributors", distributors, "1 to 8");
        if (hasArbiter && backups % 2 == 0) {
            throw new CommandFailure(
                    ExitCode.USAGE,
                    "--arbiter does not go with --backups " + backups + ": " + (backups + 1)
                            + " nodes are an odd number of voters without one");
        }
        check(clientPort >= 0 && clientPort <= 65_535, "--port", clientPort, "0 to 65535; 0 takes a free one");
        check(heapMebibytes >= 64, "--heap", heapMebibytes, "64 or more (MiB)");
    }

    private static Map<String, String> plain(Map<String, String> settings, String database) {
        Map<String, String> plain = new HashMap<>();
        settings.forEach((key, value) -> plain.put(Setting.plain(key, database), value));
        return Map.copyOf(plain);
    }

    /** One distributor, one active, one backup, free ports, 512 MiB of heap for each node. */
    public static ClusterPlan in(Path directory) {
        return new ClusterPlan(
                directory,
                "lockstep",
                "lockstep",
                "",
                1,
                1,
                false,
                0,
                512,
                false,
                Map.of(),
                List.of(),
                false,
                Places.LOOPBACK);
    }

    public ClusterPlan withCluster(String name) {
        return with(draft -> draft.cluster = name);
    }

    public ClusterPlan withDatabase(String name) {
        return with(draft -> draft.database = name);
    }

    public ClusterPlan withService(String name) {
        return with(draft -> draft.service = name);
    }

    public ClusterPlan withBackups(int count) {
        return with(draft -> draft.backups = count);
    }

    public ClusterPlan withDistributors(int count) {
        return with(draft -> draft.distributors = count);
    }

    public ClusterPlan withArbiter() {
        return with(draft -> draft.hasArbiter = true);
    }

    public ClusterPlan withClientPort(int port) {
        return with(draft -> draft.clientPort = port);
    }

    public ClusterPlan withHeapMebibytes(int mebibytes) {
        return with(draft -> draft.heapMebibytes = mebibytes);
    }

    public ClusterPlan withRecordedEntries() {
        return with(draft -> draft.recordEntries = true);
    }

    public ClusterPlan withSettings(Map<String, String> more) {
        return with(draft -> draft.settings = more);
    }

    public ClusterPlan withJvmOptions(List<String> options) {
        return with(draft -> draft.jvmOptions = options);
    }

    public ClusterPlan withRestarting() {
        return with(draft -> draft.isRestarting = true);
    }

    public ClusterPlan withPlaces(Places where) {
        return with(draft -> draft.places = where);
    }

    private ClusterPlan with(Consumer<Draft> change) {
        Draft draft = new Draft(this);
        change.accept(draft);
        return draft.plan();
    }

    /** A plan whose parts can be changed; lives for one change. */
    private static final class Draft {
        private final Path directory;
        private String cluster;
        private String database;
        private String service;
        private int backups;
        private int distributors;
        private boolean hasArbiter;
        private int clientPort;
        private int heapMebibytes;
        private boolean recordEntries;
        private Map<String, String> settings;
        private List<String> jvmOptions;
        private boolean isRestarting;
        private Places places;

        private Draft(ClusterPlan from) {
            directory = from.directory;
            cluster = from.cluster;
            database = from.database;
            service = from.service;
            backups = from.backups;
            distributors = from.distributors;
            hasArbiter = from.hasArbiter;
            clientPort = from.clientPort;
            heapMebibytes = from.heapMebibytes;
            recordEntries = from.recordEntries;
            settings = from.settings;
            jvmOptions = from.jvmOptions;
            isRestarting = from.isRestarting;
            places = from.places;
        }

        private ClusterPlan plan() {
            return new ClusterPlan(
                    directory,
                    cluster,
                    database,
                    service,
                    backups,
                    distributors,
                    hasArbiter,
                    clientPort,
                    heapMebibytes,
                    recordEntries,
                    settings,
                    jvmOptions,
                    isRestarting,
                    places);
        }
    }

    private static void check(boolean condition, String option, int value, String range) {
        if (!condition) {
            throw new CommandFailure(ExitCode.USAGE, option + " is " + value + "; it must be " + range);
        }
    }
}
