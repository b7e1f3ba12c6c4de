package io.lockstep.server;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;

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
        boolean isRestarting) {

    /** @throws CommandFailure (usage) naming the option or setting that is wrong */
    public ClusterPlan {
        settings = Map.copyOf(settings);
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

    /** One distributor, one active, one backup, free ports, 512 MiB of heap for each node. */
    public static ClusterPlan in(Path directory) {
        return new ClusterPlan(
                directory, "lockstep", "lockstep", "", 1, 1, false, 0, 512, false, Map.of(), List.of(), false);
    }

    public ClusterPlan withCluster(String name) {
        return new ClusterPlan(
                directory,
                name,
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
                isRestarting);
    }

    public ClusterPlan withDatabase(String name) {
        return new ClusterPlan(
                directory,
                cluster,
                name,
                service,
                backups,
                distributors,
                hasArbiter,
                clientPort,
                heapMebibytes,
                recordEntries,
                settings,
                jvmOptions,
                isRestarting);
    }

    public ClusterPlan withService(String name) {
        return new ClusterPlan(
                directory,
                cluster,
                database,
                name,
                backups,
                distributors,
                hasArbiter,
                clientPort,
                heapMebibytes,
                recordEntries,
                settings,
                jvmOptions,
                isRestarting);
    }

    public ClusterPlan withBackups(int count) {
        return new ClusterPlan(
                directory,
                cluster,
                database,
                service,
                count,
                distributors,
                hasArbiter,
                clientPort,
                heapMebibytes,
                recordEntries,
                settings,
                jvmOptions,
                isRestarting);
    }

    public ClusterPlan withDistributors(int count) {
        return new ClusterPlan(
                directory,
                cluster,
                database,
                service,
                backups,
                count,
                hasArbiter,
                clientPort,
                heapMebibytes,
                recordEntries,
                settings,
                jvmOptions,
                isRestarting);
    }

    public ClusterPlan withArbiter() {
        return new ClusterPlan(
                directory,
                cluster,
                database,
                service,
                backups,
                distributors,
                true,
                clientPort,
                heapMebibytes,
                recordEntries,
                settings,
                jvmOptions,
                isRestarting);
    }

    public ClusterPlan withClientPort(int port) {
        return new ClusterPlan(
                directory,
                cluster,
                database,
                service,
                backups,
                distributors,
                hasArbiter,
                port,
                heapMebibytes,
                recordEntries,
                settings,
                jvmOptions,
                isRestarting);
    }

    public ClusterPlan withHeapMebibytes(int mebibytes) {
        return new ClusterPlan(
                directory,
                cluster,
                database,
                service,
                backups,
                distributors,
                hasArbiter,
                clientPort,
                mebibytes,
                recordEntries,
                settings,
                jvmOptions,
                isRestarting);
    }

    public ClusterPlan withRecordedEntries() {
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
                true,
                settings,
                jvmOptions,
                isRestarting);
    }

    public ClusterPlan withSettings(Map<String, String> more) {
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
                more,
                jvmOptions,
                isRestarting);
    }

    public ClusterPlan withJvmOptions(List<String> options) {
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
                options,
                isRestarting);
    }

    public ClusterPlan withRestarting() {
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
                true);
    }

    private static void check(boolean condition, String option, int value, String range) {
        if (!condition) {
            throw new CommandFailure(ExitCode.USAGE, option + " is " + value + "; it must be " + range);
        }
    }
}
